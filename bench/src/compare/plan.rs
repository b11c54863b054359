//! Which measurements a comparison makes, in which order, and which figures of them are set against each other.

use super::{Comparison, Measured, Ratio};
use crate::args::{Common, CompareArgs, FanoutArgs, IdleArgs, LimitArgs, PaceArgs, Target};
use crate::report::{Report, round};
use crate::wire::Format;
use crate::{fanout, idle, limit};
use std::io::{IsTerminal, Write};

const CLOSED: PaceArgs = PaceArgs { outstanding: Some(512), rate: None };
/// The poll interval of the reader where capacity is measured.
const LAZY_US: u64 = 1000;
/// Bounds of DESIGN section 7: p99 in milliseconds at the milestone's two rates, KiB of RSS per idle connection.
const MILESTONE: [(usize, f64, f64); 2] = [(1000, 5000.0, 40.0), (10_000, 500.0, 400.0)];
const IDLE_KIB: f64 = 4.0;

/// The measurements made so far.
pub(super) struct Plan {
    target: Target,
    common: Common,
    formats: Vec<Format>,
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
            (common.seconds, common.warmup) = (0.4, 0.1);
        }
        let formats = args.formats.clone();
        Self { target, common, formats, quick: args.quick, measurements: Vec::new(), ratios: Vec::new() }
    }

    fn connections(&self, count: usize) -> usize {
        if self.quick { (count / 100).max(50) } else { count }
    }

    fn open(&self, per_second: f64) -> PaceArgs {
        let per_second = if self.quick { (per_second / 10.0).max(20.0) } else { per_second };
        PaceArgs { outstanding: None, rate: Some(per_second) }
    }

    /// The closed loop with 512 messages outstanding, limit and hub in turns.
    pub(super) fn closed_loops(&mut self, counts: &[usize], rounds: usize) -> anyhow::Result<()> {
        for &count in counts {
            let n = self.connections(count);
            let mut pairs: Vec<(Format, Pairs, Pairs)> =
                self.formats.iter().map(|&format| (format, Pairs::default(), Pairs::default())).collect();
            for _ in 0..if self.quick { 1 } else { rounds } {
                let bare = self.limit(n, 256, 0, CLOSED, LAZY_US)?.deliveries_per_second;
                for (format, alone, same) in &mut pairs {
                    let hub = self.fanout(n, *format, CLOSED, LAZY_US)?;
                    // Two bytes of header, and two more for a length of 126 and above.
                    let envelope = (hub.wire_bytes_per_delivery as usize).saturating_sub(self.common.payload + 4);
                    let limit = self.limit(n, 256, envelope, CLOSED, LAZY_US)?;
                    alone.0.push((hub.deliveries_per_second, bare));
                    same.0.push((hub.deliveries_per_second, limit.deliveries_per_second));
                }
            }
            for (format, alone, same) in pairs {
                let what = format!("closed loop, {n} connections, {}: deliveries/s", format.subprotocol());
                let ((hub, limit), (hub_same, limit_same)) = (alone.median(), same.median());
                self.ratio(format!("{what}, limit of the payload alone"), hub, limit);
                self.ratio(format!("{what}, limit of the same bytes"), hub_same, limit_same);
            }
        }
        for batch in [64, 8, 1] {
            self.limit(self.connections(1000), batch, 0, CLOSED, LAZY_US)?;
        }
        Ok(())
    }

    /// The two halves of the milestone: 5,000 messages/s to 1,000 connections and 500 to 10,000.
    pub(super) fn open_loops(&mut self) -> anyhow::Result<()> {
        for (count, rate, bound) in MILESTONE {
            let (n, pace) = (self.connections(count), self.open(rate));
            let report = self.fanout(n, Format::Json, pace, LAZY_US)?;
            let p99 = report.latency_ms.map_or(f64::NAN, |latency| latency.p99);
            self.ratio(format!("{} to {n} connections: p99 in ms, bound", load_name(pace)), p99, bound);
        }
        Ok(())
    }

    /// One message at a time against one write per socket and message.
    pub(super) fn one_at_a_time(&mut self) -> anyhow::Result<()> {
        for (count, rate) in [(1000, 50.0), (10_000, 5.0)] {
            let (n, pace) = (self.connections(count), self.open(rate));
            let limit = self.limit(n, 1, 0, pace, 0)?;
            let hub = self.fanout(n, Format::Json, pace, 0)?;
            let what = format!("one message at a time, {n} connections");
            if let (Some(hub), Some(limit)) = (hub.latency_ms, limit.latency_ms) {
                self.ratio(format!("{what}: p50 in ms"), hub.p50, limit.p50);
                self.ratio(format!("{what}: p99 in ms"), hub.p99, limit.p99);
            }
            let cpu = |report: &Report| report.server.cpu_seconds_per_million;
            if let (Some(hub), Some(limit)) = (cpu(&hub), cpu(&limit)) {
                self.ratio(format!("{what}: cpu s per million"), hub, limit);
            }
        }
        Ok(())
    }

    /// Memory of idle connections, fresh and after each sent 60 KiB.
    pub(super) fn idle(&mut self) -> anyhow::Result<()> {
        let connections = self.connections(10_000);
        for message_bytes in [0, 61_440] {
            let (target, common) = (self.target.clone(), self.common.clone());
            let rest = if self.quick { 0.2 } else { 3.0 };
            let args = IdleArgs { target, common, connections, message_bytes, rest };
            let after = if message_bytes == 0 { String::new() } else { format!(" after {message_bytes} B each") };
            let report = self.measured(format!("hub, idle{after}"), || idle::run(&args))?;
            if let Some(kib) = report.server.kib_per_connection {
                self.ratio(format!("idle{after}, {connections} connections: KiB per connection, bound"), kib, IDLE_KIB);
            }
        }
        Ok(())
    }

    /// The comparison, complete.
    pub(super) fn finish(self) -> Comparison {
        Comparison { bench: "compare", quick: self.quick, ratios: self.ratios, measurements: self.measurements }
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
        let bytes = if envelope > 0 { format!(", {envelope} B envelope") } else { String::new() };
        self.measured(format!("limit, batch {batch}{bytes}, {}", load_name(pace)), || limit::run(&args))
    }

    fn fanout(&mut self, connections: usize, format: Format, pace: PaceArgs, lazy_us: u64) -> anyhow::Result<Report> {
        let common = Common { lazy_us, format, ..self.common.clone() };
        let args = FanoutArgs { target: self.target.clone(), common, pace, connections, publishers: 1 };
        self.measured(format!("hub, {}, {}", format.subprotocol(), load_name(pace)), || fanout::run(&args))
    }

    fn measured(&mut self, label: String, run: impl FnOnce() -> anyhow::Result<Report>) -> anyhow::Result<Report> {
        // Progress goes where the table goes; standard output has only the JSON.
        let watched = std::io::stderr().is_terminal();
        if watched {
            write!(std::io::stderr(), "\r\x1b[K{label} ...")?;
        }
        let report = run();
        if watched {
            write!(std::io::stderr(), "\r\x1b[K")?;
        }
        let report = report?;
        self.measurements.push(Measured { label, report: report.clone() });
        Ok(report)
    }

    fn ratio(&mut self, what: String, hub: f64, limit: f64) {
        self.ratios.push(Ratio { what, hub: round(hub, 3), limit: round(limit, 3), ratio: round(hub / limit, 3) });
    }
}

/// Figures of hub and limit measured one after the other. A shared machine's speed changes by the minute, and more than a
/// hub's: only neighbours are compared, and the median of the rounds counts.
#[derive(Default)]
struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    fn median(mut self) -> (f64, f64) {
        self.0.sort_by(|one, other| (one.0 / one.1).total_cmp(&(other.0 / other.1)));
        self.0.get(self.0.len() / 2).copied().unwrap_or((f64::NAN, f64::NAN))
    }
}

fn load_name(pace: PaceArgs) -> String {
    match pace.rate {
        Some(rate) => format!("{rate} msg/s"),
        None => format!("{} outstanding", pace.outstanding.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pair_with_the_median_ratio_counts() {
        assert_eq!(Pairs(vec![(9.0, 10.0), (1.0, 10.0), (30.0, 60.0)]).median(), (30.0, 60.0));
    }
}
