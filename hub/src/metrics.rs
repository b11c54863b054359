//! Figures for operators: every part counts into plain atomics of its own, and only a scrape brings them together.
//!
//! ```text
//! shard 0 -> ShardStats --+
//! shard 1 -> ShardStats --+--> Metrics::render --> /metrics
//! bus, net, reload -------+
//! ```
//! There is no global registry: several hubs run in one test process, each with its own [`Metrics`].

pub mod counter;
pub mod histogram;
pub mod shard;

use std::sync::{Arc, Mutex, PoisonError};

pub use counter::{Counter, Tally};
pub use histogram::{Histogram, Scale, Snapshot};
pub use shard::{MessageKind, ShardStats};

/// All figures of one hub.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Grows by one per shard; stats of a shard that has ended stay, or counters would go backwards.
    shards: Mutex<Vec<Arc<ShardStats>>>,
}

impl Metrics {
    /// The counters of a new shard, from now on part of every scrape.
    #[must_use]
    pub fn shard(&self) -> Arc<ShardStats> {
        let stats = Arc::new(ShardStats::default());
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&stats));
        stats
    }
}
