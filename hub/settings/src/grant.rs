//! A grant: what a client may do, by patterns of names. The same form stands in the settings and in the claims of a token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NamePattern, SettingsError, bounds::refuse, schema};

/// Most rules of one list: every publish looks at all of them.
const MAX_RULES: usize = 64;

/// What a client may do. What a grant leaves out is not allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Grant {
    /// What it may do in which rooms; of several patterns that match, all count. At most 64. Default `[]`.
    #[schemars(example = example_rooms())]
    pub rooms: Vec<RoomGrant>,
    /// The clients it may send unicasts to, by pattern. At most 64. Default `[]`.
    #[schemars(example = example_clients())]
    pub clients: Vec<NamePattern>,
    /// Whether it may send to everybody. Default `false`.
    #[schemars(example = true)]
    pub broadcast: bool,
}

/// What may be done in the rooms of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomGrant {
    /// The rooms: a name in segments divided by `:`, where `*` stands for anything inside a segment and `**` for anything at all.
    #[schemars(example = &"chat:*")]
    pub pattern: NamePattern,
    /// What may be done there.
    pub allow: Vec<Operation>,
}

/// Something to be done in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum Operation {
    /// Be in it and get what is said there, after a reconnect also what was said meanwhile.
    Join,
    /// Send to it.
    Publish,
    /// Ask who is in it.
    Presence,
    /// Ask what was said there before.
    History,
}

fn example_rooms() -> serde_json::Value {
    serde_json::json!([{"pattern": "chat:*", "allow": ["join", "publish"]}])
}

fn example_clients() -> serde_json::Value {
    serde_json::json!(["**"])
}

pub(crate) fn example() -> serde_json::Value {
    serde_json::json!({"rooms": [{"pattern": "chat:*", "allow": ["join"]}]})
}

impl Grant {
    /// Whether it has so many rules that it would slow everybody down.
    pub fn is_too_large(&self) -> bool {
        self.rooms.len() > MAX_RULES || self.clients.len() > MAX_RULES
    }

    pub(crate) fn validate(&self, path: &str) -> Result<(), SettingsError> {
        for (field, length) in [("rooms", self.rooms.len()), ("clients", self.clients.len())] {
            if length > MAX_RULES {
                return refuse(format!("{path}.{field}"), format!("must have at most {MAX_RULES} items, got {length}"));
            }
        }
        Ok(())
    }
}
