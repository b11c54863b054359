//! How a bus is, as probes and operators ask.

use std::time::Duration;

use crate::protocol::Mode;

/// The half of the way over a bus that does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusHop {
    /// What is published does not get onto the bus.
    Put,
    /// What is on the bus does not come back.
    Watch,
}

/// A snapshot of a bus's condition. Has no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusHealth {
    /// Whether what is published now is expected to be delivered.
    pub delivering: bool,
    /// The first hop that does not work, as far as is known.
    pub broken: Option<BusHop>,
    /// What clients were told.
    pub mode: Mode,
    /// Revisions between the newest one heard of and the newest one delivered.
    pub lag_revisions: u64,
    /// From a commit to its delivery on this hub, the newest one measured.
    pub lag: Duration,
    /// Publications waiting for the bus.
    pub queued: usize,
    /// Bytes waiting for the bus.
    pub queued_bytes: usize,
    /// What went wrong last, also when it works again.
    pub last_error: Option<String>,
}

impl Default for BusHealth {
    fn default() -> Self {
        Self {
            delivering: true,
            broken: None,
            mode: Mode::Normal,
            lag_revisions: 0,
            lag: Duration::ZERO,
            queued: 0,
            queued_bytes: 0,
            last_error: None,
        }
    }
}
