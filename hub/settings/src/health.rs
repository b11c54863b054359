//! `health`: how the hub proves to itself that it delivers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, SettingsError,
    bounds::{self, TICK},
};

/// Readiness: the delivery canary, a message that goes through the whole path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Interval between canaries; in a cluster each is one small write to etcd. Default `5s`.
    pub canary_interval: Duration,
    /// Time for a canary to come back before `/readyz` turns 503. Default `5s`.
    pub canary_timeout: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self { canary_interval: Duration::from_secs(5), canary_timeout: Duration::from_secs(5) }
    }
}

impl Health {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("health.canary_interval", self.canary_interval, TICK, Duration::from_mins(10))?;
        bounds::duration("health.canary_timeout", self.canary_timeout, TICK, Duration::from_mins(10))
    }
}
