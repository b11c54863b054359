//! Figures for operators: every part counts into plain atomics of its own, and only a scrape brings them together.
//!
//! ```text
//! shard 0 -> ShardStats --+
//! shard 1 -> ShardStats --+--> one Collector --> Registry --> /metrics
//! bus, net, reload -------+
//! ```
//! There is no global registry: several hubs run in one test process, each with its own [`Metrics`]. No label ever holds what a peer
//! chose (a room, a client id, a path): its values come from closed sets in the code.

pub mod bus;
pub mod config;
pub mod counter;
mod family;
mod fleet;
pub mod histogram;
pub mod net;
mod process;
pub mod shard;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Registry, TextEncoder};
use tokio::runtime::Handle;

pub use bus::BusStats;
pub use config::ConfigStats;
pub use counter::{Counter, Tally};
pub use histogram::{Histogram, Scale, Snapshot};
pub use net::NetStats;
pub use shard::{MessageKind, ShardStats};

pub use process::resident_bytes;

use process::ProcessStats;

/// Why the figures could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A metric that was registered from outside is broken.
    #[error("encoding the metrics failed: {0}")]
    Encode(prometheus::Error),
}

/// All figures of one hub; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    sources: Arc<Sources>,
}

#[derive(Debug)]
struct Sources {
    /// Grows by one per shard; stats of a shard that has ended stay, or counters would go backwards.
    /// A std lock: held for one push or one copy.
    shards: Mutex<Vec<Arc<ShardStats>>>,
    bus: Arc<BusStats>,
    net: Arc<NetStats>,
    config: Arc<ConfigStats>,
    process: ProcessStats,
}

impl Default for Metrics {
    /// Figures of a hub that runs on the current tokio runtime, if there is one.
    fn default() -> Self {
        let sources = Arc::new(Sources {
            shards: Mutex::default(),
            bus: Arc::default(),
            net: Arc::default(),
            config: Arc::default(),
            process: ProcessStats::new(Handle::try_current().ok()),
        });
        let registry = Registry::new();
        if let Err(error) = registry.register(Box::new(Figures(Arc::clone(&sources)))) {
            // An empty registry takes its first collector; if it ever does not, the hub still serves.
            tracing::error!(%error, "registering the metrics failed");
        }
        Self { registry, sources }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// The counters of a new shard, from now on part of every scrape.
    #[must_use]
    pub fn shard(&self) -> Arc<ShardStats> {
        let stats = Arc::new(ShardStats::default());
        self.lock().push(Arc::clone(&stats));
        stats
    }

    /// Every shard's counters, those of ended shards included.
    #[must_use]
    pub fn shards(&self) -> Vec<Arc<ShardStats>> {
        self.lock().clone()
    }

    /// Open connections of all shards.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.lock().iter().map(|shard| shard.connections.get()).sum()
    }

    /// The bus's figures.
    #[must_use]
    pub fn bus(&self) -> &Arc<BusStats> {
        &self.sources.bus
    }

    /// The listener's and the handshake's figures.
    #[must_use]
    pub fn net(&self) -> &Arc<NetStats> {
        &self.sources.net
    }

    /// The reload's figures.
    #[must_use]
    pub fn config(&self) -> &Arc<ConfigStats> {
        &self.sources.config
    }

    /// Where a library user's own metrics go, to be served beside the hub's.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything in Prometheus' text format ([`prometheus::TEXT_FORMAT`]).
    ///
    /// # Errors
    /// When a metric somebody else registered cannot be encoded.
    pub fn render(&self) -> Result<String, Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::Encode)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<ShardStats>>> {
        self.sources.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hub's one collector. It describes nothing beforehand: its families are built anew, and consistently, at every scrape.
struct Figures(Arc<Sources>);

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let shards = self.0.shards.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut families = Vec::with_capacity(64);
        fleet::collect(&shards, &mut families);
        self.0.bus.collect(&mut families);
        self.0.net.collect(&mut families);
        self.0.config.collect(&mut families);
        self.0.process.collect(&mut families);
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scrape_sums_the_shards_and_names_every_promised_metric() {
        let metrics = Metrics::default();
        let (a, b) = (metrics.shard(), metrics.shard());
        a.connections.add(3);
        b.connections.add(4);
        a.received(20);
        b.slow_kicked.inc();
        a.closes.inc(1012);
        a.gaps.inc("slow_client");
        b.fanout_latency.observe(2_000_000);
        metrics.net().refused.inc("origin");
        metrics.config().loaded("abc");
        let text = metrics.render().unwrap();
        for line in [
            "gohub_connections 7",
            "gohub_messages_received_total{kind=\"broadcast\"} 1",
            "gohub_slow_clients_total{policy=\"kick\"} 1",
            "gohub_closes_total{code=\"1012\"} 1",
            "gohub_gaps_total{reason=\"slow_client\"} 1",
            "gohub_accept_refused_total{reason=\"origin\"} 1",
            "gohub_config_info{hash=\"abc\"} 1",
            "gohub_fanout_latency_seconds_count 1",
            "gohub_fanout_latency_seconds_bucket{le=\"+Inf\"} 1",
            "gohub_runtime_workers 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing from\n{text}");
        }
        for name in [
            "gohub_messages_delivered_total",
            "gohub_bytes_sent_total",
            "gohub_pass_seconds_count",
            "gohub_log_bytes",
            "gohub_log_entries",
            "gohub_bus_batch_messages_count",
            "gohub_bus_put_latency_seconds_count",
            "gohub_bus_watch_lag_revisions",
            "gohub_bus_watch_lag_milliseconds",
            "gohub_bus_delivered_total",
            "gohub_config_refused_total",
            "gohub_config_loaded_timestamp",
            "gohub_runtime_alive_tasks",
            "gohub_runtime_busy_seconds_total",
            "gohub_runtime_queue_depth",
            "gohub_allocator_allocated_bytes",
            "gohub_allocator_resident_bytes",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_cpu_seconds_total",
        ] {
            assert!(text.lines().any(|line| line.split(' ').next() == Some(name)), "{name} is missing from\n{text}");
        }
    }

    #[test]
    fn two_hubs_in_one_process_count_apart() {
        let (one, other) = (Metrics::default(), Metrics::default());
        one.shard().connections.inc();
        assert_eq!((one.connections(), other.connections()), (1, 0));
    }

    #[test]
    fn a_library_user_adds_metrics_of_his_own() {
        let metrics = Metrics::default();
        let own = prometheus::IntCounter::new("game_rounds_total", "rounds").unwrap();
        metrics.registry().register(Box::new(own.clone())).unwrap();
        own.inc();
        assert!(metrics.render().unwrap().contains("game_rounds_total 1"));
    }
}
