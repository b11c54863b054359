//! What the bus counts: how well it batches, how long a Put takes, how far the watch is behind.

use prometheus::proto::MetricFamily;

use super::counter::{Counter, Tally};
use super::family;
use super::histogram::{Histogram, Scale};

/// The bus's figures; any thread may write them.
#[derive(Debug)]
pub struct BusStats {
    /// Publications offered to the bus.
    pub publishes: Counter,
    /// Publications refused or failed, by reason.
    pub failures: Tally<&'static str>,
    /// Publications delivered into the log.
    pub delivered: Counter,
    /// Publications dropped because their idempotency key was known.
    pub duplicates: Counter,
    /// Messages per batch.
    pub batch_messages: Histogram,
    /// Bytes of all batches.
    pub batch_bytes: Counter,
    /// From the start of a Put to its answer, nanoseconds.
    pub put_latency: Histogram,
    /// Gauge: messages waiting for the next batch.
    pub queue_messages: Counter,
    /// Gauge: their bytes.
    pub queue_bytes: Counter,
    /// Gauge: revisions between the store's head and what was delivered.
    pub watch_lag_revisions: Counter,
    /// Gauge: age of the newest delivered batch when it arrived, milliseconds.
    pub watch_lag_ms: Counter,
    /// Watches opened again after the connection broke.
    pub reconnects: Counter,
    /// Ranges of revisions that were compacted away before this hub saw them.
    pub compacted: Counter,
    /// Gauge: 1 while the bus cannot take publications.
    pub degraded: Counter,
    /// The delivery canary's way through the whole path, nanoseconds.
    pub canary: Histogram,
}

impl Default for BusStats {
    fn default() -> Self {
        Self {
            publishes: Counter::default(),
            failures: Tally::default(),
            delivered: Counter::default(),
            duplicates: Counter::default(),
            batch_messages: Histogram::new(Scale::Count),
            batch_bytes: Counter::default(),
            put_latency: Histogram::new(Scale::Time),
            queue_messages: Counter::default(),
            queue_bytes: Counter::default(),
            watch_lag_revisions: Counter::default(),
            watch_lag_ms: Counter::default(),
            reconnects: Counter::default(),
            compacted: Counter::default(),
            degraded: Counter::default(),
            canary: Histogram::new(Scale::Time),
        }
    }
}

impl BusStats {
    pub(super) fn collect(&self, families: &mut Vec<MetricFamily>) {
        families.extend([
            family::counter("gohub_bus_publishes_total", "Publications offered to the bus.", self.publishes.get()),
            family::counters(
                "gohub_bus_failures_total",
                "Publications the bus refused or failed, by reason.",
                "reason",
                self.failures.counts(),
            ),
            family::counter(
                "gohub_bus_delivered_total",
                "Publications the bus delivered into the log.",
                self.delivered.get(),
            ),
            family::counter(
                "gohub_bus_duplicates_total",
                "Publications dropped because their idempotency key was known.",
                self.duplicates.get(),
            ),
            family::histogram(
                "gohub_bus_batch_messages",
                "Messages per batch put on the bus.",
                &self.batch_messages.snapshot(),
            ),
            family::counter(
                "gohub_bus_batch_bytes_total",
                "Bytes of all batches put on the bus.",
                self.batch_bytes.get(),
            ),
            family::histogram(
                "gohub_bus_put_latency_seconds",
                "From the start of a Put to its answer.",
                &self.put_latency.snapshot(),
            ),
            family::gauge(
                "gohub_bus_queue_messages",
                "Messages waiting for the next batch.",
                self.queue_messages.get() as f64,
            ),
            family::gauge("gohub_bus_queue_bytes", "Bytes waiting for the next batch.", self.queue_bytes.get() as f64),
            family::gauge(
                "gohub_bus_watch_lag_revisions",
                "Revisions between the store's head and what this hub has delivered.",
                self.watch_lag_revisions.get() as f64,
            ),
            family::gauge(
                "gohub_bus_watch_lag_seconds",
                "Age of the newest batch when the watch delivered it.",
                self.watch_lag_ms.get() as f64 / 1e3,
            ),
            family::counter(
                "gohub_bus_reconnects_total",
                "Watches opened again after the connection broke.",
                self.reconnects.get(),
            ),
            family::counter(
                "gohub_bus_compacted_total",
                "Ranges compacted away before this hub saw them; clients got a gap.",
                self.compacted.get(),
            ),
            family::gauge("gohub_bus_degraded", "1 while the bus takes no publications.", self.degraded.get() as f64),
            family::histogram(
                "gohub_canary_latency_seconds",
                "The delivery canary's way through publish, bus and log.",
                &self.canary.snapshot(),
            ),
        ]);
    }
}
