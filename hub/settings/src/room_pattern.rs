//! Which rooms a rule is for: a room's name, where `*` stands for any run of characters.
//!
//! Not a regular expression: matching is linear in the name for each `*` and needs no memory, so no configured pattern can be slow.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Longest room name, in bytes; a pattern is not longer.
const MAX_BYTES: usize = 128;

/// A pattern of room names such as `lobby`, `game-*` or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoomPattern(String);

/// A text that is not a [`RoomPattern`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoomPatternError {
    /// Empty, or longer than a room name may be.
    #[error("a room pattern has 1 to {MAX_BYTES} bytes, this one has {0}")]
    Length(usize),
    /// A character that no room name has.
    #[error("a room pattern has no {0:?}, because no room name has it")]
    Character(char),
}

impl RoomPattern {
    /// Whether the room's name is one of these.
    pub fn matches(&self, room: &str) -> bool {
        let (mut pattern, mut name) = (self.0.as_bytes(), room.as_bytes());
        // Where to go on when the text after the last `*` did not match: one byte later in the name. Comparing bytes is right
        // for UTF-8, because no character's encoding is a part of another's.
        let mut retry: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), name.split_first()) {
                (None, None) => return true,
                (Some((b'*', after)), _) => {
                    retry = Some((after, name));
                    pattern = after;
                    continue;
                }
                (Some((p, after)), Some((n, rest))) if p == n => {
                    (pattern, name) = (after, rest);
                    continue;
                }
                _ => {}
            }
            match retry.and_then(|(after, from)| Some((after, from.split_first()?.1))) {
                Some((after, from)) => {
                    retry = Some((after, from));
                    (pattern, name) = (after, from);
                }
                None => return false,
            }
        }
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomPattern {
    type Err = RoomPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(RoomPatternError::Length(text.len()));
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || *c == '/') {
            return Err(RoomPatternError::Character(character));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoomPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RoomPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for RoomPattern {
    fn schema_name() -> Cow<'static, str> {
        "RoomPattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "room-pattern", "minLength": 1, "maxLength": MAX_BYTES })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, room, expected) in [
            ("lobby", "lobby", true),
            ("lobby", "lobby2", false),
            ("*", "anything", true),
            ("game-*", "game-", true),
            ("game-*", "gam", false),
            ("*-chat", "a-chat-chat", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("salle-*é", "salle-été", true),
        ] {
            assert_eq!(pattern.parse::<RoomPattern>().unwrap().matches(room), expected, "{pattern} {room}");
        }
    }

    #[test]
    fn many_stars_against_a_long_name_stay_linear() {
        let pattern: RoomPattern = "*a".repeat(64).parse().unwrap();
        assert!(!pattern.matches(&"b".repeat(1_000_000)));
    }

    #[test]
    fn a_pattern_has_only_what_a_room_name_has() {
        assert_eq!("".parse::<RoomPattern>(), Err(RoomPatternError::Length(0)));
        assert_eq!("a/b".parse::<RoomPattern>(), Err(RoomPatternError::Character('/')));
        assert_eq!("a\0".parse::<RoomPattern>(), Err(RoomPatternError::Character('\0')));
    }
}
