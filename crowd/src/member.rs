//! One client of the crowd: connected for as long as it may, and back as the protocol says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseAction, Payload, Publication};
use tokio::sync::watch;

use super::backoff::Backoff;
use super::connection::{ConnectError, Connection, Incoming, Who};
use super::gathering::{Plan, Stage, Totals};
use super::record::Record;
use super::turn::Turn;

/// How often a client asks for its position: often enough to be asked in the middle of everything that happens.
const ASKING: Duration = Duration::from_secs(5);

/// A connection that was welcomed.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The hub.
    pub node: String,
    /// When the welcome came.
    pub welcomed: Instant,
    /// When it ended; `None` when that was at the end of everything.
    pub left: Option<Instant>,
    /// The welcome's word; means nothing on the first one.
    pub recovered: bool,
}

/// Everything one client went through.
#[derive(Debug, Default)]
pub struct Journey {
    /// Its name.
    pub client: String,
    /// The room it is in.
    pub room: String,
    /// Its books.
    pub record: Record,
    /// Its connections, in order.
    pub visits: Vec<Visit>,
    /// The longest time without a publication.
    pub longest_silence: Duration,
    /// Why it stopped before the end, if it did.
    pub stopped: Option<String>,
}

/// A client at work.
#[derive(Debug)]
pub(super) struct Member {
    turn: Turn,
    stage: watch::Receiver<Stage>,
    totals: Arc<Totals>,
    backoff: Backoff,
    journey: Journey,
    /// When the last publication came; `None` before the first.
    heard: Option<Instant>,
}

impl Member {
    /// The client of this number, not connected yet.
    pub(super) fn new(index: usize, plan: &Plan, stage: watch::Receiver<Stage>, totals: Arc<Totals>) -> Self {
        let journey = Journey { client: plan.member(index), room: plan.room(index), ..Journey::default() };
        let turn = Turn::new(&plan.targets, index);
        Self { turn, stage, totals, backoff: Backoff::default(), journey, heard: None }
    }

    /// Stays until it has seen what was last published, or is told to stop, or the gathering is over.
    pub(super) async fn attend(mut self) -> Journey {
        let mut stage = self.stage.clone();
        tokio::select! {
            () = self.stay() => {}
            _ = stage.wait_for(|stage| matches!(stage, Stage::Over)) => {}
        }
        self.silence_ends();
        self.journey
    }

    async fn stay(&mut self) {
        while !self.is_done() && self.journey.stopped.is_none() {
            let resume = self.journey.record.position();
            let who = Who { client: &self.journey.client, room: &self.journey.room, resume };
            let Some(target) = self.turn.target() else { return };
            match Connection::open(target, who).await {
                Ok(connection) => self.listen(connection).await,
                Err(ConnectError::Refused { status, body }) => {
                    self.journey.stopped = Some(format!("refused with {status}: {body}"));
                    return;
                }
                // The header holds whole seconds: at some moment of the one that was named.
                Err(ConnectError::Later { after: Some(after), .. }) => {
                    self.backoff.asked(after + Duration::from_secs(1).mul_f64(fastrand::f64()));
                }
                Err(_) => {}
            }
            self.turn.pass();
            if !self.is_done() {
                tokio::time::sleep(self.backoff.wait()).await;
            }
        }
    }

    async fn listen(&mut self, mut connection: Connection) {
        let welcomed = Instant::now();
        let welcome = &connection.welcome;
        self.journey.record.welcome(&welcome.epoch, welcome.offset);
        self.totals.connected(self.journey.visits.is_empty());
        let (node, recovered) = (welcome.node.to_string(), welcome.recovered);
        self.journey.visits.push(Visit { node, welcomed, left: None, recovered });
        let mut stage = self.stage.clone();
        let mut drained = None;
        let mut asking = tokio::time::interval(ASKING);
        let code = loop {
            if self.is_done() {
                connection.close().await;
                return;
            }
            let incoming = tokio::select! {
                incoming = connection.next() => incoming,
                // The publisher has ended: whether everything is here must be looked at once more.
                Ok(()) = stage.changed() => continue,
                // Its answer says how far this connection is complete; whatever came after it and is older shows in the books.
                _ = asking.tick() => {
                    connection.send(&ClientRequest::ping()).await;
                    continue;
                }
            };
            match incoming {
                Incoming::Closed(code) => break code,
                Incoming::Frame(ServerFrame::Drain { reconnect_in_ms, .. }) => {
                    drained = Some(Duration::from_millis(reconnect_in_ms));
                }
                Incoming::Frame(ServerFrame::Retry { after_ms, .. }) => {
                    self.backoff.asked(Duration::from_millis(after_ms));
                }
                Incoming::Frame(frame) => self.note(frame),
            }
        };
        self.totals.disconnected(code);
        if let Some(visit) = self.journey.visits.last_mut() {
            visit.left = Some(Instant::now());
        }
        self.backoff.lived(welcomed.elapsed());
        if let Some(slot) = drained {
            self.backoff.asked(slot);
        }
        if code.is_some_and(|code| CloseAction::of(code) == CloseAction::Stop) {
            self.journey.stopped = Some(format!("closed with {}", code.unwrap_or_default()));
        }
    }

    fn note(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Welcome(welcome) => self.journey.record.welcome(&welcome.epoch, welcome.offset),
            ServerFrame::Ping { offset: Some(offset) } | ServerFrame::Pong { offset: Some(offset), .. } => {
                self.journey.record.complete(offset);
            }
            ServerFrame::Gap { from, to, room, offset, .. }
                if room.as_ref().is_none_or(|room| *room == self.journey.room) =>
            {
                let position = offset.unwrap_or(to);
                self.journey.record.gap(from, to, room.is_none().then_some(position));
                self.totals.told();
            }
            ServerFrame::Publication(publication, offset) => {
                self.silence_ends();
                self.heard = Some(Instant::now());
                self.journey.record.publication(offset, number_of(&publication));
                self.totals.received();
            }
            _ => {}
        }
    }

    fn silence_ends(&mut self) {
        if let Some(heard) = self.heard {
            self.journey.longest_silence = self.journey.longest_silence.max(heard.elapsed());
        }
    }

    /// Whether the last publication has been reached.
    fn is_done(&self) -> bool {
        match &*self.stage.borrow() {
            Stage::Going => false,
            Stage::Ended(None) | Stage::Over => true,
            Stage::Ended(Some((epoch, offset))) => self.journey.record.has_reached(epoch, *offset),
        }
    }
}

/// The publishers' number, when it is one of the crowd's publications.
fn number_of(publication: &Publication) -> Option<u64> {
    let Some(Payload::Json(bytes)) = &publication.data else { return None };
    serde_json::from_slice::<Numbered>(bytes).ok().map(|numbered| numbered.crowd)
}

/// What the crowd publishes.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Numbered {
    /// The publishers' number.
    pub(super) crowd: u64,
    /// Makes it as large as the plan wants it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) padding: String,
}
