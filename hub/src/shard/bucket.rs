//! A token bucket that may run into debt: what was read is always handled, and reading pauses until the debt is paid.

use std::time::Duration;

/// Eight bytes, because every connection has some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f32,
    /// Milliseconds of the shard's clock.
    at: u32,
}

impl Bucket {
    pub(super) fn full(burst: f32, now: u32) -> Self {
        Self { tokens: burst, at: now }
    }

    /// Takes `cost`, which may be nothing; returns how long until the bucket is out of debt again.
    pub(super) fn take(&mut self, cost: f32, rate: f32, burst: f32, now: u32) -> Option<Duration> {
        let passed = now.wrapping_sub(self.at) as f32 / 1000.0;
        self.at = now;
        self.tokens = (self.tokens + passed * rate).min(burst) - cost;
        (self.tokens < 0.0).then(|| Duration::from_secs_f32((-self.tokens / rate).min(60.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_debt_is_paid_with_time() {
        let mut bucket = Bucket::full(10.0, 0);
        for _ in 0..10 {
            assert_eq!(bucket.take(1.0, 5.0, 10.0, 0), None);
        }
        assert_eq!(bucket.take(1.0, 5.0, 10.0, 0).map(|wait| wait.as_millis()), Some(200));
        assert_eq!(bucket.take(1.0, 5.0, 10.0, 400), None);
    }

    #[test]
    fn it_never_holds_more_than_the_burst() {
        let mut bucket = Bucket::full(2.0, 0);
        assert_eq!(bucket.take(2.0, 1.0, 2.0, 60_000), None);
        assert!(bucket.take(1.0, 1.0, 2.0, 60_000).is_some());
    }
}
