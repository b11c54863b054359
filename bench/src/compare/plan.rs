//! Which measurements a comparison makes, in which order, and which figures of them are set against each other.

use super::{Comparison, Measured, Ratio};
use crate::args::{Common, CompareArgs, FanoutArgs, IdleArgs, LimitArgs, PaceArgs, Target};
use crate::report::{Report, round};
use crate::wire::Format;
use crate::{fanout, idle, limit};
use std::io::Write;

const CLOSED: PaceArgs = PaceArgs { outstanding: Some(512), rate: None };

/// The measurements made so far.
pub(super) struct Plan {
    target: Target,
    common: Common,
    quick: bool,
    measurements: Vec<Measured>,
    ratios: Vec<Ratio>,
}

impl Plan {
    /// A plan with a core for the server and one for the reader, where there are two.
    pub(super) fn of(args: &CompareArgs) -> Self {
        let (mut target, mut common) = (args.target.clone(), args.common.clone());
        if std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2) {
            target.server_cpu.get_or_insert(0);
            common.client_cpu.get_or_insert(1);
        }
        if args.quick {
            (common.seconds, common.warmup) = (0.5, 0.2);
        }
        Self { target, common, quick: args.quick, measurements: Vec::new(), ratios: Vec::new() }
    }

    fn scaled(&self, connections: usize) -> usize {
        if self.quick { (connections / 20).max(50) } else { connections }
    }

    /// The closed loop with 512 messages outstanding, limit and hub in turns; the best of each counts.
    pub(super) fn closed_loops(&mut self, counts: &[usize], rounds: usize) -> anyhow::Result<()> {
        for &count in counts {
            let n = self.scaled(count);
            let rounds = if self.quick { 1 } else { rounds };
            let (mut bare, mut same, mut json, mut cbor) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
            for _ in 0..rounds {
                bare = bare.max(self.limit(n, 256, 0, CLOSED, 1000)?.deliveries_per_second);
                let hub = self.fanout(n, Format::Json, CLOSED, 1000)?;
                json = json.max(hub.deliveries_per_second);
                let envelope = (hub.wire_bytes_per_delivery as usize).saturating_sub(self.common.payload + 4);
                same = same.max(self.limit(n, 256, envelope, CLOSED, 1000)?.deliveries_per_second);
                cbor = cbor.max(self.fanout(n, Format::Cbor, CLOSED, 1000)?.deliveries_per_second);
            }
            self.ratio(
                format!("closed loop, {n} connections, json / limit of the payload alone: deliveries/s"),
                json,
                bare,
            );
            self.ratio(
                format!("closed loop, {n} connections, json / limit of the same bytes: deliveries/s"),
                json,
                same,
            );
            self.ratio(
                format!("closed loop, {n} connections, cbor / limit of the payload alone: deliveries/s"),
                cbor,
                bare,
            );
        }
        for batch in [64, 8, 1] {
            self.limit(self.scaled(1000), batch, 0, CLOSED, 1000)?;
        }
        Ok(())
    }

    /// The two halves of the milestone: 5,000 messages/s to 1,000 connections and 500 to 10,000.
    pub(super) fn open_loops(&mut self) -> anyhow::Result<()> {
        for (count, rate, bound) in [(1000, 5000.0, 40.0), (10_000, 500.0, 400.0)] {
            let n = self.scaled(count);
            let report = self.fanout(n, Format::Json, PaceArgs { outstanding: None, rate: Some(rate) }, 1000)?;
            let p99 = report.latency_ms.map_or(f64::NAN, |latency| latency.p99);
            self.ratio(format!("{rate} messages/s to {n} connections: p99 in ms / bound"), p99, bound);
        }
        Ok(())
    }

    /// One message at a time against one write per socket and message.
    pub(super) fn one_at_a_time(&mut self) -> anyhow::Result<()> {
        for (count, rate) in [(1000, 50.0), (10_000, 5.0)] {
            let n = self.scaled(count);
            let pace = PaceArgs { outstanding: None, rate: Some(rate) };
            let limit = self.limit(n, 1, 0, pace, 0)?;
            let hub = self.fanout(n, Format::Json, pace, 0)?;
            if let (Some(hub), Some(limit)) = (hub.latency_ms, limit.latency_ms) {
                self.ratio(format!("one message at a time, {n} connections: p50 in ms"), hub.p50, limit.p50);
                self.ratio(format!("one message at a time, {n} connections: p99 in ms"), hub.p99, limit.p99);
            }
            if let (Some(hub), Some(limit)) = (hub.server.cpu_seconds_per_million, limit.server.cpu_seconds_per_million)
            {
                self.ratio(format!("one message at a time, {n} connections: cpu s per million"), hub, limit);
            }
        }
        Ok(())
    }

    /// Memory of idle connections, fresh and after each sent 60 KiB.
    pub(super) fn idle(&mut self) -> anyhow::Result<()> {
        let connections = self.scaled(10_000);
        for message_bytes in [0, 61_440] {
            let args = IdleArgs {
                target: self.target.clone(),
                common: self.common.clone(),
                connections,
                message_bytes,
                rest: if self.quick { 0.5 } else { 3.0 },
            };
            let label = if message_bytes == 0 {
                "hub idle".to_owned()
            } else {
                format!("hub idle, after {message_bytes} B each")
            };
            let report = self.measured(label.clone(), || idle::run(&args))?;
            self.ratio(
                format!("{label}, {connections} connections: KiB per connection / bound"),
                report.server.kib_per_connection.unwrap_or(f64::NAN),
                4.0,
            );
        }
        Ok(())
    }

    /// The comparison, complete.
    pub(super) fn finish(self, quick: bool) -> Comparison {
        Comparison { bench: "compare", quick, ratios: self.ratios, measurements: self.measurements }
    }

    fn limit(
        &mut self,
        connections: usize,
        batch: u32,
        envelope: usize,
        pace: PaceArgs,
        lazy_us: u64,
    ) -> anyhow::Result<Report> {
        let common = Common { lazy_us, ..self.common.clone() };
        let args = LimitArgs { common, pace, connections, batch, envelope, server_cpu: self.target.server_cpu };
        let load = load_name(pace);
        let bytes = if envelope > 0 { format!(", {envelope} B envelope") } else { String::new() };
        self.measured(format!("limit, batch {batch}{bytes}, {load}"), || limit::run(&args))
    }

    fn fanout(&mut self, connections: usize, format: Format, pace: PaceArgs, lazy_us: u64) -> anyhow::Result<Report> {
        let common = Common { lazy_us, format, ..self.common.clone() };
        let args = FanoutArgs { target: self.target.clone(), common, pace, connections, publishers: 1 };
        self.measured(format!("hub {}, {}", format.subprotocol(), load_name(pace)), || fanout::run(&args))
    }

    fn measured(&mut self, label: String, run: impl FnOnce() -> anyhow::Result<Report>) -> anyhow::Result<Report> {
        // Progress goes where the table goes; standard output has only the JSON.
        write!(std::io::stderr(), "\r\x1b[K{label} ...")?;
        let report = run()?;
        write!(std::io::stderr(), "\r\x1b[K")?;
        self.measurements.push(Measured { label, report: report.clone() });
        Ok(report)
    }

    fn ratio(&mut self, what: String, hub: f64, limit: f64) {
        self.ratios.push(Ratio { what, hub: round(hub, 3), limit: round(limit, 3), ratio: round(hub / limit, 3) });
    }
}

fn load_name(pace: PaceArgs) -> String {
    match pace.rate {
        Some(rate) => format!("{rate} msg/s"),
        None => format!("{} outstanding", pace.outstanding.unwrap_or_default()),
    }
}
