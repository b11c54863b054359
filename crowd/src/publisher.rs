//! A publisher: one numbered publication after the other at a steady pace, each repeated with its key until it is acked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseAction, Epoch, ErrorCode, Offset, Payload};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::backoff::Backoff;
use super::connection::{ConnectError, Connection, Incoming, Who};
use super::gathering::{Plan, Stage, Totals};
use super::ledger::{Acked, Audience, Ledger};
use super::member::Numbered;
use super::turn::Turn;

/// A hub answers sooner than this, or its connection is given up.
const ANSWER: Duration = Duration::from_secs(15);
/// Between a refusal that may be retried and the next try.
const RETRY: Duration = Duration::from_millis(200);

/// A publisher at work.
#[derive(Debug)]
pub(super) struct Publisher {
    name: String,
    index: usize,
    /// How many of its own it has begun.
    begun: u64,
    plan: Plan,
    turn: Turn,
    stage: watch::Receiver<Stage>,
    totals: Arc<Totals>,
    backoff: Backoff,
    connection: Option<(Connection, Instant)>,
    /// Where a resume goes on; the publisher reads its own publications, but keeps no books of them.
    position: Option<(Epoch, Offset)>,
    pub(super) ledger: Ledger,
}

enum Answer {
    Acked(Offset),
    Refused {
        retryable: bool,
        why: String,
    },
    /// The client that it is for is connected nowhere.
    Nobody,
    Gone,
}

impl Publisher {
    /// The publisher of this number, not connected yet.
    pub(super) fn new(index: usize, plan: &Plan, stage: watch::Receiver<Stage>, totals: Arc<Totals>) -> Self {
        Self {
            name: format!("{}-publisher-{index}", plan.name),
            index,
            begun: 0,
            plan: plan.clone(),
            turn: Turn::new(&plan.targets, index),
            stage,
            totals,
            backoff: Backoff::default(),
            connection: None,
            position: None,
            ledger: Ledger::default(),
        }
    }

    /// Publishes its share of the plan's rate until told that the end is wanted; what was begun is brought to its ack.
    pub(super) async fn publish(mut self, mut end: watch::Receiver<bool>) -> Self {
        let mut pace = interval(Duration::from_secs(1) * self.plan.publishers as u32 / self.plan.rate.max(1));
        // After an outage there is no storm of what was not published meanwhile.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = pace.tick() => {}
                _ = end.wait_for(|end| *end) => break,
            }
            if !self.bring_to_ack(self.audience()).await {
                break;
            }
        }
        self
    }

    /// One more to everybody, and where it stands.
    pub(super) async fn last(&mut self) -> Option<(Epoch, Offset)> {
        let is_acked = self.ledger.gave_up.is_none() && self.bring_to_ack(Audience::Everybody).await;
        self.ledger.acked.last().filter(|_| is_acked).map(|acked| (acked.epoch.clone(), acked.offset))
    }

    /// Every other one to everybody, the rest to rooms and to single clients in turn.
    fn audience(&self) -> Audience {
        // Each publisher starts elsewhere, so that together they go through all rooms and clients.
        let round = usize::try_from(self.begun / 4).unwrap_or_default() * self.plan.publishers + self.index;
        match self.begun % 4 {
            1 => Audience::Room(self.plan.room(round)),
            3 => Audience::Client(self.plan.member(round % self.plan.clients.max(1))),
            _ => Audience::Everybody,
        }
    }

    /// Whether it may go on: not when the hub refuses for good, or the gathering is over.
    async fn bring_to_ack(&mut self, to: Audience) -> bool {
        let began = Instant::now();
        let number = self.begun * self.plan.publishers as u64 + self.index as u64;
        self.begun += 1;
        let padding = "x".repeat(self.plan.padding);
        let data = serde_json::to_vec(&Numbered { crowd: number, padding }).unwrap_or_default();
        let Ok(data) = Payload::json(data) else { return false };
        let request = match &to {
            Audience::Everybody => ClientRequest::broadcast(data),
            Audience::Room(room) => ClientRequest::room_message(room.as_str(), data),
            Audience::Client(client) => ClientRequest::unicast(client.as_str(), data),
        };
        let request = request.key(format!("{}-{number}", self.name)).reference(format!("{number}"));
        loop {
            if matches!(*self.stage.borrow(), Stage::Over) {
                self.ledger.gave_up.get_or_insert_with(|| format!("publication {number} was not acked in time"));
                return false;
            }
            match self.ask(&request, &number.to_string()).await {
                Answer::Acked(offset) => {
                    let Some((epoch, _)) = self.position.clone() else { return false };
                    self.ledger.acked.push(Acked { epoch, offset, number, to });
                    let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    self.ledger.slowest_ack_ms = self.ledger.slowest_ack_ms.max(waited);
                    self.totals.acked();
                    return true;
                }
                Answer::Nobody => {
                    self.ledger.nobody_there += 1;
                    return true;
                }
                Answer::Refused { retryable: false, why } => {
                    self.ledger.gave_up = Some(format!("publication {number} was refused: {why}"));
                    return false;
                }
                Answer::Refused { .. } => {
                    self.ledger.refused += 1;
                    tokio::time::sleep(RETRY).await;
                }
                Answer::Gone => self.ledger.repeated += 1,
            }
        }
    }

    async fn ask(&mut self, request: &ClientRequest, reference: &str) -> Answer {
        if self.connection.is_none()
            && let Err(why) = self.connect().await
        {
            return Answer::Refused { retryable: false, why };
        }
        let Some((mut connection, since)) = self.connection.take() else { return Answer::Gone };
        connection.send(request).await;
        match timeout(ANSWER, self.answer(&mut connection, reference)).await {
            Ok(Answer::Gone) | Err(_) => {
                self.backoff.lived(since.elapsed());
                self.turn.pass();
                self.ledger.reconnects += 1;
                Answer::Gone
            }
            Ok(answer) => {
                self.connection = Some((connection, since));
                answer
            }
        }
    }

    /// Waits its turn and connects; `Ok` without a connection means: try again.
    async fn connect(&mut self) -> Result<(), String> {
        if self.position.is_some() {
            tokio::time::sleep(self.backoff.wait()).await;
        }
        let resume = self.position.as_ref().map(|(epoch, offset)| (epoch, *offset));
        let Some(target) = self.turn.target() else { return Err("there is no hub to go to".to_owned()) };
        match Connection::open(target, Who { client: &self.name, room: &self.plan.room(self.index), resume }).await {
            Ok(connection) => {
                self.position = Some((connection.welcome.epoch.clone(), connection.welcome.offset));
                self.connection = Some((connection, Instant::now()));
                Ok(())
            }
            Err(ConnectError::Refused { status, body }) => Err(format!("{status}: {body}")),
            Err(error) => {
                self.turn.pass();
                if let ConnectError::Later { after: Some(after), .. } = error {
                    self.backoff.asked(after);
                } else if self.position.is_none() {
                    tokio::time::sleep(self.backoff.wait()).await;
                }
                Ok(())
            }
        }
    }

    async fn answer(&mut self, connection: &mut Connection, reference: &str) -> Answer {
        loop {
            match connection.next().await {
                Incoming::Closed(code) => {
                    if let Some(code) = code.filter(|code| CloseAction::of(*code) == CloseAction::Stop) {
                        return Answer::Refused { retryable: false, why: format!("closed with {code}") };
                    }
                    return Answer::Gone;
                }
                Incoming::Frame(ServerFrame::Ack { reference: Some(of), offset: Some(offset), .. })
                    if of == reference =>
                {
                    return Answer::Acked(offset);
                }
                Incoming::Frame(ServerFrame::Error { reference: Some(of), code, retryable, message })
                    if of == reference =>
                {
                    if code == ErrorCode::ClientUnknown {
                        return Answer::Nobody;
                    }
                    return Answer::Refused { retryable, why: format!("{code:?}: {message}") };
                }
                Incoming::Frame(frame) => self.note(frame),
            }
        }
    }

    fn note(&mut self, frame: ServerFrame) {
        let reached = match frame {
            ServerFrame::Drain { reconnect_in_ms, .. } => {
                self.backoff.asked(Duration::from_millis(reconnect_in_ms));
                return;
            }
            ServerFrame::Retry { after_ms, .. } => {
                self.backoff.asked(Duration::from_millis(after_ms));
                return;
            }
            ServerFrame::Welcome(welcome) => {
                self.position = Some((welcome.epoch, welcome.offset));
                return;
            }
            ServerFrame::Publication(_, offset)
            | ServerFrame::Gap { offset: Some(offset), room: None, .. }
            | ServerFrame::Gap { to: offset, room: None, .. }
            | ServerFrame::Ping { offset: Some(offset) }
            | ServerFrame::Pong { offset: Some(offset), .. } => offset,
            _ => return,
        };
        if let Some((_, position)) = &mut self.position {
            *position = (*position).max(reached);
        }
    }
}
