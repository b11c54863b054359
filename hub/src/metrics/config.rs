//! Which configuration is in force, since when, and how many were refused: what the operator compares with what it wrote.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::proto::MetricFamily;

use super::counter::Counter;
use super::family;

/// The reload's figures.
#[derive(Debug, Default)]
pub struct ConfigStats {
    /// A std lock: held for one copy, by a reload or a scrape.
    loaded: Mutex<Option<Loaded>>,
    /// Files that were refused; the last good configuration stayed.
    pub refused: Counter,
    /// Gauge: 1 while the newest file is a refused one, or one that could not be carried out in full.
    pub stale: Counter,
}

#[derive(Debug, Clone)]
struct Loaded {
    hash: String,
    at: f64,
}

impl ConfigStats {
    /// Records that the configuration with `hash` is in force from now on.
    pub fn loaded(&self, hash: &str) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(Loaded { hash: hash.to_owned(), at });
        self.stale.set(0);
    }

    /// Records that the newest file was refused.
    pub fn refuse(&self) {
        self.refused.inc();
        self.stale.set(1);
    }

    pub(super) fn collect(&self, families: &mut Vec<MetricFamily>) {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Loaded { hash, at }) = loaded {
            families.push(family::gauges(
                "gohub_config_info",
                "1, labelled with the hash of the configuration in force.",
                "hash",
                [(hash, 1.0)],
            ));
            families.push(family::gauge(
                "gohub_config_loaded_timestamp",
                "When that configuration was loaded, unix seconds.",
                at,
            ));
        }
        families.extend([
            family::counter(
                "gohub_config_refused_total",
                "Configurations refused (the last good one stayed) or not carried out in full.",
                self.refused.get(),
            ),
            family::gauge(
                "gohub_config_stale",
                "1 while the newest configuration file is a refused one.",
                self.stale.get() as f64,
            ),
        ]);
    }
}
