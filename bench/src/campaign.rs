//! One measured run: warm-up, window, settling; figures are taken over the window, losses over everything.
//!
//! ```text
//! publish ──────────────────────────────┤ stop
//! | warm-up (not measured) | window     | settle: until every delivery came, or the bound |
//! ```

use crate::clock::{nanos, now, sleep_until};
use crate::load::{Load, Pace};
use crate::process::Process;
use crate::session::Session;
use crate::wire::id;
use std::time::Duration;

/// How long the parts of a run are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) warmup: Duration,
    pub(crate) window: Duration,
    /// The longest wait for what is still missing after the last message.
    pub(crate) settle: Duration,
    /// The reader sleeps this long between polls instead of being woken by each delivery; zero = woken.
    pub(crate) lazy: Duration,
}

/// Figures of the window.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    pub(crate) seconds: f64,
    pub(crate) deliveries: u64,
    pub(crate) published: u64,
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
    /// CPU seconds of the servers that are watched.
    pub(crate) server_cpu: Option<f64>,
    pub(crate) client_cpu: f64,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    at: u64,
    deliveries: u64,
    published: u64,
    bytes: u64,
    reads: u64,
    server_cpu: Option<f64>,
    client_cpu: f64,
}

impl Edge {
    fn take(session: &Session, published: u64) -> anyhow::Result<Self> {
        Ok(Self {
            at: now(),
            deliveries: session.receipts.delivered,
            published,
            bytes: session.fleet.traffic.bytes,
            reads: session.fleet.traffic.reads,
            server_cpu: session.server.cpu_seconds()?,
            client_cpu: Process::own().cpu_seconds()?,
        })
    }

    fn until(self, end: Edge) -> Window {
        Window {
            seconds: (end.at - self.at) as f64 / 1e9,
            deliveries: end.deliveries - self.deliveries,
            published: end.published - self.published,
            bytes: end.bytes - self.bytes,
            reads: end.reads - self.reads,
            server_cpu: end.server_cpu.zip(self.server_cpu).map(|(end, start)| end - start),
            client_cpu: end.client_cpu - self.client_cpu,
        }
    }
}

/// The source of messages a campaign drives: the hub's publishers, or the raw server that publishes by itself.
pub(crate) trait Publish {
    /// Publishes what is due at `now`.
    fn publish(&mut self, now: u64, session: &mut Session);
    /// When the next message is due, if that is known.
    fn due(&self) -> Option<u64>;
    /// Messages published so far, as far as known.
    fn published(&self, session: &Session) -> u64;
    /// Publishing is over; afterwards `expected` is final.
    ///
    /// # Errors
    /// When the source cannot be stopped.
    fn stop(&mut self, session: &mut Session) -> anyhow::Result<()>;
    /// Deliveries that must come in all.
    fn expected(&self) -> u64;
    /// The pace.
    fn pace(&self) -> Pace;
}

impl Publish for Load {
    fn publish(&mut self, now: u64, session: &mut Session) {
        Load::publish(self, now, &mut session.fleet, &session.receipts);
    }

    fn due(&self) -> Option<u64> {
        Load::due(self)
    }

    fn published(&self, _: &Session) -> u64 {
        Load::published(self)
    }

    fn stop(&mut self, _: &mut Session) -> anyhow::Result<()> {
        Ok(())
    }

    fn expected(&self) -> u64 {
        Load::expected(self)
    }

    fn pace(&self) -> Pace {
        Load::pace(self)
    }
}

/// Runs one measurement.
///
/// # Errors
/// When the server is gone or the event loop fails. Lost messages are a result, not an error.
pub(crate) fn run(session: &mut Session, source: &mut impl Publish, timing: Timing) -> anyhow::Result<Window> {
    // A latency from every message at a saturating rate would cost the reader more than the scan itself.
    session.receipts.sample(if matches!(source.pace(), Pace::Closed { outstanding } if outstanding > 16) {
        4
    } else {
        0
    });
    publish_until(session, source, timing, now() + nanos(timing.warmup))?;
    session.receipts.latency.reset();
    session.receipts.ack_latency.reset();
    let start = Edge::take(session, source.published(session))?;
    publish_until(session, source, timing, start.at + nanos(timing.window))?;
    let end = Edge::take(session, source.published(session))?;
    source.stop(session)?;
    let deadline = now() + nanos(timing.settle);
    while session.receipts.fresh() < source.expected() && now() < deadline && session.fleet.open() > 0 {
        session.turn(Duration::from_millis(10))?;
    }
    // What comes now is a duplicate: give it a moment to be seen.
    let quiet = now() + 50_000_000;
    while now() < quiet {
        session.turn(Duration::from_millis(10))?;
    }
    Ok(start.until(end))
}

fn publish_until(session: &mut Session, source: &mut impl Publish, timing: Timing, end: u64) -> anyhow::Result<()> {
    let lazy = nanos(timing.lazy);
    let mut tick = now();
    loop {
        let start = now();
        if start >= end {
            return Ok(());
        }
        source.publish(start, session);
        let timeout = if lazy > 0 {
            tick = (tick + lazy).max(now());
            sleep_until(tick);
            Duration::ZERO
        } else {
            // epoll counts in milliseconds and rounds up: the rest of a millisecond is spun away.
            let wake = source.due().unwrap_or(end).min(end);
            Duration::from_millis(wake.saturating_sub(now()) / 1_000_000)
        };
        session.turn(timeout)?;
    }
}

impl Session {
    /// Reads what there is, waiting at most `timeout`, and answers application-level pings.
    ///
    /// # Errors
    /// When the event loop fails.
    pub(crate) fn turn(&mut self, timeout: Duration) -> anyhow::Result<()> {
        self.fleet.turn(Some(timeout), &mut self.receipts)?;
        for connection in std::mem::take(&mut self.receipts.pinged) {
            let pong = crate::wire::Request { message_id: id::PONG, ..crate::wire::Request::default() };
            self.fleet.send(connection, self.format, &pong.encode(self.format));
        }
        Ok(())
    }
}
