//! `idempotency`: how long a publication's `key` protects against a second delivery.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, SettingsError,
    bounds::{self, TICK},
};

/// Idempotency keys. In a cluster all hubs must have the same numbers, or they disagree about what is a duplicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Idempotency {
    /// Keys remembered; the oldest is forgotten first. Each costs about 150 bytes. Default `100000`.
    #[schemars(range(min = 1))]
    pub max_keys: u32,
    /// Age at which a key is forgotten; longer than a client goes on trying. Default `2m`.
    pub max_age: Duration,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self { max_keys: 100_000, max_age: Duration::from_mins(2) }
    }
}

impl Idempotency {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("idempotency.max_age", self.max_age, TICK, Duration::from_mins(24 * 60))
    }
}
