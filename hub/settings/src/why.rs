//! `why`: the black box of each connection.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, SettingsError,
    bounds::{self, TICK},
};

/// What is noted of a connection, so that `gohub why` can tell what became of it. Never a token and never a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Why {
    /// Events kept for each connection, the newest; what repeats is one event, and a connection to which nothing happens has none. About 40 bytes each.
    /// At most 1000; 0 keeps counts alone. Default `32`.
    #[schemars(range(max = 1000))]
    pub events: u32,
    /// Memory of connections that have ended, in bytes, for the whole hub; the oldest goes first. 0 keeps none. Default `4MiB`.
    pub keep: ByteSize,
    /// Age at which a connection that has ended is forgotten. Default `1h`.
    pub keep_for: Duration,
}

impl Default for Why {
    fn default() -> Self {
        Self { events: 32, keep: ByteSize::from_mib(4), keep_for: Duration::from_mins(60) }
    }
}

impl Why {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::size("why.keep", self.keep, ByteSize::ZERO, ByteSize::from_mib(1024))?;
        bounds::duration("why.keep_for", self.keep_for, TICK, Duration::from_mins(7 * 24 * 60))
    }
}
