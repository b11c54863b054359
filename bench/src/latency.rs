//! Latencies of deliveries, kept as a histogram of microseconds (three significant digits, up to two minutes).

use hdrhistogram::Histogram;
use serde::Serialize;

const HIGHEST_US: u64 = 120_000_000;

/// Collects latencies.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    pub(crate) samples: u64,
}

impl Default for Latency {
    fn default() -> Self {
        let bounds = Histogram::new_with_bounds(1, HIGHEST_US, 3);
        Self(bounds.expect("the bounds are constants that fit each other"))
    }
}

impl Latency {
    /// Records one latency given in nanoseconds.
    #[inline]
    pub(crate) fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos / 1_000);
    }

    /// Forgets everything: the measured window begins.
    pub(crate) fn reset(&mut self) {
        self.0.reset();
    }

    /// The percentiles, or `None` when nothing was recorded.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let milliseconds = |micros: u64| micros as f64 / 1_000.0;
        (!self.0.is_empty()).then(|| Percentiles {
            p50: milliseconds(self.0.value_at_quantile(0.50)),
            p99: milliseconds(self.0.value_at_quantile(0.99)),
            max: milliseconds(self.0.max()),
            samples: self.0.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let mut latency = Latency::default();
        assert!(latency.percentiles().is_none());
        (1..=100).for_each(|ms| latency.record(ms * 1_000_000));
        let percentiles = latency.percentiles().unwrap();
        assert!((percentiles.p50 - 50.0).abs() < 0.5 && (percentiles.p99 - 99.0).abs() < 0.5, "{percentiles:?}");
        assert_eq!(percentiles.samples, 100);
        latency.reset();
        assert!(latency.percentiles().is_none());
    }
}
