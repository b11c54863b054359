//! The publisher: one numbered publication after the other at a steady pace, each repeated with its key until it is acked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseAction, Epoch, Offset, Payload};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::backoff::Backoff;
use super::connection::{ConnectError, Connection, Incoming, Who};
use super::gathering::{Plan, Stage, Totals};
use super::ledger::{Acked, Ledger};
use super::member::Numbered;
use super::target::Target;

/// A hub answers sooner than this, or its connection is given up.
const ANSWER: Duration = Duration::from_secs(15);
/// Between a refusal that may be retried and the next try.
const RETRY: Duration = Duration::from_millis(200);

/// The publisher at work.
#[derive(Debug)]
pub(super) struct Publisher {
    name: String,
    target: Target,
    room: String,
    stage: watch::Receiver<Stage>,
    totals: Arc<Totals>,
    backoff: Backoff,
    connection: Option<(Connection, Instant)>,
    /// Where a resume goes on; the publisher reads its own publications, but keeps no books of them.
    position: Option<(Epoch, Offset)>,
    ledger: Ledger,
}

enum Answer {
    Acked(Offset),
    Refused { retryable: bool, why: String },
    Gone,
}

impl Publisher {
    /// A publisher that is not connected yet.
    pub(super) fn new(plan: &Plan, stage: watch::Receiver<Stage>, totals: Arc<Totals>) -> Self {
        Self {
            name: format!("{}-publisher", plan.name),
            target: plan.target.clone(),
            room: plan.room.clone(),
            stage,
            totals,
            backoff: Backoff::default(),
            connection: None,
            position: None,
            ledger: Ledger::default(),
        }
    }

    /// Publishes `rate` a second, every other one to everybody, until told that the end is wanted; what was begun is brought to its ack.
    pub(super) async fn publish(mut self, rate: u32, mut end: watch::Receiver<bool>) -> Ledger {
        let mut pace = interval(Duration::from_secs(1) / rate.max(1));
        // After an outage there is no storm of what was not published meanwhile.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 0.. {
            tokio::select! {
                _ = pace.tick() => {}
                _ = end.wait_for(|end| *end) => break,
            }
            if !self.bring_to_ack(number).await {
                break;
            }
        }
        self.ledger
    }

    /// Whether it was acked: not when the hub refuses for good, or the gathering is over.
    async fn bring_to_ack(&mut self, number: u64) -> bool {
        let began = Instant::now();
        let data = serde_json::to_vec(&Numbered { crowd: number }).unwrap_or_default();
        let Ok(data) = Payload::json(data) else { return false };
        let request = if number.is_multiple_of(2) {
            ClientRequest::broadcast(data)
        } else {
            ClientRequest::room_message(self.room.as_str(), data)
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
                    self.ledger.acked.push(Acked { epoch, offset, number });
                    let waited = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    self.ledger.slowest_ack_ms = self.ledger.slowest_ack_ms.max(waited);
                    self.totals.acked();
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
        match Connection::open(&self.target, Who { client: &self.name, room: &self.room, resume }).await {
            Ok(connection) => {
                self.position = Some((connection.welcome.epoch.clone(), connection.welcome.offset));
                self.connection = Some((connection, Instant::now()));
                Ok(())
            }
            Err(ConnectError::Refused { status, body }) => Err(format!("{status}: {body}")),
            Err(error) => {
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
            ServerFrame::Publication(_, offset) | ServerFrame::Gap { to: offset, room: None, .. } => offset,
            _ => return,
        };
        if let Some((_, position)) = &mut self.position {
            *position = (*position).max(reached);
        }
    }
}
