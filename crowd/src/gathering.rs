//! The whole: gathers the clients, lets the publishers run, waits until everybody has what was published last, and hands over the books.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gohub::protocol::{Epoch, Offset};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout_at};

use super::ledger::Ledger;
use super::member::{Journey, Member};
use super::publisher::Publisher;
use super::report::{Report, judge};
use super::target::Target;

/// Between two clients that connect for the first time: a thousand at once would only wait for one another.
const APART: Duration = Duration::from_millis(4);

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
    /// The hubs, or the one Service in front of them. Client n starts with the nth, and goes on to the next when it must.
    pub targets: Vec<Target>,
    /// How many clients.
    pub clients: usize,
    /// What their names begin with; two crowds at the same hub need different ones.
    pub name: String,
    /// The rooms; each client is in one of them.
    pub rooms: Vec<String>,
    /// How many publish.
    pub publishers: usize,
    /// Publications per second, all publishers together.
    pub rate: u32,
    /// How many bytes each of them carries for nothing.
    pub padding: usize,
    /// How long to wait at the end for who has not got everything yet.
    pub settle: Duration,
}

impl Plan {
    /// The name of the nth client.
    pub(super) fn member(&self, index: usize) -> String {
        format!("{}-{index}", self.name)
    }

    /// The nth room, counted around; without rooms the crowd's name is one.
    pub(super) fn room(&self, index: usize) -> String {
        self.rooms.get(index % self.rooms.len().max(1)).unwrap_or(&self.name).clone()
    }
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
            let member = Member::new(index, &plan, stage.subscribe(), Arc::clone(&totals));
            let turn = APART * u32::try_from(index).unwrap_or(u32::MAX);
            members.spawn(async move {
                tokio::time::sleep(turn).await;
                member.attend().await
            });
        }
        Self { plan, totals, stage, members }
    }

    /// Runs until `end` is set, telling how it goes, and hands over the books.
    pub async fn run(mut self, end: watch::Receiver<bool>, mut tell: impl FnMut(&Event)) -> Books {
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
        let mut publishing = Box::pin(self.publish(end));
        let mut patience = None;
        let (ledger, last) = loop {
            tokio::select! {
                published = &mut publishing => break published,
                _ = second.tick() => tell(&Event::Progress(self.totals.progress())),
            }
            // What is being published when the end comes is waited for, but not for ever.
            if *ended.borrow() && *patience.get_or_insert_with(|| Instant::now() + self.plan.settle) < Instant::now() {
                self.stage.send_replace(Stage::Over);
            }
        };
        drop(publishing);
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
        Books { ledger, journeys }
    }

    /// Everybody publishes until the end; the last message, for which everybody waits, is for everybody.
    fn publish(&self, end: watch::Receiver<bool>) -> impl Future<Output = (Ledger, Option<(Epoch, Offset)>)> + use<> {
        let new = |index| Publisher::new(index, &self.plan, self.stage.subscribe(), Arc::clone(&self.totals));
        let publishing: Vec<_> = (0..self.plan.publishers).map(|index| new(index).publish(end.clone())).collect();
        async move {
            let mut publishers = join_all(publishing).await;
            let last = match publishers.first_mut() {
                Some(first) => first.last().await,
                None => None,
            };
            (Ledger::merged(publishers.into_iter().map(|publisher| publisher.ledger)), last)
        }
    }
}

/// What was acked, and what every client went through.
#[derive(Debug)]
pub struct Books {
    /// What was acked.
    pub ledger: Ledger,
    /// Each client's own record.
    pub journeys: Vec<Journey>,
}

impl Books {
    /// Judges the crowd.
    #[must_use]
    pub fn judge(&self) -> Report {
        judge(&self.ledger, &self.journeys)
    }
}
