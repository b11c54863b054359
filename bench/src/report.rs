//! The one JSON line a measurement prints.

use crate::campaign::Window;
use crate::latency::Percentiles;
use crate::machine::Machine;
use crate::session::Session;
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;

/// A measurement. Absent fields were not measured (no process to watch, no acks asked for).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    pub(crate) machine: Machine,
    pub(crate) parameters: Value,
    pub(crate) connections: usize,
    pub(crate) window_seconds: f64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) messages_per_second: f64,
    /// Over the whole run, warm-up included.
    pub(crate) published: u64,
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) misdelivered: u64,
    pub(crate) wire_bytes_per_delivery: f64,
    pub(crate) deliveries_per_read: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<Percentiles>,
    /// Latencies are of one message in this many.
    pub(crate) latency_sampled_one_in: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ack_latency_ms: Option<Percentiles>,
    #[serde(flatten)]
    pub(crate) server: ServerUse,
    /// Share of one core the generator used: near 1, it may be the bottleneck.
    pub(crate) client_cores: f64,
    pub(crate) anomalies: Anomalies,
    /// What the hub says of itself at the end, when it was started here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) hub_metrics: Map<String, Value>,
    /// What only this measurement has.
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

/// What the watched servers used.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ServerUse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_cores: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_seconds_per_million: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rss_before_kib: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rss_connected_kib: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rss_after_kib: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kib_per_connection: Option<f64>,
}

/// What should not happen in a run, counted.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Anomalies {
    pub(crate) gaps: u64,
    pub(crate) gap_messages: u64,
    pub(crate) errors: u64,
    pub(crate) closed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) close_code: Option<u16>,
    pub(crate) fragments: u64,
    pub(crate) unreadable: u64,
    /// Bytes of publishes the server had not taken at the end.
    pub(crate) backlog_bytes: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// The report of a run; `sent(stream)` says how many messages each stream had.
    ///
    /// # Errors
    /// When the server is gone.
    pub(crate) fn of(
        bench: &'static str,
        parameters: Value,
        session: &Session,
        window: &Window,
        totals: (u64, u64),
        sent: impl Fn(u32) -> u32 + Copy,
    ) -> anyhow::Result<Self> {
        let receipts = &session.receipts;
        let (closed, close_code) = session.fleet.closed();
        let per = |what: f64, count: f64| if count > 0.0 { what / count } else { 0.0 };
        let deliveries = window.deliveries as f64;
        Ok(Self {
            bench,
            machine: Machine::read(),
            parameters,
            connections: session.fleet.len(),
            window_seconds: round(window.seconds, 3),
            deliveries_per_second: per(deliveries, window.seconds).round(),
            messages_per_second: round(per(window.published as f64, window.seconds), 1),
            published: totals.0,
            expected: totals.1,
            delivered: receipts.delivered,
            lost: receipts.lost(sent),
            duplicated: receipts.duplicated,
            reordered: receipts.reordered,
            misdelivered: receipts.misdelivered,
            wire_bytes_per_delivery: round(per(window.bytes as f64, deliveries), 1),
            deliveries_per_read: round(per(deliveries, window.reads as f64), 1),
            latency_ms: receipts.latency.percentiles(),
            latency_sampled_one_in: receipts.sampled_one_in(),
            ack_latency_ms: receipts.ack_latency.percentiles(),
            server: ServerUse {
                server_cores: window.server_cpu.map(|cpu| round(per(cpu, window.seconds), 3)),
                cpu_seconds_per_million: window
                    .server_cpu
                    .filter(|_| deliveries > 0.0)
                    .map(|cpu| round(cpu / deliveries * 1e6, 4)),
                ..ServerUse::memory(session)?
            },
            client_cores: round(per(window.client_cpu, window.seconds), 3),
            anomalies: Anomalies {
                gaps: receipts.gaps,
                gap_messages: receipts.gap_messages,
                errors: receipts.errors,
                closed,
                close_code,
                fragments: receipts.fragments,
                unreadable: receipts.unreadable,
                backlog_bytes: session.fleet.backlog(),
                notes: receipts.notes.clone(),
            },
            hub_metrics: session.server.admin.map(crate::metrics::read).unwrap_or_default(),
            more: Map::new(),
        })
    }

    /// Adds a figure only this measurement has.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Whether every delivery came exactly once and in order.
    pub(crate) fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.misdelivered == 0 && self.anomalies.closed == 0
    }
}

impl ServerUse {
    fn memory(session: &Session) -> anyhow::Result<Self> {
        let grown = session.rss_connected.zip(session.rss_before).map(|(with, without)| with.saturating_sub(without));
        Ok(Self {
            rss_before_kib: session.rss_before,
            rss_connected_kib: session.rss_connected,
            rss_after_kib: session.server.rss_kib()?,
            kib_per_connection: grown.map(|kib| round(kib as f64 / session.fleet.len().max(1) as f64, 2)),
            ..Self::default()
        })
    }
}

/// Rounds to so many places: a report shows what was measured, not what a float can hold.
pub(crate) fn round(value: f64, places: i32) -> f64 {
    let scale = 10f64.powi(places);
    (value * scale).round() / scale
}

/// Prints one line of JSON on standard output.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn print(report: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    Ok(std::io::stdout().lock().write_all(&line)?)
}
