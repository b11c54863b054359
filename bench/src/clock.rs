//! One clock for both processes: `CLOCK_MONOTONIC` is the same for every process of a machine, so a send time taken in
//! the server child can be subtracted from a receive time taken here.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Nanoseconds since an arbitrary point that is common to all processes of this machine.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A duration in the unit of [`now`].
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Sleeps until `due` (in the unit of [`now`]); returns at once when it has passed.
pub(crate) fn sleep_until(due: u64) {
    let wait = due.saturating_sub(now());
    if wait > 0 {
        let request =
            rustix::time::Timespec { tv_sec: (wait / 1_000_000_000) as i64, tv_nsec: (wait % 1_000_000_000) as i64 };
        // Cut short by a signal is fine: every caller looks at the clock again.
        let _interrupted = rustix::thread::nanosleep(&request);
    }
}
