//! The operator's own figures. No label holds what a user chose: its values come from closed sets in the code.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Upper bounds of the buckets of a reconcile, seconds.
const SECONDS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// All figures; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

struct Figures {
    registry: Registry,
    reconciles: HistogramVec,
    failures: IntCounterVec,
    changes: IntCounterVec,
    gohubs: IntGaugeVec,
    leading: IntGauge,
    watch_age: GaugeVec,
    watch_failures: IntCounterVec,
    missing_rights: IntGauge,
    started: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Figures with a registry of their own: several operators run in one test process.
    ///
    /// # Errors
    /// If a name is not one, which a test would have shown.
    pub fn new() -> Result<Self, prometheus::Error> {
        let reconcile = HistogramOpts::new("gohub_operator_reconcile_seconds", "How long reconciles took, by result.");
        let counter = |name: &str, help: &str, label: &str| IntCounterVec::new(Opts::new(name, help), &[label]);
        let figures = Figures {
            registry: Registry::new(),
            reconciles: HistogramVec::new(reconcile.buckets(SECONDS.to_vec()), &["result"])?,
            failures: counter("gohub_operator_reconcile_failures_total", "Reconciles that failed, by class.", "class")?,
            changes: counter("gohub_operator_changes_total", "Objects that were changed, by what was done.", "change")?,
            gohubs: IntGaugeVec::new(
                Opts::new("gohub_operator_gohubs", "GoHubs that are watched, by namespace if not all are."),
                &["watched_namespace"],
            )?,
            leading: IntGauge::new("gohub_operator_leading", "1 while this process is the one that acts.")?,
            watch_age: GaugeVec::new(
                Opts::new("gohub_operator_watch_age_seconds", "Time since a watch last heard of the API server."),
                &["kind"],
            )?,
            watch_failures: counter("gohub_operator_watch_failures_total", "Lists and watches that failed.", "kind")?,
            missing_rights: IntGauge::new("gohub_operator_missing_rights", "Rights that the API server denies.")?,
            started: Gauge::new("gohub_operator_start_time_seconds", "When the process began, unix time.")?,
        };
        figures.started.set(k8s_openapi::jiff::Timestamp::now().as_millisecond() as f64 / 1000.0);
        let registry = &figures.registry;
        registry.register(Box::new(figures.reconciles.clone()))?;
        registry.register(Box::new(figures.failures.clone()))?;
        registry.register(Box::new(figures.changes.clone()))?;
        registry.register(Box::new(figures.gohubs.clone()))?;
        registry.register(Box::new(figures.leading.clone()))?;
        registry.register(Box::new(figures.watch_age.clone()))?;
        registry.register(Box::new(figures.watch_failures.clone()))?;
        registry.register(Box::new(figures.missing_rights.clone()))?;
        registry.register(Box::new(figures.started.clone()))?;
        Ok(Self(Arc::new(figures)))
    }

    /// A reconcile ended; `failure` is the class of its error.
    pub fn reconciled(&self, took: Duration, failure: Option<&str>) {
        let result = if failure.is_none() { "ok" } else { "error" };
        self.0.reconciles.with_label_values(&[result]).observe(took.as_secs_f64());
        if let Some(class) = failure {
            self.0.failures.with_label_values(&[class]).inc();
        }
    }

    /// An object was changed.
    pub fn changed(&self, change: &str) {
        self.0.changes.with_label_values(&[change]).inc();
    }

    /// How many `GoHub`s there are in a namespace that is watched; the empty one is every namespace.
    pub fn gohubs(&self, namespace: &str, count: usize) {
        self.0.gohubs.with_label_values(&[namespace]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether this process acts.
    pub fn leading(&self, leading: bool) {
        self.0.leading.set(leading.into());
    }

    /// How long ago a watch last heard of the API server.
    pub fn watch_age(&self, kind: &str, age: Duration) {
        self.0.watch_age.with_label_values(&[kind]).set(age.as_secs_f64());
    }

    /// A watch that is no longer run.
    pub fn watch_ended(&self, kind: &str) {
        // It is not there if nobody scraped meanwhile.
        let _absent = self.0.watch_age.remove_label_values(&[kind]);
    }

    /// A list or a watch failed.
    pub fn watch_failed(&self, kind: &str) {
        self.0.watch_failures.with_label_values(&[kind]).inc();
    }

    /// How many rights are missing.
    pub fn missing_rights(&self, count: usize) {
        self.0.missing_rights.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Everything in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.0.registry.gather())
    }
}
