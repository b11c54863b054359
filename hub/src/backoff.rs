//! How long to wait before the next try.

use std::time::Duration;

/// Exponential, with full jitter: hubs that lost the same member do not come back together.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    tries: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, tries: 0 }
    }

    /// The last try went well.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }

    /// A random time up to the doubled former bound.
    pub(crate) fn next(&mut self) -> Duration {
        self.bound().mul_f64(fastrand::f64())
    }

    /// The doubled former bound itself, where nobody else tries at the same time.
    pub(crate) fn bound(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1 << self.tries.min(16)).min(self.longest);
        self.tries = self.tries.saturating_add(1);
        bound
    }
}

impl Default for Backoff {
    /// 50 ms to 2 s: an election takes 1 to 2 seconds.
    fn default() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40));
        for bound in [10, 20, 40, 40, 40] {
            assert!(backoff.next() <= Duration::from_millis(bound));
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(10));
    }
}
