//! When to connect again: section 8 of the protocol.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that has lived so long after its welcome was a good one.
const GOOD: Duration = Duration::from_secs(5);

/// Full jitter, and whatever the hub asked for instead.
#[derive(Debug, Default)]
pub struct Backoff {
    attempt: u32,
    asked: Option<Duration>,
}

impl Backoff {
    /// The hub named a time, by `drain`, `retry` or `Retry-After`: it replaces the random one, once.
    pub fn asked(&mut self, wait: Duration) {
        self.asked = Some(wait);
    }

    /// The last connection lived this long after its welcome.
    pub fn lived(&mut self, time: Duration) {
        if time >= GOOD {
            self.attempt = 0;
        }
    }

    /// How long to wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        if let Some(asked) = self.asked.take() {
            return asked;
        }
        let most = LONGEST.min(FIRST * 2_u32.saturating_pow(self.attempt.min(16)));
        self.attempt += 1;
        most.mul_f64(fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_start_anew_after_a_good_connection() {
        let mut backoff = Backoff::default();
        for attempt in 0..40 {
            let most = (0.5 * 2_f64.powi(attempt)).min(30.0);
            assert!(backoff.wait().as_secs_f64() <= most, "attempt {attempt}");
        }
        backoff.lived(Duration::from_secs(4));
        assert_eq!(backoff.attempt, 40);
        backoff.lived(Duration::from_secs(5));
        assert!(backoff.wait() <= FIRST);
    }

    #[test]
    fn what_the_hub_asks_for_replaces_the_random_wait_once() {
        let mut backoff = Backoff::default();
        backoff.asked(Duration::from_millis(1234));
        assert_eq!(backoff.wait(), Duration::from_millis(1234));
        assert!(backoff.wait() <= FIRST);
    }
}
