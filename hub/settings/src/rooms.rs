//! `rooms`: what may differ from room to room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RoomPattern, SettingsError, bounds::refuse, schema};

/// Rooms: the policy of all, and the exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// The policy of a room that no override is for; broadcasts and unicasts follow it too.
    pub defaults: RoomPolicy,
    /// Exceptions by pattern. The first whose pattern matches counts. Default `[]`.
    pub overrides: Vec<RoomOverride>,
}

/// How a room behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomPolicy {
    /// What a publisher gets while etcd cannot be written: `fail_closed` is an error that may be tried again, `local_only` delivers
    /// to the clients of this hub alone and says so in the ack. Default `fail_closed`.
    pub on_partition: OnPartition,
    /// Whether members are told who joins and leaves. In a room of n members each change costs n messages. Default `false`.
    pub presence_changes: bool,
}

/// An exception for the rooms of a pattern; what it leaves out is as in `rooms.defaults`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomOverride {
    /// The rooms: a name, where `*` stands for any run of characters.
    #[schemars(example = &"game-*")]
    pub pattern: RoomPattern,
    /// As `rooms.defaults.on_partition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnPartition", example = &"local_only")]
    pub on_partition: Option<OnPartition>,
    /// As `rooms.defaults.presence_changes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool", example = true)]
    pub presence_changes: Option<bool>,
}

/// What a publisher gets while the bus cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum OnPartition {
    /// An error that may be tried again.
    #[default]
    FailClosed,
    /// Delivery to the clients of this hub alone.
    LocalOnly,
}

impl Rooms {
    /// The policy of this room: that of the first override whose pattern matches, completed by the defaults.
    pub fn policy(&self, room: &str) -> RoomPolicy {
        let Some(found) = self.overrides.iter().find(|o| o.pattern.matches(room)) else {
            return self.defaults;
        };
        RoomPolicy {
            on_partition: found.on_partition.unwrap_or(self.defaults.on_partition),
            presence_changes: found.presence_changes.unwrap_or(self.defaults.presence_changes),
        }
    }
}

impl Rooms {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        for (i, rule) in self.overrides.iter().enumerate() {
            if let Some(first) = self.overrides[..i].iter().position(|other| other.pattern == rule.pattern) {
                let message = format!("is the same as rooms.overrides[{first}].pattern, which counts");
                return refuse(format!("rooms.overrides[{i}].pattern"), message);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_override_counts_and_the_defaults_complete_it() {
        let rooms = Rooms {
            defaults: RoomPolicy { on_partition: OnPartition::LocalOnly, presence_changes: false },
            overrides: vec![
                RoomOverride { pattern: "a-*".parse().unwrap(), on_partition: None, presence_changes: Some(true) },
                RoomOverride {
                    pattern: "*".parse().unwrap(),
                    on_partition: Some(OnPartition::FailClosed),
                    presence_changes: None,
                },
            ],
        };
        assert_eq!(rooms.policy("a-1"), RoomPolicy { on_partition: OnPartition::LocalOnly, presence_changes: true });
        assert_eq!(rooms.policy("b"), RoomPolicy { on_partition: OnPartition::FailClosed, presence_changes: false });
        assert_eq!(Rooms::default().policy("b"), RoomPolicy::default());
    }
}
