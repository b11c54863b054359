//! The two kinds of plain numbers the hub counts with, both safe to bump from any thread and read only by the scrape.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// How many different keys a [`Tally`] keeps apart; the rest is counted together. Labels of a metric must never grow with what peers send.
const MAX_KEYS: usize = 64;

/// A relaxed atomic number: a counter, or a gauge when `set` or `sub` is used.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Takes `n` away; only for gauges.
    #[inline]
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    /// Replaces the number; only for gauges.
    #[inline]
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The number now.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counts per key, for events that are rare (a close, a gap, a refusal): the keys come from a closed set in the code, never from a peer.
///
/// A `Mutex` because it is held for a handful of compares and only a scrape ever contends for it.
#[derive(Debug)]
pub struct Tally<K>(Mutex<Counts<K>>);

#[derive(Debug)]
struct Counts<K> {
    by_key: Vec<(K, u64)>,
    rest: u64,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::new(Counts { by_key: Vec::new(), rest: 0 }))
    }
}

impl<K: Copy + Eq> Tally<K> {
    /// Counts one event.
    pub fn inc(&self, key: K) {
        self.add(key, 1);
    }

    /// Counts `n` events.
    pub fn add(&self, key: K, n: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = counts.by_key.iter_mut().find(|(known, _)| *known == key) {
            *count += n;
        } else if counts.by_key.len() < MAX_KEYS {
            counts.by_key.push((key, n));
        } else {
            counts.rest += n;
        }
    }

    /// Every key seen so far with its count.
    #[must_use]
    pub fn counts(&self) -> Vec<(K, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_key.clone()
    }

    /// Events whose key came too late to be kept apart.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rest
    }

    /// All events.
    #[must_use]
    pub fn total(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.rest + counts.by_key.iter().map(|(_, count)| count).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_never_grows_past_its_keys_and_loses_no_event() {
        let tally = Tally::default();
        for key in 0..1000_u16 {
            tally.inc(key);
        }
        tally.add(3, 2);
        assert_eq!(tally.counts().len(), MAX_KEYS);
        assert_eq!(tally.counts()[3], (3, 3));
        assert_eq!((tally.rest(), tally.total()), (1000 - MAX_KEYS as u64, 1002));
    }
}
