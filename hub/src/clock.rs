//! The wall clock, for the `ts` that people read and for the end of tokens. Nothing else is decided by it: clocks of two machines differ.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
#[must_use]
pub fn unix_millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A time of the wall clock on the clock that is not set back and forth; `None`: so far away that no clock has it.
#[must_use]
pub fn instant_of(unix_seconds: u64) -> Option<Instant> {
    let end = UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds))?;
    let left = end.duration_since(SystemTime::now()).unwrap_or_default();
    Instant::now().checked_add(left)
}
