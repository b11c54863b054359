//! Waiting for a condition, with a deadline that fails the test and says what was seen last.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine that pulls no image.
pub const DEADLINE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(250);

/// Looks until the value is as it should be, and returns it and how long that took.
///
/// # Panics
/// When it is not within the limit.
#[track_caller]
pub fn within<T: Debug, F: Future<Output = T>>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
    holds: impl Fn(&T) -> bool,
) -> impl Future<Output = (T, Duration)> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        loop {
            let seen = look().await;
            if holds(&seen) {
                return (seen, began.elapsed());
            }
            assert!(began.elapsed() < limit, "{caller}: not within {limit:?}: {what}; seen last: {seen:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The same within [`DEADLINE`].
#[track_caller]
pub fn eventually<T: Debug, F: Future<Output = T>>(
    what: &str,
    look: impl FnMut() -> F,
    holds: impl Fn(&T) -> bool,
) -> impl Future<Output = T> {
    let waiting = within(DEADLINE, what, look, holds);
    async move { waiting.await.0 }
}

/// Looks for that long and fails as soon as the value is not as it should stay.
///
/// # Panics
/// When it is not.
#[track_caller]
pub fn throughout<T: Debug, F: Future<Output = T>>(
    time: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
    holds: impl Fn(&T) -> bool,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let began = Instant::now();
        while began.elapsed() < time {
            let seen = look().await;
            assert!(holds(&seen), "{caller}: not for {time:?}: {what}; after {:?} it was: {seen:#?}", began.elapsed());
            tokio::time::sleep(LOOK * 8).await;
        }
    }
}
