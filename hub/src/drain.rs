//! How a hub goes without anybody noticing.
//!
//! ```text
//! /readyz 503 -> settle -> stop accepting -> drain frame, then close 1012, each connection in its slot
//!             -> all gone, or the deadline: the rest is cut and named -> bus closed, lease revoked -> admin listener
//! ```
//! The order is here, once; what each step does is the hub's business ([`Drainable`]). A second signal hurries: what is left is done at
//! once, in the same order.

pub mod plan;

use std::future::Future;
use std::time::Duration;

use gohub_settings::Drain;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::lifecycle::{Lifecycle, Phase};

pub use plan::{Pace, Slot, plan};

/// Most of the deadline that is kept back for closing the bus and the admin listener.
const RESERVE: Duration = Duration::from_secs(5);
/// How many of those who were late the log names.
const NAMED: usize = 20;

/// What can be drained. No step may fail: whoever cannot do one logs why and goes on, because the process ends anyway.
pub trait Drainable: Sync {
    /// Closes the public listener; connections stay.
    fn stop_accepting(&self) -> impl Future<Output = ()> + Send;
    /// Sends each connection its `drain` frame and closes it with 1012 in its slot (see [`plan()`]); ends when all have ended.
    fn close_connections(&self, pace: Pace) -> impl Future<Output = ()> + Send;
    /// Closes at once what is left, without waiting for peers, and says who that was.
    fn cut_connections(&self) -> impl Future<Output = Vec<String>> + Send;
    /// Flushes what the bus has accepted and gives back its lease.
    fn close_bus(&self) -> impl Future<Output = ()> + Send;
    /// Closes the admin listener: the last to go, so that the drain can be watched to its end.
    fn close_admin(&self) -> impl Future<Output = ()> + Send;
}

/// How a drain went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Connections that had to be cut.
    pub late: Vec<String>,
    /// Steps after the connections that did not end in time.
    pub unfinished: Vec<&'static str>,
    /// How long it all took.
    pub took: Duration,
}

/// Drains `hub` from whatever phase it is in to [`Phase::Stopped`], in at most `settings.settle + settings.deadline`; `hurry` skips
/// waiting and pacing from the moment it is cancelled.
pub async fn run(hub: &impl Drainable, lifecycle: &Lifecycle, settings: &Drain, hurry: &CancellationToken) -> Report {
    let started = Instant::now();
    lifecycle.advance(Phase::Draining);
    tokio::select! {
        () = tokio::time::sleep(settings.settle.as_std()) => {}
        () = hurry.cancelled() => tracing::warn!("told to hurry: not waiting for load balancers"),
    }
    let deadline = Instant::now() + settings.deadline.as_std();
    let reserve = RESERVE.min(settings.deadline.as_std() / 4);
    let mut report = Report::default();

    let mut step = async |name, result: Result<(), tokio::time::error::Elapsed>| {
        if result.is_err() {
            tracing::warn!(step = name, "a step of the drain did not end in time");
            report.unfinished.push(name);
        }
    };
    step("listener", timeout_at(deadline - reserve, hub.stop_accepting()).await).await;
    let late = close(hub, settings, deadline - reserve, hurry).await;
    step("bus", timeout(reserve * 3 / 4, hub.close_bus()).await).await;
    step("admin", timeout(reserve / 4, hub.close_admin()).await).await;

    lifecycle.advance(Phase::Stopped);
    report.late = late;
    report.took = started.elapsed();
    tracing::info!(late = report.late.len(), took_ms = report.took.as_millis() as u64, "drained");
    report
}

/// Closes the connections at a pace; the names of those that had to be cut.
async fn close(hub: &impl Drainable, settings: &Drain, deadline: Instant, hurry: &CancellationToken) -> Vec<String> {
    // A quarter of the time is for the last ones to answer their close.
    let window = deadline.saturating_duration_since(Instant::now()) * 3 / 4;
    let pace = Pace { rate: f64::from(settings.rate), window, spread: settings.reconnect_spread.as_std() };
    let in_time = tokio::select! {
        outcome = timeout_at(deadline, hub.close_connections(pace)) => outcome.is_ok(),
        () = hurry.cancelled() => false,
    };
    if in_time {
        return Vec::new();
    }
    let late = hub.cut_connections().await;
    if !late.is_empty() {
        let names = late.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(count = late.len(), names, "connections were late and have been cut");
    }
    late
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A hub that writes down what is asked of it, in which phase, and may never finish a step.
    #[derive(Default)]
    struct Hub {
        lifecycle: Lifecycle,
        asked: Mutex<Vec<String>>,
        stuck: &'static str,
    }

    impl Hub {
        async fn step(&self, name: &'static str) {
            self.asked.lock().unwrap().push(format!("{} {name}", self.lifecycle.phase()));
            if self.stuck == name {
                std::future::pending::<()>().await;
            }
        }

        async fn drain(&self, settings: &Drain, hurry: &CancellationToken) -> (Report, Vec<String>) {
            let report = run(self, &self.lifecycle, settings, hurry).await;
            (report, std::mem::take(&mut *self.asked.lock().unwrap()))
        }
    }

    impl Drainable for Hub {
        async fn stop_accepting(&self) {
            self.step("listener").await;
        }
        async fn close_connections(&self, pace: Pace) {
            assert!(pace.window < Duration::from_secs(60), "the last must be told before the deadline: {pace:?}");
            self.step("connections").await;
        }
        async fn cut_connections(&self) -> Vec<String> {
            self.step("cut").await;
            vec!["alice/17".to_owned()]
        }
        async fn close_bus(&self) {
            self.step("bus").await;
        }
        async fn close_admin(&self) {
            self.step("admin").await;
        }
    }

    fn settings(settle_ms: u64, deadline_ms: u64) -> Drain {
        Drain {
            settle: gohub_settings::Duration::from_millis(settle_ms),
            deadline: gohub_settings::Duration::from_millis(deadline_ms),
            ..Drain::default()
        }
    }

    #[tokio::test]
    async fn the_admin_listener_goes_last_and_the_bus_after_the_connections() {
        let hub = Hub::default();
        let (report, asked) = hub.drain(&settings(1, 60_000), &CancellationToken::new()).await;
        assert_eq!(asked, ["draining listener", "draining connections", "draining bus", "draining admin"]);
        assert_eq!((report.late.len(), report.unfinished.len()), (0, 0));
        assert_eq!(hub.lifecycle.phase(), Phase::Stopped);
    }

    #[tokio::test]
    async fn at_the_deadline_the_late_are_named_and_cut_and_the_bus_still_closes() {
        let hub = Hub { stuck: "connections", ..Hub::default() };
        let (report, asked) = hub.drain(&settings(0, 40), &CancellationToken::new()).await;
        assert_eq!(report.late, ["alice/17"]);
        assert_eq!(
            asked[1..],
            ["draining connections", "draining cut", "draining bus", "draining admin"].map(str::to_owned)
        );
    }

    #[tokio::test]
    async fn a_bus_that_hangs_does_not_keep_the_process() {
        let hub = Hub { stuck: "bus", ..Hub::default() };
        let (report, asked) = hub.drain(&settings(0, 40), &CancellationToken::new()).await;
        assert_eq!(report.unfinished, ["bus"]);
        assert_eq!(asked.last().unwrap(), "draining admin");
    }

    #[tokio::test]
    async fn a_second_signal_skips_settling_and_pacing() {
        let hub = Hub { stuck: "connections", ..Hub::default() };
        let hurry = CancellationToken::new();
        hurry.cancel();
        let (report, _) = hub.drain(&settings(3_600_000, 60_000), &hurry).await;
        assert_eq!(report.late, ["alice/17"]);
        assert!(report.took < Duration::from_secs(60), "{report:?}");
    }
}
