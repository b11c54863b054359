//! `reload`: how soon a changed file counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, SettingsError,
    bounds::{self, TICK},
};

/// Reloading of this file and of the certificates it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reload {
    /// Interval at which the files are looked at; SIGHUP looks at once. Reading a small file costs nothing that can be
    /// measured. Default `1s`.
    pub interval: Duration,
}

impl Default for Reload {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1) }
    }
}

impl Reload {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("reload.interval", self.interval, TICK, Duration::from_mins(60))
    }
}
