//! A histogram cheap enough for the pass of a shard.
//!
//! The registry's own histogram takes a lock or two atomic read-modify-writes on a line that every shard shares. This one belongs to one
//! shard, finds its bucket from the value's leading zeros, and is summed with its siblings only when somebody scrapes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the numbers of a [`Histogram`] are, and which range it tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Nanoseconds in, seconds out: 1 us to 69 s.
    Time,
    /// Plain counts (messages in a batch, entries in a pass): 1 to 1,048,576.
    Count,
}

impl Scale {
    /// The power of two below which everything falls into the first bucket.
    const fn lowest(self) -> u32 {
        match self {
            Self::Time => 10,
            Self::Count => 0,
        }
    }

    /// The power of two above which everything falls into the last bucket.
    const fn highest(self) -> u32 {
        match self {
            Self::Time => 36,
            Self::Count => 20,
        }
    }

    /// Buckets per power of two. Times have two (2^n and 1.5 * 2^n), so that a quantile is at most a half off.
    const fn per_octave(self) -> u32 {
        match self {
            Self::Time => 2,
            Self::Count => 1,
        }
    }

    /// What a raw number is multiplied by for the outside.
    pub(crate) const fn factor(self) -> f64 {
        match self {
            Self::Time => 1e-9,
            Self::Count => 1.0,
        }
    }

    /// Finite buckets; one more holds what lies above them.
    const fn finite(self) -> usize {
        ((self.highest() - self.lowest()) * self.per_octave() + 1) as usize
    }

    /// The inclusive upper bound of bucket `index`, in raw numbers.
    fn bound(self, index: usize) -> u64 {
        let steps = index as u32;
        let whole = 1_u64 << (self.lowest() + steps / self.per_octave());
        if steps.is_multiple_of(self.per_octave()) { whole } else { whole + whole / 2 }
    }
}

/// Fixed buckets of relaxed atomics; see the module's text for why.
#[derive(Debug)]
pub struct Histogram {
    scale: Scale,
    sum: AtomicU64,
    buckets: Box<[AtomicU64]>,
}

impl Histogram {
    /// An empty histogram; its memory (under half a KiB) is all it will ever take.
    #[must_use]
    pub fn new(scale: Scale) -> Self {
        Self { scale, sum: AtomicU64::new(0), buckets: (0..=scale.finite()).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Counts `value` (nanoseconds or a plain count, see [`Scale`]). Any number of threads may do so at once.
    pub fn observe(&self, value: u64) {
        self.buckets[self.index(value)].fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    /// Counts `value` `times` times, without a locked instruction. Only for a histogram that exactly one thread observes into: with two
    /// writers counts get lost.
    pub fn observe_alone(&self, value: u64, times: u64) {
        let bucket = &self.buckets[self.index(value)];
        bucket.store(bucket.load(Relaxed).wrapping_add(times), Relaxed);
        let sum = self.sum.load(Relaxed);
        self.sum.store(sum.wrapping_add(value.wrapping_mul(times)), Relaxed);
    }

    /// Counts a time span; see [`Histogram::observe`].
    pub fn observe_duration(&self, span: Duration) {
        self.observe(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The values counted so far; what another thread is counting right now may be in or not.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::empty(self.scale);
        snapshot.add(self);
        snapshot
    }

    #[inline]
    fn index(&self, value: u64) -> usize {
        // Bounds are inclusive, as Prometheus defines `le`: 1,024 belongs to the bucket that ends there.
        let below = value.saturating_sub(1);
        let lowest = self.scale.lowest();
        if below >> lowest == 0 {
            return 0;
        }
        let octave = below.ilog2();
        let index = match self.scale {
            Scale::Time => (octave - lowest) * 2 + ((below >> (octave - 1)) & 1) as u32 + 1,
            Scale::Count => octave - lowest + 1,
        };
        (index as usize).min(self.buckets.len() - 1)
    }
}

/// The sum of some histograms of one scale at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    scale: Scale,
    sum: u64,
    counts: Vec<u64>,
}

impl Snapshot {
    /// Nothing counted yet.
    #[must_use]
    pub fn empty(scale: Scale) -> Self {
        Self { scale, sum: 0, counts: vec![0; scale.finite() + 1] }
    }

    /// Adds what `histogram` holds; a histogram of another scale is a programming error and adds nothing.
    pub fn add(&mut self, histogram: &Histogram) {
        debug_assert_eq!(self.scale, histogram.scale, "only like with like");
        if self.scale != histogram.scale {
            return;
        }
        for (total, bucket) in self.counts.iter_mut().zip(&histogram.buckets) {
            *total = total.wrapping_add(bucket.load(Relaxed));
        }
        self.sum = self.sum.wrapping_add(histogram.sum.load(Relaxed));
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of the values in the outside's unit (seconds, or counts).
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum as f64 * self.scale.factor()
    }

    /// `(upper bound, values at or below it)` in the outside's unit, without the infinite bucket.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut so_far = 0;
        let finite = self.counts.len() - 1;
        self.counts[..finite].iter().enumerate().map(move |(index, count)| {
            so_far += count;
            (self.scale.bound(index) as f64 * self.scale.factor(), so_far)
        })
    }

    /// The bound below which at least the share `q` (0 to 1) of the values lies; `None` while empty or when it lies above every bound.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = (q * count as f64).ceil().max(1.0) as u64;
        self.cumulative().find(|(_, below)| *below >= wanted).map(|(bound, _)| bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_the_bucket_whose_bounds_enclose_it() {
        for scale in [Scale::Time, Scale::Count] {
            let histogram = Histogram::new(scale);
            let edges = (0..40).flat_map(|bit| {
                let whole = 1_u64 << bit;
                [whole - 1, whole, whole + 1, whole + whole / 2, whole + whole / 2 + 1]
            });
            for value in edges {
                let index = histogram.index(value);
                if index < scale.finite() {
                    assert!(value <= scale.bound(index), "{scale:?} {value} above bucket {index}");
                } else {
                    assert!(value > scale.bound(scale.finite() - 1), "{scale:?} {value} is not beyond the last bound");
                }
                if index > 0 {
                    assert!(value > scale.bound(index - 1), "{scale:?} {value} belongs below bucket {index}");
                }
            }
        }
    }

    #[test]
    fn bounds_grow_strictly_so_that_prometheus_accepts_them() {
        for scale in [Scale::Time, Scale::Count] {
            let bounds: Vec<_> = (0..scale.finite()).map(|index| scale.bound(index)).collect();
            assert!(bounds.is_sorted_by(|a, b| a < b), "{scale:?}: {bounds:?}");
        }
    }

    #[test]
    fn the_sum_of_shards_is_what_one_histogram_would_have_seen() {
        let (a, b) = (Histogram::new(Scale::Time), Histogram::new(Scale::Time));
        a.observe_duration(Duration::from_millis(3));
        b.observe_alone(2_000_000, 9);
        let mut total = a.snapshot();
        total.add(&b);
        assert_eq!(total.count(), 10);
        assert!((total.sum() - 0.021).abs() < 1e-9);
        let median = total.quantile(0.5).unwrap();
        assert!((0.002..0.003).contains(&median), "{median}");
        assert!(total.quantile(1.0).unwrap() >= 0.003);
    }

    #[test]
    fn a_value_beyond_the_last_bound_is_counted_but_has_no_quantile() {
        let histogram = Histogram::new(Scale::Count);
        histogram.observe(u64::MAX);
        let snapshot = histogram.snapshot();
        assert_eq!((snapshot.count(), snapshot.quantile(0.5)), (1, None));
    }
}
