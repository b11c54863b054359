//! Which rooms or clients a capability is for: a name in segments divided by `:`, where `*` stays inside its segment and `**` does not.
//!
//! Not a regular expression: matching needs no memory, and its time is bounded by the two lengths, so no token can carry a slow pattern.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Longest name, in bytes; a pattern is not longer.
const MAX_BYTES: usize = 128;

/// What divides a name into segments.
const DIVIDER: u8 = b':';

/// A pattern of names such as `lobby`, `team:*`, `chat:*:typing` or `**`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamePattern(String);

/// A text that is not a [`NamePattern`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NamePatternError {
    /// Empty, or longer than a name may be.
    #[error("a name pattern has 1 to {MAX_BYTES} bytes, this one has {0}")]
    Length(usize),
    /// A character that no name has.
    #[error("a name pattern has no {0:?}, because no name has it")]
    Character(char),
}

/// Where to go on when what follows a star did not match: one byte later in the name.
#[derive(Clone, Copy)]
struct Retry<'p, 'n> {
    pattern: &'p [u8],
    name: &'n [u8],
}

impl NamePattern {
    /// Whether it is for this name.
    pub fn matches(&self, name: &str) -> bool {
        // Bytes do for UTF-8, because no character's encoding is a part of another's.
        let (mut pattern, mut name) = (self.0.as_bytes(), name.as_bytes());
        let (mut inside, mut across): (Option<Retry<'_, '_>>, Option<Retry<'_, '_>>) = (None, None);
        loop {
            if let Some(after) = pattern.strip_prefix(b"**") {
                pattern = after;
                // What stood before it has matched, and the earliest match leaves the most.
                (inside, across) = (None, Some(Retry { pattern, name }));
                continue;
            }
            if let Some(after) = pattern.strip_prefix(b"*") {
                pattern = after;
                inside = Some(Retry { pattern, name });
                continue;
            }
            match (pattern.split_first(), name.split_first()) {
                (None, None) => return true,
                (Some((p, after)), Some((n, rest))) if p == n => {
                    (pattern, name) = (after, rest);
                    continue;
                }
                _ => {}
            }
            let later = inside.and_then(|retry| match retry.name.split_first() {
                Some((byte, rest)) if *byte != DIVIDER => Some(Retry { name: rest, ..retry }),
                _ => None,
            });
            if let Some(retry) = later {
                inside = Some(retry);
                (pattern, name) = (retry.pattern, retry.name);
                continue;
            }
            let later = across.and_then(|retry| Some(Retry { name: retry.name.split_first()?.1, ..retry }));
            let Some(retry) = later else { return false };
            (inside, across) = (None, Some(retry));
            (pattern, name) = (retry.pattern, retry.name);
        }
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(NamePatternError::Length(text.len()));
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || *c == '/') {
            return Err(NamePatternError::Character(character));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for NamePattern {
    fn schema_name() -> Cow<'static, str> {
        "NamePattern".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "name-pattern", "minLength": 1, "maxLength": MAX_BYTES })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> NamePattern {
        text.parse().unwrap()
    }

    /// The definition, without any thought of time.
    fn matches(pattern: &[u8], name: &[u8]) -> bool {
        if let Some(after) = pattern.strip_prefix(b"**") {
            return (0..=name.len()).any(|taken| matches(after, &name[taken..]));
        }
        if let Some(after) = pattern.strip_prefix(b"*") {
            let segment = name.iter().take_while(|byte| **byte != b':').count();
            return (0..=segment).any(|taken| matches(after, &name[taken..]));
        }
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((p, after)), Some((n, rest))) => p == n && matches(after, rest),
            _ => false,
        }
    }

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        for (text, yes, no) in [
            ("lobby", &["lobby"][..], &["lobby2", "Lobby", "lobb", "lobby:1"][..]),
            ("*", &["lobby", "комната"], &["team:a", "a:b:c"]),
            ("**", &["lobby", "team:a", "a:b:c"], &[]),
            ("team:*", &["team:a", "team:b-1"], &["team", "team:a:b", "teams:a"]),
            ("team:**", &["team:a", "team:a:b"], &["team", "teams:a"]),
            ("chat:*:typing", &["chat:7:typing"], &["chat:typing", "chat:7:8:typing", "chat:7:typing:x"]),
            ("**:typing", &["chat:7:typing", "a:typing"], &["typing", "chat:7:typed"]),
            ("game-*", &["game-1", "game-"], &["game:1", "game-1:a"]),
            ("*-*:**:z", &["a-b:c:z", "a-:b:c:z"], &["a:b:z", "a-b:z"]),
        ] {
            let pattern = pattern(text);
            assert!(yes.iter().all(|name| pattern.matches(name)), "{text}");
            assert!(!no.iter().any(|name| pattern.matches(name)), "{text}");
        }
    }

    #[test]
    fn what_no_name_has_is_refused() {
        for text in ["", "a/b", "a\nb", &"x".repeat(129)] {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_the_definition_says(text in "[ab:*]{1,10}", name in "[ab:]{1,10}") {
            prop_assert_eq!(pattern(&text).matches(&name), matches(text.as_bytes(), name.as_bytes()), "{} {}", text, name);
        }
    }

    #[test]
    fn no_pattern_is_slow() {
        let name = "a".repeat(128);
        for text in ["*a".repeat(64), "**a".repeat(42), format!("{}b", "*a".repeat(63))] {
            let pattern = pattern(&text);
            for _ in 0..1000 {
                std::hint::black_box(pattern.matches(&name));
            }
        }
    }
}
