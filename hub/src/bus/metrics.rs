//! What a bus counts. Plain atomics: the metrics module reads them when it is scraped, and gets the distributions through [`BusObserver`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows, or a level; written by the bus, read by whoever exports it.
#[derive(Debug, Default)]
pub struct Figure(AtomicU64);

impl Figure {
    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn raise(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

/// The figures of an etcd bus. Counters unless they say "level".
#[derive(Debug, Default)]
pub struct BusMetrics {
    /// Transactions committed.
    pub batches: Figure,
    /// Publications in them.
    pub published: Figure,
    /// Bytes of values in them.
    pub published_bytes: Figure,
    /// Publications refused or given up, for whatever reason.
    pub failed: Figure,
    /// Attempts of a transaction after the first one.
    pub retries: Figure,
    /// Publications delivered by the watch.
    pub delivered: Figure,
    /// Bytes of the values that the watch delivered.
    pub delivered_bytes: Figure,
    /// Publications delivered on this hub only, by the policy `local_only`.
    pub local_only: Figure,
    /// Publications not delivered, because their key or their batch was delivered before.
    pub duplicates: Figure,
    /// Values under the prefix that are no message: foreign, corrupt or oversized.
    pub skipped: Figure,
    /// Gaps reported to the log.
    pub gaps: Figure,
    /// Times the watch was opened anew after the first.
    pub watch_reconnects: Figure,
    /// Leases granted for this hub's registration; more than one means that a lease was lost.
    pub registrations: Figure,
    /// Compactions done by this hub.
    pub compactions: Figure,
    /// Level: the newest revision heard of.
    pub head_revision: Figure,
    /// Level: the newest revision delivered.
    pub delivered_revision: Figure,
    /// Level: publications waiting for etcd.
    pub queued: Figure,
    /// Level: bytes of those.
    pub queued_bytes: Figure,
    /// Publications refused because as much was kept as `on_partition: buffer` may.
    pub buffer_refused: Figure,
    /// Level: publications of targets with `on_partition: buffer` that have no receipt yet.
    pub buffered: Figure,
    /// Level: bytes of those.
    pub buffered_bytes: Figure,
    /// Level: 1 while degraded.
    pub degraded: Figure,
    /// Level: from the commit of this hub's newest batch to its delivery, in microseconds.
    pub watch_lag_micros: Figure,
}

impl BusMetrics {
    /// How many revisions delivery is behind what this hub has heard of.
    pub fn lag_revisions(&self) -> u64 {
        self.head_revision.get().saturating_sub(self.delivered_revision.get())
    }
}

/// Gets every single observation, for histograms. Called on the bus's hot path: it must be short.
pub trait BusObserver: Send + Sync {
    /// A transaction was answered after this time.
    fn put(&self, latency: Duration);
    /// A transaction carried this many publications and bytes of values.
    fn batch(&self, publications: usize, bytes: usize);
    /// The watch returned this hub's own batch this long after the commit was known (zero when it came first).
    fn watch_lag(&self, lag: Duration);
}

/// Observes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl BusObserver for NoObserver {
    fn put(&self, _: Duration) {}
    fn batch(&self, _: usize, _: usize) {}
    fn watch_lag(&self, _: Duration) {}
}
