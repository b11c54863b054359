//! Every test ends: a bound for the whole, and conditions that say what they waited for.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long a condition may take on a busy machine of two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

const LOOK: Duration = Duration::from_millis(20);

/// The test itself, ended after `limit`.
pub(crate) async fn bounded<F: Future>(limit: Duration, test: F) -> F::Output {
    match timeout(limit, test).await {
        Ok(output) => output,
        Err(_) => panic!("the test did not end within {limit:?}; the last line above says how far it came"),
    }
}

/// Asks until the answer is as it should be; the last answer is shown when it never is.
pub(crate) async fn eventually<T: Debug, F: Future<Output = T>>(
    what: &str,
    mut ask: impl FnMut() -> F,
    holds: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if holds(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}; last seen: {answer:?}");
        sleep(LOOK).await;
    }
}
