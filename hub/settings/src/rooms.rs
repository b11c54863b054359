//! `rooms`: what may differ from room to room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, RoomPattern, SettingsError,
    bounds::{self, refuse},
    schema,
};

/// Rooms: the policy of all, and the exceptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// The policy of a room that no override is for; broadcasts and unicasts follow it too.
    pub defaults: RoomPolicy,
    /// Exceptions by pattern. The first whose pattern matches counts. Default `[]`.
    pub overrides: Vec<RoomOverride>,
    /// The bounds of all rooms together that keep messages during a partition.
    pub buffer: RoomBuffer,
}

/// What `on_partition: buffer` may keep in this hub. Nothing that is kept was acked: a hub that dies with it has promised nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomBuffer {
    /// Bytes of all rooms' messages together; above it publishers get an error that may be tried again. `cluster.etcd.queue_bytes` bounds them
    /// too. Default `8MiB`.
    pub max_bytes: ByteSize,
    /// How long a message is kept; then its publisher gets an error that may be tried again. Default `10m`.
    pub max_age: Duration,
}

impl Default for RoomBuffer {
    fn default() -> Self {
        Self { max_bytes: ByteSize::from_mib(8), max_age: Duration::from_mins(10) }
    }
}

/// How a room behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomPolicy {
    /// What a publisher gets while etcd cannot be written: `fail_closed` is an error that may be tried again, `local_only` delivers
    /// to the clients of this hub alone and says so in the ack, `buffer` keeps `partition_buffer` messages, which are published in their
    /// order and acked when etcd is back. Default `fail_closed`.
    pub on_partition: OnPartition,
    /// With `on_partition: buffer`: messages of one room (or of one client, for unicasts) that this hub keeps; what comes above it is refused with an
    /// error that may be tried again. A connection that waits for more than `limits.max_inflight_publishes` answers is not read from. Default `100`.
    #[schemars(range(min = 1, max = 100_000))]
    pub partition_buffer: u32,
    /// Whether members are told who joins and leaves. In a room of n members each change costs n messages. Default `false`.
    pub presence_changes: bool,
}

impl Default for RoomPolicy {
    fn default() -> Self {
        Self { on_partition: OnPartition::default(), partition_buffer: 100, presence_changes: false }
    }
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
    /// As `rooms.defaults.partition_buffer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = 100_000), example = 1000)]
    pub partition_buffer: Option<u32>,
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
    /// Kept until the bus is back, then published in order and acked.
    Buffer,
}

impl Rooms {
    /// The policy of this room: that of the first override whose pattern matches, completed by the defaults.
    pub fn policy(&self, room: &str) -> RoomPolicy {
        let Some(found) = self.overrides.iter().find(|o| o.pattern.matches(room)) else {
            return self.defaults;
        };
        RoomPolicy {
            on_partition: found.on_partition.unwrap_or(self.defaults.on_partition),
            partition_buffer: found.partition_buffer.unwrap_or(self.defaults.partition_buffer),
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
        bounds::size("rooms.buffer.max_bytes", self.buffer.max_bytes, ByteSize::from_kib(4), ByteSize::MAX)?;
        bounds::duration("rooms.buffer.max_age", self.buffer.max_age, Duration::from_secs(1), Duration::from_mins(1440))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_override_counts_and_the_defaults_complete_it() {
        let defaults = RoomPolicy { on_partition: OnPartition::LocalOnly, ..RoomPolicy::default() };
        let exception = |pattern: &str| RoomOverride {
            pattern: pattern.parse().unwrap(),
            on_partition: None,
            partition_buffer: None,
            presence_changes: None,
        };
        let rooms = Rooms {
            defaults,
            overrides: vec![
                RoomOverride { presence_changes: Some(true), ..exception("a-*") },
                RoomOverride { on_partition: Some(OnPartition::Buffer), partition_buffer: Some(7), ..exception("b-*") },
                RoomOverride { on_partition: Some(OnPartition::FailClosed), ..exception("*") },
            ],
            ..Rooms::default()
        };
        assert_eq!(rooms.policy("a-1"), RoomPolicy { presence_changes: true, ..defaults });
        let buffering = RoomPolicy { on_partition: OnPartition::Buffer, partition_buffer: 7, ..defaults };
        assert_eq!(rooms.policy("b-1"), buffering);
        assert_eq!(rooms.policy("b"), RoomPolicy::default());
        assert_eq!(Rooms::default().policy("b"), RoomPolicy::default());
    }
}
