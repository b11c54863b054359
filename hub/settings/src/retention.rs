//! `retention`: how much of the past the in-memory log holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, SettingsError,
    bounds::{self, TICK},
};

/// The in-memory log. The first limit that is reached frees the oldest entries. What it still has can be resumed and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Memory of the encoded frames, in bytes: the whole of what delivery and history may take, whatever the number of clients.
    /// Default `64MiB`.
    pub max_bytes: ByteSize,
    /// Age at which an entry is freed. A client that was away longer gets a `gap`. Default `5m`.
    pub max_age: Duration,
    /// Most entries; each costs about 100 bytes beside its frame. Default `1000000`.
    #[schemars(range(min = 1))]
    pub max_entries: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { max_bytes: ByteSize::from_mib(64), max_age: Duration::from_mins(5), max_entries: 1_000_000 }
    }
}

impl Retention {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::size("retention.max_bytes", self.max_bytes, ByteSize::from_kib(64), ByteSize::MAX)?;
        bounds::duration("retention.max_age", self.max_age, TICK, Duration::MAX)
    }
}
