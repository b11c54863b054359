//! Flushing: one connection's pending bytes to its socket, in one vectored write.
//!
//! The order is fixed: the rest of a frame that was cut, then frames made for this connection alone, then the log. So frames are never
//! interleaved, a pong does not wait behind a megabyte of messages longer than one frame, and a `gap` stands where the messages are missing.

use std::io::IoSlice;
use std::time::Instant;

use super::connection::{Connection, Missed, Stage};
use super::deadline::Due;
use super::trail::NO_CLOSE_FRAME;
use super::turn::Core;
use crate::blackbox::{By, What};
use crate::log::{Position, Reader};
use crate::protocol::{GapReason, HubMessage};
use crate::ws::frame;

/// Runs of one write: the kernel takes at most 1,024 slices, and two are for the rest and the direct frames.
const MAX_RUNS: usize = 1000;
/// Bytes offered in one write: more than any socket buffer takes at once.
const MAX_BYTES: usize = 4 << 20;
/// Writes of one connection in one pass.
const MAX_WRITES: usize = 4;

/// Which runs a write carries.
enum Source {
    /// None: a closing connection, or one that waits.
    Nothing,
    /// Those that other readers share.
    Shared,
    /// Gathered for this one.
    Own,
    /// Entries asked for by `from_offset`.
    Replay,
}

impl Core {
    /// Writes what the connection has to get, until nothing is left or the kernel takes no more.
    pub(super) fn flush(&mut self, slot: usize) {
        for _ in 0..MAX_WRITES {
            if !self.flush_once(slot) {
                return;
            }
        }
        self.enqueue(slot);
    }

    /// One write. `true`: there is more.
    fn flush_once(&mut self, slot: usize) -> bool {
        let Some(connection) = self.table.get(slot) else { return false };
        match connection.transport.flush() {
            Ok(flushed) if flushed.blocked => {
                self.on_blocked(slot, flushed.taken);
                return false;
            }
            Ok(_) => {}
            Err(error) => {
                self.on_write_error(slot, &error);
                return false;
            }
        }
        if connection.lagging && connection.cursor < self.view.first() {
            self.fall_behind(slot);
        }
        self.trim_replay(slot);
        self.write_notices(slot);
        let source = self.gather(slot);
        let Some(connection) = self.table.get(slot) else { return false };
        let runs = match source {
            Source::Shared => &self.pass.shared.runs,
            Source::Own | Source::Replay | Source::Nothing => &self.pass.runs,
        };
        let mut slices = Vec::with_capacity(8);
        slices.extend(connection.rest.iter().map(|rest| IoSlice::new(rest.data())));
        if connection.direct_pending() > 0 {
            slices.push(IoSlice::new(&connection.direct[connection.direct_sent..]));
        }
        let has_runs = !matches!(source, Source::Nothing) && !runs.is_empty();
        if has_runs {
            runs.slices(connection.format, &mut slices);
        }
        if slices.is_empty() {
            return self.on_idle(slot);
        }
        let written = match connection.transport.write(&slices) {
            Ok(written) => written,
            Err(error) => {
                self.on_write_error(slot, &error);
                return false;
            }
        };
        drop(slices);
        self.stats.bytes_out.add(written.taken as u64);
        connection.trail.sent(0, written.taken as u64);
        let left = sent_own(connection, written.taken);
        if has_runs {
            let (entries, next, rest) = runs.taken(connection.format, left);
            self.stats.deliveries.add(entries);
            connection.trail.sent(entries, 0);
            connection.rest = rest.map(Box::new).or(connection.rest.take());
            let head = connection.barrier.unwrap_or(self.view.head());
            match source {
                Source::Replay => {
                    connection.replay.drain(..entries as usize);
                    connection.kept &= !connection.replay.is_empty();
                    connection.replay_after = next.and_then(|next| self.view.offset(next)).unwrap_or_default();
                }
                Source::Nothing => {}
                Source::Shared | Source::Own => {
                    connection.cursor = next.unwrap_or(head);
                    connection.lagging = next.is_some();
                }
            }
        }
        if connection.paused.answers && connection.direct_pending() <= self.config.out_buffer {
            connection.paused.answers = false;
            self.ready.push(slot);
        }
        if written.blocked {
            self.on_blocked(slot, written.taken);
            return false;
        }
        connection.stalled = None;
        true
    }

    /// Everything is out. `true`: there is more to do after all.
    fn on_idle(&mut self, slot: usize) -> bool {
        let head = self.view.head();
        let Some(connection) = self.table.get(slot) else { return false };
        connection.stalled = None;
        if let Stage::Closing { finished: false, code } = connection.stage {
            connection.stage = Stage::Closing { code, finished: true };
            if let Err(error) = connection.transport.finish() {
                tracing::debug!(%error, connection = connection.identity.connection, "stream was already gone");
            }
            return false;
        }
        if connection.barrier.is_some() && connection.follows_log() {
            self.greet_again(slot);
            return true;
        }
        connection.cursor = head;
        connection.lagging = false;
        false
    }

    /// Turns what is owed in words (a pong, a gap) into direct frames.
    pub(super) fn write_notices(&mut self, slot: usize) {
        let Some(connection) = self.table.get(slot) else { return };
        if let Some(payload) = connection.pong.take() {
            frame::whole(frame::PONG, &payload, &mut connection.direct);
        }
        if let Some(missed) = connection.missed.take() {
            let format = connection.format;
            let Missed { from, to, count, reason, conflated, until: offset } = *missed;
            let superseded = (conflated > 0).then_some((GapReason::Conflated, Some(conflated)));
            let lost = (count != Some(0)).then_some((reason, count));
            for (reason, count) in superseded.into_iter().chain(lost) {
                let message = HubMessage::Gap { from, to, count, reason, room: None, offset };
                frame::with(frame::opcode(format), &mut connection.direct, |out| message.encode(format, out));
            }
        }
    }

    /// Finds out what the next write carries of the log.
    fn gather(&mut self, slot: usize) -> Source {
        let until = self.view.head();
        let Some(connection) = self.table.get(slot) else { return Source::Nothing };
        if !connection.follows_log() {
            return Source::Nothing;
        }
        if !connection.replay.is_empty() {
            self.view.gather_exactly(connection.format, &connection.replay, MAX_RUNS, MAX_BYTES, &mut self.pass.runs);
            return Source::Replay;
        }
        let window = connection.cursor..connection.barrier.unwrap_or(until);
        if window.is_empty() {
            return Source::Nothing;
        }
        let is_fresh = window == self.pass.fresh;
        let has_news = |stream| match is_fresh {
            true => self.pass.has_news(stream),
            false => self.view.newest(stream).is_some_and(|newest| newest >= window.start),
        };
        let broadcast = has_news(crate::log::StreamId::BROADCAST);
        let mut news = connection.subscriptions.iter().filter(|subscription| has_news(subscription.stream));
        let (one, several) = (news.next(), news.next().is_some());
        if one.is_none() && !broadcast {
            return Source::Nothing;
        }
        let is_late = |since: Position| since > window.start;
        if several || is_late(connection.since) || one.is_some_and(|subscription| is_late(subscription.since)) {
            self.view.gather(connection.reader(), window, MAX_RUNS, MAX_BYTES, &mut self.pass.runs);
            return Source::Own;
        }
        let shared = &mut self.pass.shared;
        let key = (connection.format, window.clone(), broadcast, one.map(|subscription| subscription.stream));
        if shared.key.as_ref() != Some(&key) {
            let subscriptions = one.map(std::slice::from_ref).unwrap_or_default();
            let reader = Reader { format: connection.format, since: window.start, subscriptions };
            self.view.gather(reader, window, MAX_RUNS, MAX_BYTES, &mut shared.runs);
            shared.key = Some(key);
        }
        Source::Shared
    }

    fn on_blocked(&mut self, slot: usize, taken: usize) {
        let now = Instant::now();
        let Some(key) = self.table.key(slot) else { return };
        let first_look = self.config.slow_age.min(self.config.write_timeout);
        let newest = self.view.tip().newest;
        let Some(connection) = self.table.get(slot) else { return };
        connection.blocked = true;
        if taken > 0 || connection.stalled.is_none() {
            connection.stalled = Some(now);
        }
        // From now on the cursor counts: the passes to come go by without this connection.
        connection.lagging |= connection.is_open();
        connection.owed = self.view.offset(connection.cursor).unwrap_or(newest);
        if !std::mem::replace(&mut connection.watched, true) {
            self.deadlines.add(now + first_look, key, Due::Stalled);
            let waiting =
                connection.direct_pending() as u64 + self.view.bytes_between(connection.cursor, self.view.head());
            self.note(slot, What::Blocked(waiting));
        }
    }

    fn on_write_error(&mut self, slot: usize, error: &std::io::Error) {
        if let Some(connection) = self.table.get(slot) {
            tracing::debug!(%error, connection = connection.identity.connection, "peer is gone");
        }
        self.note_stop(slot, By::Network, NO_CLOSE_FRAME, format!("writing failed: {}", error.kind()));
        self.remove(slot);
    }
}

/// Books `taken` bytes on the connection's own frames; returns what is left of them for the runs.
fn sent_own(connection: &mut Connection, taken: usize) -> usize {
    let mut left = taken;
    if let Some(rest) = connection.rest.take() {
        let n = left.min(rest.data().len());
        left -= n;
        connection.rest = rest.advance(n).map(Box::new);
    }
    let n = left.min(connection.direct_pending());
    connection.direct_sent += n;
    left -= n;
    if connection.direct_pending() == 0 {
        connection.direct = Vec::new();
        connection.direct_sent = 0;
    } else if connection.direct_sent > connection.direct_pending() {
        // A peer that is never quite done would otherwise make us keep all it ever got.
        connection.direct.drain(..connection.direct_sent);
        connection.direct_sent = 0;
    }
    left
}
