//! What the bus counts, as metrics: the etcd bus's own figures, and the distributions it reports as they happen.
//!
//! One [`BusStats`] outlives every bus that is swapped in, so that counters never go backwards: give `etcd` and the stats themselves (as
//! [`BusObserver`]) to each etcd bus that is opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::proto::MetricFamily;

use super::counter::Tally;
use super::family;
use super::histogram::{Histogram, Scale};
use crate::bus::{BusMetrics, BusObserver, Figure};

/// The bus's figures; any thread may write them.
#[derive(Debug)]
pub struct BusStats {
    /// What etcd buses count by themselves.
    pub etcd: Arc<BusMetrics>,
    /// Publications refused or failed, by error code: counted by whoever asked for them, on any bus.
    pub failures: Tally<&'static str>,
    /// Messages per batch.
    pub batch_messages: Histogram,
    /// From the start of a Put to its answer, nanoseconds.
    pub put_latency: Histogram,
    /// From a commit to its delivery on this hub, nanoseconds.
    pub watch_lag: Histogram,
    /// The delivery canary's way through the whole path, nanoseconds.
    pub canary: Histogram,
    /// Canaries that did not arrive, by the hop that did not pass them on.
    pub canary_failures: Tally<&'static str>,
    /// The hop that is broken now, by its place in [`HOPS`]; above them: none.
    canary_hop: AtomicUsize,
}

impl Default for BusStats {
    fn default() -> Self {
        Self {
            etcd: Arc::default(),
            failures: Tally::default(),
            batch_messages: Histogram::new(Scale::Count),
            put_latency: Histogram::new(Scale::Time),
            watch_lag: Histogram::new(Scale::Time),
            canary: Histogram::new(Scale::Time),
            canary_failures: Tally::default(),
            canary_hop: AtomicUsize::new(HOPS.len()),
        }
    }
}

/// The hops of the delivery canary, in the order of its way.
pub const HOPS: [&str; 4] = ["put", "watch", "shard", "write"];

impl BusStats {
    /// The last canary did not get past this hop, or it arrived.
    pub fn canary_broke(&self, hop: Option<&'static str>) {
        let at = HOPS.iter().position(|name| Some(*name) == hop).unwrap_or(HOPS.len());
        self.canary_hop.store(at, Ordering::Relaxed);
        if let Some(hop) = hop {
            self.canary_failures.inc(hop);
        }
    }
}

impl BusObserver for BusStats {
    fn put(&self, latency: Duration) {
        self.put_latency.observe_duration(latency);
    }

    fn batch(&self, publications: usize, _bytes: usize) {
        self.batch_messages.observe(publications as u64);
    }

    fn watch_lag(&self, lag: Duration) {
        self.watch_lag.observe_duration(lag);
    }
}

/// Counters of the etcd bus: name, help, figure.
type Exported = (&'static str, &'static str, fn(&BusMetrics) -> &Figure);

const COUNTERS: [Exported; 13] = [
    ("gohub_bus_batches_total", "Transactions committed by this hub.", |m| &m.batches),
    ("gohub_bus_published_total", "Publications in committed transactions.", |m| &m.published),
    ("gohub_bus_batch_bytes_total", "Bytes of values in committed transactions.", |m| &m.published_bytes),
    ("gohub_bus_failed_total", "Publications the bus refused or gave up.", |m| &m.failed),
    ("gohub_bus_retries_total", "Attempts of a transaction after its first one.", |m| &m.retries),
    ("gohub_bus_delivered_total", "Publications delivered by the watch.", |m| &m.delivered),
    ("gohub_bus_local_only_total", "Publications delivered on this hub only (on_partition: local_only).", |m| {
        &m.local_only
    }),
    (
        "gohub_bus_buffer_refused_total",
        "Publications refused because the hub kept as much as it may (on_partition: buffer).",
        |m| &m.buffer_refused,
    ),
    (
        "gohub_bus_duplicates_total",
        "Publications not delivered because their key or batch was delivered before.",
        |m| &m.duplicates,
    ),
    ("gohub_bus_skipped_total", "Values under the prefix that are no message.", |m| &m.skipped),
    ("gohub_bus_gaps_total", "Gaps the bus reported to the log.", |m| &m.gaps),
    ("gohub_bus_reconnects_total", "Times the watch was opened again.", |m| &m.watch_reconnects),
    ("gohub_bus_compactions_total", "Compactions of the store done by this hub.", |m| &m.compactions),
];

const LEVELS: [Exported; 5] = [
    ("gohub_bus_queue_messages", "Publications waiting for etcd.", |m| &m.queued),
    ("gohub_bus_queue_bytes", "Bytes of the publications waiting for etcd.", |m| &m.queued_bytes),
    (
        "gohub_bus_buffer_messages",
        "Publications of rooms with on_partition: buffer that wait for their ack: what a hub that dies takes with it, unacked.",
        |m| &m.buffered,
    ),
    ("gohub_bus_buffer_bytes", "Bytes of those publications.", |m| &m.buffered_bytes),
    ("gohub_bus_degraded", "1 while the bus takes no publications.", |m| &m.degraded),
];

impl BusStats {
    pub(super) fn collect(&self, families: &mut Vec<MetricFamily>) {
        let broken = self.canary_hop.load(Ordering::Relaxed);
        families.extend(COUNTERS.map(|(name, help, figure)| family::counter(name, help, figure(&self.etcd).get())));
        families.extend(LEVELS.map(|(name, help, figure)| family::gauge(name, help, figure(&self.etcd).get() as f64)));
        families.extend([
            family::gauge(
                "gohub_bus_watch_lag_revisions",
                "Revisions between the newest one heard of and the newest one delivered.",
                self.etcd.lag_revisions() as f64,
            ),
            family::gauge(
                "gohub_bus_watch_lag_milliseconds",
                "From a commit to its delivery on this hub, the newest one measured.",
                self.etcd.watch_lag_micros.get() as f64 / 1e3,
            ),
            family::counters(
                "gohub_publish_failures_total",
                "Publications that clients and back ends were refused, by error code.",
                "code",
                self.failures.counts(),
            ),
            family::histogram("gohub_bus_batch_messages", "Messages per transaction.", &self.batch_messages.snapshot()),
            family::histogram(
                "gohub_bus_put_latency_seconds",
                "From the start of a transaction to its answer.",
                &self.put_latency.snapshot(),
            ),
            family::histogram(
                "gohub_bus_watch_lag_seconds",
                "From a commit to its delivery on this hub.",
                &self.watch_lag.snapshot(),
            ),
            family::histogram(
                "gohub_canary_latency_seconds",
                "The delivery canary's way through publish, bus, log and shard, out of a socket of every shard.",
                &self.canary.snapshot(),
            ),
            family::counters(
                "gohub_canary_failures_total",
                "Delivery canaries that did not arrive, by the hop that did not pass them on: put, watch, shard or write.",
                "hop",
                self.canary_failures.counts(),
            ),
            family::gauges(
                "gohub_canary_broken",
                "1 for the hop that did not pass the last delivery canary on.",
                "hop",
                HOPS.iter().enumerate().map(|(at, hop)| (*hop, f64::from(broken == at))),
            ),
        ]);
    }
}
