//! A session: one connection as the application sees it while it handles something of it.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use super::connection::Identity;
use super::handle::ShardHandle;
use super::inbox::{Command, ConnectionKey};
use super::turn::Core;
use crate::auth::Rights;
use crate::blackbox::{self, By, What};
use crate::bus::{PublishError, Receipt};
use crate::log::{Hole, Located, Position, StreamId, Subscription};
use crate::protocol::{ClientId, CloseCode, ErrorCode, Format, GapReason, HubMessage, Offset, RoomName, Target};
use crate::ws::frame;

/// A request is refused: what the `error` says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The code for programs.
    pub code: ErrorCode,
    /// The message for people; names the field or the limit.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Questions that one connection may have under way: each makes every shard, and in a cluster every hub, work.
const MAX_QUESTIONS: u32 = 16;
/// Requests of one connection that the application may be working on: no client takes all the places there are.
const MAX_WAITS: u32 = 64;
/// Pages of older entries that may wait for one connection, over all the rooms it joined with `from_offset`.
const MAX_REPLAYS: usize = 8;

/// A page of a room's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest `n`.
    Last(usize),
    /// Everything after this offset, at most `n`.
    Since(Offset, usize),
}

/// One connection, borrowed from its shard.
#[derive(Debug)]
pub struct Session<'a> {
    core: &'a mut Core,
    slot: usize,
    key: ConnectionKey,
    /// Whose doing it is.
    by: By,
}

impl Core {
    pub(super) fn session(&mut self, slot: usize) -> Option<Session<'_>> {
        self.session_by(slot, By::Client)
    }

    pub(super) fn session_by(&mut self, slot: usize, by: By) -> Option<Session<'_>> {
        let key = self.table.key(slot)?;
        Some(Session { core: self, slot, key, by })
    }
}

impl Session<'_> {
    fn connection(&mut self) -> &mut super::connection::Connection {
        self.core.table.get(self.slot).expect("a session does not outlive its connection")
    }

    /// Who it is.
    pub fn identity(&mut self) -> &Identity {
        &self.connection().identity
    }

    /// The client it belongs to.
    pub fn client(&mut self) -> ClientId {
        self.connection().identity.client.clone()
    }

    /// What it may do.
    pub fn rights(&mut self) -> &Rights {
        &self.connection().identity.rights
    }

    /// When its token ends.
    pub fn expires(&mut self) -> Option<Instant> {
        self.connection().identity.expires
    }

    /// A resume ticket has been given to it, at this time in milliseconds since 1970.
    pub fn has_ticket(&mut self, given: u64) {
        self.connection().identity.ticket_at = given;
    }

    /// The connection's key: with [`handle`](Self::handle) it reaches the connection later, from anywhere.
    pub fn key(&self) -> ConnectionKey {
        self.key
    }

    /// The peer's address.
    pub fn address(&mut self) -> SocketAddr {
        self.connection().identity.address
    }

    /// Its shard.
    pub fn handle(&self) -> ShardHandle {
        self.core.handle.clone()
    }

    /// Its wire format.
    pub fn format(&mut self) -> Format {
        self.connection().format
    }

    /// The epoch and the newest offset of the log.
    pub fn now(&self) -> (crate::protocol::Epoch, Offset) {
        (self.core.view.tip().epoch.clone(), self.core.view.tip().newest)
    }

    /// Counts a request by its `message_id`.
    pub fn count(&mut self, id: u32) {
        self.core.stats.received(id);
    }

    /// Sends a message of the hub to this connection alone.
    pub fn reply(&mut self, message: &HubMessage<'_>) {
        match message {
            HubMessage::Error { code, .. } => {
                self.core.stats.errors.inc(code.name());
                self.core.note(self.slot, What::Refused(*code));
            }
            HubMessage::Gap { from, to, count, reason, .. } => {
                let missed = blackbox::Missed { from: *from, to: *to, count: *count, reason: *reason };
                self.core.note(self.slot, What::Gap(Box::new(missed)));
            }
            _ => {}
        }
        let connection = self.connection();
        if !connection.is_open() {
            return;
        }
        let format = connection.format;
        frame::with(frame::opcode(format), &mut connection.direct, |out| message.encode(format, out));
        self.core.enqueue(self.slot);
    }

    /// Sends a message that is already encoded in the connection's format.
    pub fn send(&mut self, payload: &[u8]) {
        let connection = self.connection();
        if connection.is_open() {
            frame::whole(frame::opcode(connection.format), payload, &mut connection.direct);
            self.core.enqueue(self.slot);
        }
    }

    /// Refuses a request that no repetition makes right; a peer that sends too many of them is closed.
    pub fn malformed(&mut self, reference: Option<&str>, code: ErrorCode, message: &str) {
        self.reply(&HubMessage::Error { reference, code, message });
        let max = self.core.config.max_errors;
        let connection = self.connection();
        connection.errors += 1;
        if max > 0 && connection.errors >= max {
            self.close(CloseCode::TooManyErrors, "more malformed messages than limits.errors_before_close");
        }
    }

    /// Closes the connection.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        self.core.close(self.slot, code, reason);
    }

    /// Counts a publication of this connection for its black box. It came with the bytes that were last heard of it, so no clock is looked at.
    pub fn published(&mut self) {
        let max = self.core.config.trail_events;
        let connection = self.connection();
        connection.trail.note(max, connection.heard, What::Published);
    }

    /// A receipt for a publication of this connection: the bus's answer becomes its `ack` or `error`.
    pub fn receipt(&mut self, reference: Option<&str>) -> Receipt {
        self.connection().inflight += 1;
        let (handle, key) = (self.handle(), self.key);
        let reference = reference.map(Box::from);
        Receipt::new(move |result| handle.send(Command::Resolve { key, reference, result }))
    }

    /// Whether this connection may start something more that takes time. One read can bring thousands of requests, and is only paused after it.
    ///
    /// # Errors
    /// So much is under way for it already.
    pub fn has_room_for_wait(&mut self) -> Result<(), Refusal> {
        let max = self.core.config.max_inflight.min(MAX_WAITS);
        if self.connection().inflight >= max {
            let reason = format!("{max} requests of this connection are under way");
            return Err(Refusal::new(ErrorCode::Overloaded, reason));
        }
        Ok(())
    }

    /// An answer to this connection is on its way and will end with a [`Command::Deliver`]: counted like a publication under way.
    pub fn begin_wait(&mut self) {
        self.connection().inflight += 1;
    }

    /// This very message, and what comes behind it, waits until a [`Command::Verdict`] says what becomes of it.
    pub fn hold(&mut self, bytes: &[u8]) {
        self.begin_wait();
        self.core.hold(self.slot, bytes);
    }

    /// The same for an answer that other shards or hubs work on: of these few are under way for one connection.
    pub fn begin_question(&mut self) {
        let connection = self.connection();
        connection.inflight += 1;
        connection.questions += 1;
    }

    /// The epoch, and the offset from which on everything is delivered or reported.
    pub fn starting_point(&mut self) -> (crate::protocol::Epoch, Offset) {
        match self.connection().start.take() {
            Some(start) => *start,
            None => self.now(),
        }
    }

    /// The offset up to which this connection has everything that is meant for it, delivered or reported, once what is written for it now is out:
    /// what the next [`reply`](Self::reply) may say. `None`: nothing can be said, because it waits or is sent older entries.
    pub fn complete(&mut self) -> Option<Offset> {
        // A gap that waits to be told goes out before the reply.
        self.core.write_notices(self.slot);
        self.core.complete(self.slot)
    }

    pub(super) fn answer_publish(&mut self, reference: Option<&str>, result: Result<Offset, PublishError>) {
        match (reference, result) {
            (Some(_), Ok(offset)) => self.reply(&HubMessage::Ack { reference, offset: Some(offset), data: None }),
            (None, Ok(_)) => {}
            (_, Err(error)) => {
                self.reply(&HubMessage::Error { reference, code: error.code(), message: &error.to_string() })
            }
        }
    }

    /// Joins a room; with `from` everything after that offset is replayed first. Returns the offset from which on everything is delivered.
    /// Joining twice is fine.
    ///
    /// # Errors
    /// Too many rooms.
    pub fn join(&mut self, room: &RoomName, from: Option<Offset>) -> Result<Offset, Refusal> {
        self.core.pull();
        if from.is_some() && self.connection().replay.len() > MAX_REPLAYS * self.core.config.max_history {
            let reason = "from_offset: read what earlier joins brought first";
            return Err(Refusal::new(ErrorCode::Overloaded, reason));
        }
        let (epoch, newest) = self.now();
        let target = Target::Room(room.clone());
        let known = self.core.view.find(&target);
        let max = self.core.config.max_rooms;
        let (head, fresh) = (self.core.view.head(), self.core.pass.fresh.start);
        let connection = self.connection();
        let is_member = known.is_some_and(|stream| connection.subscriptions.iter().skip(1).any(|s| s.stream == stream));
        // What a member has not been sent yet comes anyway, and entries of the next epoch come after its welcome.
        let until = match connection.barrier {
            _ if is_member && connection.lagging => connection.cursor,
            _ if is_member => fresh,
            Some(barrier) => barrier,
            None => head,
        };
        if !is_member {
            if connection.subscriptions.len() > max {
                return Err(Refusal::new(
                    ErrorCode::TooManyRooms,
                    format!("a connection may be in {max} rooms (limits.max_rooms_per_connection)"),
                ));
            }
            let stream = self.core.view.retain(&target);
            self.core.members.add(stream, self.slot);
            let since = if from.is_some() { until } else { head };
            self.connection().subscriptions.push(Subscription { stream, since });
            self.core.note(self.slot, What::Joined(room.clone(), self.by));
        }
        let Some(from) = from else { return Ok(newest) };
        let Some(stream) = self.core.view.find(&target) else { return Ok(newest) };
        match self.core.log.locate(epoch.as_str(), from) {
            Located::At(position) if position >= self.core.view.first() => {
                self.tell_hole(room, position);
                self.replay(stream, from, position..until);
                Ok(from)
            }
            Located::Ahead => Ok(newest),
            Located::At(_) | Located::Lost => {
                let first = self.core.view.first();
                let to = self.core.view.tip().trimmed.unwrap_or(from).max(from);
                self.reply(&HubMessage::Gap {
                    from,
                    to,
                    count: None,
                    reason: GapReason::Expired,
                    room: Some(room.as_str()),
                    offset: None,
                });
                self.replay(stream, to, first..until);
                Ok(to)
            }
        }
    }

    /// What the bus lost after `position` may have been the room's.
    fn tell_hole(&mut self, room: &RoomName, position: Position) {
        if let Some(hole) = self.core.view.tip().holes.since(position) {
            let Hole { from, to, reason, .. } = hole;
            self.reply(&HubMessage::Gap { from, to, count: None, reason, room: Some(room.as_str()), offset: None });
        }
    }

    /// Queues the room's entries of these positions, which come after `after`, in front of everything at the cursor; the newest `max_history`.
    fn replay(&mut self, stream: StreamId, after: Offset, span: Range<Position>) {
        let view = &self.core.view;
        // A room may have any number of them: they are counted, and only the newest are looked at.
        let count_from = |position| view.positions_from(stream, position).len();
        let all = count_from(span.start).saturating_sub(count_from(span.end));
        let skipped = all.saturating_sub(self.core.config.max_history);
        let positions: Vec<Position> = view.positions_from(stream, span.start).take(all).skip(skipped).collect();
        if skipped > 0 {
            let offset = |position: Option<Position>| position.and_then(|p| view.offset(p)).unwrap_or_default();
            let nth = |n| view.positions_from(stream, span.start).nth(n);
            let (from, to) = (offset(nth(0)), offset(nth(skipped - 1)));
            let count = Some(skipped as u64);
            let room = self.core.view.target(stream).clone();
            let room = match &room {
                Target::Room(room) => Some(room.as_str()),
                Target::Broadcast | Target::Client(_) => None,
            };
            self.reply(&HubMessage::Gap { from, to, count, reason: GapReason::Expired, room, offset: None });
        }
        let connection = self.connection();
        connection.replay_after = match connection.replay.is_empty() {
            true => after,
            false => connection.replay_after.min(after),
        };
        connection.replay.extend_from_slice(&positions);
        connection.replay.sort_unstable();
        connection.replay.dedup();
        self.core.enqueue(self.slot);
    }

    /// Leaves a room; what of it was not sent yet is not sent any more.
    ///
    /// # Errors
    /// It is not in the room.
    pub fn leave(&mut self, room: &RoomName) -> Result<(), Refusal> {
        let not_joined = || Refusal::new(ErrorCode::NotJoined, "room: the connection is not in it");
        let stream = self.core.view.find(&Target::Room(room.clone())).ok_or_else(not_joined)?;
        let connection = self.connection();
        let at = connection.subscriptions.iter().skip(1).position(|s| s.stream == stream).ok_or_else(not_joined)?;
        connection.subscriptions.remove(at + 1);
        let mut replay = std::mem::take(&mut connection.replay);
        replay.retain(|position| self.core.view.positions_from(stream, *position).next() != Some(*position));
        self.connection().replay = replay;
        self.core.members.remove(stream, self.slot);
        self.core.view.release(stream);
        self.core.note(self.slot, What::Left(room.clone(), self.by));
        Ok(())
    }

    /// Whether it is in the room.
    pub fn is_in(&mut self, room: &RoomName) -> bool {
        let stream = self.core.view.find(&Target::Room(room.clone()));
        stream.is_some_and(|stream| self.connection().subscriptions.iter().skip(1).any(|s| s.stream == stream))
    }

    /// The rooms it is in.
    pub fn rooms(&mut self) -> Vec<RoomName> {
        self.core.rooms_of(self.slot)
    }

    /// Large answers are made only for a peer that reads them: one read may carry a thousand requests.
    ///
    /// # Errors
    /// What waits for it is over `limits.out_buffer`.
    pub fn has_room_for_answers(&mut self) -> Result<(), Refusal> {
        let max_bytes = self.core.config.out_buffer;
        let connection = self.connection();
        if connection.direct_pending() > max_bytes {
            let reason = "read the answers to earlier requests first (limits.out_buffer)";
            return Err(Refusal::new(ErrorCode::Overloaded, reason));
        }
        if connection.questions >= MAX_QUESTIONS {
            return Err(Refusal::new(ErrorCode::Overloaded, "too many questions are under way"));
        }
        Ok(())
    }

    /// Answers with a page of a room's history. At most `max_history` messages and what fits the out buffer.
    pub fn history(&mut self, reference: Option<&str>, room: &RoomName, page: Page) {
        self.core.pull();
        let format = self.format();
        let (messages, complete) = self.core.page_of(format, room, page);
        let message =
            HubMessage::History { reference, room: room.as_str(), messages: &messages, complete }.to_vec(format);
        self.send(&message);
    }
}
