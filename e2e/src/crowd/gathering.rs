//! The whole: gathers the clients, lets the publisher run, waits until everybody has what was published last, and judges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gohub::protocol::{Epoch, Offset};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout_at};

use super::member::{Journey, Member};
use super::publisher::Publisher;
use super::report::{Report, judge};
use super::target::Target;

/// How far things are, as the clients see it.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// Publications come.
    Going,
    /// This was the last; `None`: there was none.
    Ended(Option<(Epoch, Offset)>),
    /// Nobody waits any longer.
    Over,
}

/// What is gathered.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where.
    pub target: Target,
    /// How many clients.
    pub clients: usize,
    /// What their names begin with; two crowds at the same hub need different ones.
    pub name: String,
    /// The room that all are in.
    pub room: String,
    /// Publications per second.
    pub rate: u32,
    /// How long to wait at the end for who has not got everything yet.
    pub settle: Duration,
}

/// One line of standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Every client has been welcomed once, and publications begin.
    Gathered {
        /// How many.
        clients: u64,
    },
    /// How it goes, once a second.
    Progress(Progress),
    /// The judgement, at the end.
    Report(Box<Report>),
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Clients that are connected now.
    pub connected: u64,
    /// Welcomes of clients that had been connected before.
    pub reconnects: u64,
    /// Connections that ended, whatever the reason.
    pub disconnects: u64,
    /// Publications that were acked.
    pub acked: u64,
    /// Publications that came, summed over the clients.
    pub received: u64,
    /// Gaps that clients were told of.
    pub told: u64,
}

/// What all clients count together.
#[derive(Debug, Default)]
pub(super) struct Totals {
    welcomed: AtomicU64,
    reconnects: AtomicU64,
    disconnects: AtomicU64,
    acked: AtomicU64,
    received: AtomicU64,
    told: AtomicU64,
}

impl Totals {
    pub(super) fn connected(&self, is_first: bool) {
        let counter = if is_first { &self.welcomed } else { &self.reconnects };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self, _code: Option<u16>) {
        self.disconnects.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn acked(&self) {
        self.acked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn told(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (reconnects, disconnects) = (read(&self.reconnects), read(&self.disconnects));
        Progress {
            connected: (read(&self.welcomed) + reconnects).saturating_sub(disconnects),
            reconnects,
            disconnects,
            acked: read(&self.acked),
            received: read(&self.received),
            told: read(&self.told),
        }
    }
}

/// A crowd at work.
#[derive(Debug)]
pub struct Gathering {
    plan: Plan,
    totals: Arc<Totals>,
    stage: watch::Sender<Stage>,
    members: JoinSet<Journey>,
}

impl Gathering {
    /// Lets the clients connect.
    #[must_use]
    pub fn begin(plan: Plan) -> Self {
        let (stage, _) = watch::channel(Stage::Going);
        let totals = Arc::new(Totals::default());
        let mut members = JoinSet::new();
        for index in 0..plan.clients {
            let name = format!("{}-{index}", plan.name);
            let member = Member::new(name, &plan, stage.subscribe(), Arc::clone(&totals));
            members.spawn(member.attend());
        }
        Self { plan, totals, stage, members }
    }

    /// Runs until `end` is set, telling how it goes, and judges.
    pub async fn run(mut self, end: watch::Receiver<bool>, mut tell: impl FnMut(&Event)) -> Report {
        let mut ended = end.clone();
        let mut second = interval(Duration::from_secs(1));
        // Who comes first waits for the others: everybody is owed everything.
        while self.totals.welcomed.load(Ordering::Relaxed) < self.plan.clients as u64 {
            tokio::select! {
                _ = second.tick() => tell(&Event::Progress(self.totals.progress())),
                _ = ended.wait_for(|end| *end) => break,
            }
        }
        tell(&Event::Gathered { clients: self.totals.welcomed.load(Ordering::Relaxed) });
        let publisher = Publisher::new(&self.plan, self.stage.subscribe(), Arc::clone(&self.totals));
        let mut publishing = Box::pin(publisher.publish(self.plan.rate, end));
        let mut patience = None;
        let ledger = loop {
            tokio::select! {
                ledger = &mut publishing => break ledger,
                _ = second.tick() => tell(&Event::Progress(self.totals.progress())),
            }
            // What is being published when the end comes is waited for, but not for ever.
            if *ended.borrow() && *patience.get_or_insert_with(|| Instant::now() + self.plan.settle) < Instant::now() {
                self.stage.send_replace(Stage::Over);
            }
        };
        drop(publishing);
        let last = ledger.acked.last().map(|acked| (acked.epoch.clone(), acked.offset));
        let deadline = Instant::now() + self.plan.settle;
        self.stage.send_if_modified(|stage| {
            let going = matches!(stage, Stage::Going);
            if going {
                *stage = Stage::Ended(last);
            }
            going
        });
        let mut journeys = Vec::with_capacity(self.plan.clients);
        while let Ok(Some(journey)) = timeout_at(deadline, self.members.join_next()).await {
            journeys.extend(journey.ok());
        }
        self.stage.send_replace(Stage::Over);
        while let Some(journey) = self.members.join_next().await {
            journeys.extend(journey.ok());
        }
        tell(&Event::Progress(self.totals.progress()));
        judge(&ledger, &journeys)
    }
}
