//! `slow_client`: what happens to a client that reads slower than the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, SettingsError,
    bounds::{self, TICK},
    schema,
};

/// Slow clients: those whose cursor is too far behind the log's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlowClient {
    /// What happens past a limit below: `drop` moves the client on to the newest and tells it what it missed in a `gap`, `conflate`
    /// first keeps of each conflation key (what stands before the first `#` of a message's `key`) only the newest and drops what is left over, `kick`
    /// closes it with a code that says why, so that it reconnects and resumes. Default `drop`.
    pub policy: SlowPolicy,
    /// Bytes a client may be behind; at most `retention.max_bytes`. No memory is set aside for it: the log has the bytes once for
    /// all. Default `1MiB`.
    pub max_pending: ByteSize,
    /// Age of the oldest message that waits for a client. Default `10s`.
    pub max_age: Duration,
}

/// What happens to a slow client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum SlowPolicy {
    /// Its cursor moves on and a `gap` says what it missed.
    #[default]
    Drop,
    /// Of each conflation key only the newest is kept, a `gap` says how many that leaves out, and what is too much even so is dropped.
    Conflate,
    /// It is closed with a code that says why.
    Kick,
}

impl Default for SlowClient {
    fn default() -> Self {
        Self { policy: SlowPolicy::Drop, max_pending: ByteSize::from_mib(1), max_age: Duration::from_secs(10) }
    }
}

impl SlowClient {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("slow_client.max_age", self.max_age, TICK, Duration::from_mins(60))
    }
}
