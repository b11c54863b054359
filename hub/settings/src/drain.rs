//! `drain`: how a hub goes without anybody noticing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, SettingsError,
    bounds::{self, TICK},
};

/// Draining, which SIGTERM begins. The whole takes at most `settle` + `deadline`; a pod's grace period must be longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// Time between `/readyz` turning 503 and the listener closing, for load balancers to notice. Default `5s`.
    pub settle: Duration,
    /// Connections told to go, and closed, a second. Slower is kinder to the hubs that take them, and must fit the deadline: at the
    /// deadline the rest is closed at once. Default `1000`.
    #[schemars(range(min = 1))]
    pub rate: u32,
    /// Time after `settle` for everything to end; then the rest is cut and the log names who was late. Default `30s`.
    pub deadline: Duration,
    /// Time over which the told clients spread their reconnects, each in its own slot. Default `10s`.
    pub reconnect_spread: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(5),
            rate: 1_000,
            deadline: Duration::from_secs(30),
            reconnect_spread: Duration::from_secs(10),
        }
    }
}

impl Drain {
    /// The longest a drain takes; what stops the process by force must wait longer.
    pub fn longest(&self) -> Duration {
        Duration::from_millis(self.settle.as_millis() + self.deadline.as_millis())
    }
}

impl Drain {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("drain.settle", self.settle, Duration::ZERO, Duration::from_mins(10))?;
        bounds::duration("drain.deadline", self.deadline, TICK, Duration::from_mins(24 * 60))?;
        bounds::duration("drain.reconnect_spread", self.reconnect_spread, Duration::ZERO, Duration::from_mins(60))
    }
}
