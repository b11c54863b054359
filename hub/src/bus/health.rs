//! How a bus is, as probes and operators ask.

use std::time::Duration;

use crate::protocol::Mode;

/// A snapshot of a bus's condition. Has no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusHealth {
    /// Whether what is published now is expected to be delivered.
    pub delivering: bool,
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
            mode: Mode::Normal,
            lag_revisions: 0,
            lag: Duration::ZERO,
            queued: 0,
            queued_bytes: 0,
            last_error: None,
        }
    }
}
