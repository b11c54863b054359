//! Waiting for a condition, with a deadline that fails the test.

use std::future::Future;
use std::time::{Duration, Instant};

/// Longer than anything a test waits for takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

const LOOK: Duration = Duration::from_millis(5);

/// The future's result, or a failed test that says what did not come.
///
/// # Panics
/// When it takes longer than [`DEADLINE`].
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(DEADLINE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{caller}: {what}: nothing within {DEADLINE:?}"),
        }
    }
}

/// Looks again and again until the condition holds.
///
/// # Panics
/// When it does not within [`DEADLINE`].
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < DEADLINE, "{caller}: not within {DEADLINE:?}: {what}");
            tokio::time::sleep(LOOK).await;
        }
    }
}
