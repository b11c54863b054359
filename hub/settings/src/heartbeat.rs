//! `heartbeat`: how a peer that vanished is noticed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, SettingsError,
    bounds::{self, TICK},
};

/// Heartbeats. A peer that vanished is gone within `interval` + `timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Heartbeat {
    /// Silence after which the hub sends a WebSocket ping. Any bytes from the peer count as a sign of life. Shorter notices sooner
    /// and costs a packet per idle connection; keep it below the idle timeout of every proxy on the way (often 60s). Default `25s`.
    pub interval: Duration,
    /// Time the peer has to answer before it is disconnected. Default `10s`.
    pub timeout: Duration,
    /// Interval at which the hub also sends `MsgPing`, for clients whose code cannot see WebSocket pings; `0s` sends none. Clients
    /// may send `MsgPing` at any time. Default `0s`.
    pub app_interval: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { interval: Duration::from_secs(25), timeout: Duration::from_secs(10), app_interval: Duration::ZERO }
    }
}

impl Heartbeat {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let hour = Duration::from_mins(60);
        bounds::duration("heartbeat.interval", self.interval, TICK, hour)?;
        bounds::duration("heartbeat.timeout", self.timeout, TICK, hour)?;
        if self.app_interval.is_zero() {
            return Ok(());
        }
        bounds::duration("heartbeat.app_interval", self.app_interval, TICK, hour)
    }
}
