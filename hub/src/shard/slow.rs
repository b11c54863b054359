//! Slow clients: how far behind is too far, and what happens then.
//!
//! A blocked connection costs nothing but its cursor. It is too far behind when more than `slow_client.max_pending` bytes wait for it or the oldest has
//! waited longer than `slow_client.max_age`; then the policy decides. A peer that takes *nothing* for `server.write_timeout` is closed
//! whatever the policy: it is gone, not slow.

use std::time::Instant;

use super::config::SlowPolicy;
use super::connection::Missed;
use super::deadline::Due;
use super::turn::Core;
use crate::blackbox::{self, What};
use crate::log::{Position, Runs, Signal};
use crate::protocol::{CloseCode, GapReason, HubMessage, Offset};

impl Core {
    /// Called when a pass meets a blocked connection: cheap, unless much came since the last look.
    pub(super) fn check_slow(&mut self, slot: usize) {
        let head = self.view.head();
        let limit = self.config.slow_bytes;
        let Some(connection) = self.table.get(slot) else { return };
        if !connection.follows_log() {
            return;
        }
        if connection.cursor < self.view.first() {
            return self.fall_behind(slot);
        }
        let news = self.view.bytes_between(connection.looked_at.max(connection.cursor), head);
        if news <= limit as u64 / 8 {
            return;
        }
        connection.looked_at = head;
        let mut runs = Runs::default();
        self.view.gather(connection.reader(), connection.cursor..head, usize::MAX, limit + 1, &mut runs);
        if runs.bytes() > limit {
            self.fall_behind(slot);
        }
    }

    /// The deadline of a blocked connection.
    pub(super) fn on_stalled(&mut self, slot: usize, now: Instant) {
        let (write_timeout, slow_age) = (self.config.write_timeout, self.config.slow_age);
        let head = self.view.head();
        let Some(key) = self.table.key(slot) else { return };
        let Some(connection) = self.table.get(slot) else { return };
        connection.watched = false;
        if !connection.blocked {
            return;
        }
        if connection.stalled.is_some_and(|since| now.duration_since(since) >= write_timeout) {
            // A close frame would never get through; whatever is buffered in the kernel is the last the peer gets.
            self.close(slot, CloseCode::WriteTimeout, "peer takes nothing within server.write_timeout");
            return self.remove(slot);
        }
        if connection.follows_log() {
            let mut next = Runs::default();
            let from = connection.cursor.max(self.view.first());
            self.view.gather(connection.reader(), from..head, 1, 1, &mut next);
            let kept = connection.replay.first().copied().filter(|_| connection.kept);
            let oldest = kept.or(next.first()).and_then(|position| self.view.published(position));
            if from > connection.cursor || oldest.is_some_and(|at| now.duration_since(at) > slow_age) {
                self.fall_behind(slot);
            }
        }
        if let Some(connection) = self.table.find(key)
            && connection.blocked
        {
            connection.watched = true;
            self.deadlines.add(now + slow_age.min(write_timeout) / 2, key, Due::Stalled);
        }
    }

    /// The connection is too far behind: the policy is carried out.
    pub(super) fn fall_behind(&mut self, slot: usize) {
        if !self.table.get(slot).is_some_and(|connection| connection.follows_log()) {
            return;
        }
        if self.config.slow_policy == SlowPolicy::Kick {
            self.stats.slow_kicked.inc();
            return self.close(slot, CloseCode::SlowClient, "too far behind (slow_client.policy is kick)");
        }
        // Offsets of two epochs must not stand in one gap: era by era, with the new welcome between.
        loop {
            let is_last = self.table.get(slot).is_none_or(|connection| connection.barrier.is_none());
            if is_last && self.config.slow_policy == SlowPolicy::Conflate {
                return self.conflate(slot);
            }
            if !self.skip_era(slot) {
                return;
            }
            self.write_notices(slot);
            self.greet_again(slot);
        }
    }

    /// Moves the cursor to the barrier or else to the head, and notes what is skipped. `true`: it stands at a barrier.
    fn skip_era(&mut self, slot: usize) -> bool {
        let (first, head) = (self.view.first(), self.view.head());
        let Some(connection) = self.table.get(slot) else { return false };
        let until = connection.barrier.unwrap_or(head);
        let replayed = std::mem::take(&mut connection.replay);
        let from = connection.cursor.max(first).min(until);
        let is_whole = connection.cursor >= first && replayed.first().is_none_or(|position| *position >= first);
        let count = self.view.count(connection.reader(), from..until) + replayed.len() as u64;
        let known = |position: Position| self.view.offset(position);
        let first_missed = match replayed.is_empty() {
            false => connection.replay_after,
            true if is_whole => known(from).unwrap_or(connection.owed),
            true => connection.owed,
        };
        let last_missed = until.checked_sub(1).and_then(known).or(self.view.tip().trimmed).unwrap_or(first_missed);
        let at_barrier = connection.barrier.is_some();
        let mode = self.view.mode_in(connection.cursor.max(connection.since)..until).cloned();
        connection.cursor = connection.cursor.max(until);
        if count > 0 || !is_whole {
            self.stats.slow_dropped.inc();
            self.gap(slot, first_missed, last_missed, is_whole.then_some(count), GapReason::SlowClient);
        }
        // What the hub is now, a client must know even when it missed how it came to be so.
        if let Some(Signal::Mode { mode, reason }) = mode {
            self.write_notices(slot);
            if let Some(mut session) = self.session(slot) {
                session.reply(&HubMessage::Mode { mode, reason: &reason });
            }
        }
        at_barrier
    }

    /// Notes what the connection will not get; it is told with the next bytes it takes.
    pub(super) fn gap(&mut self, slot: usize, from: Offset, to: Offset, count: Option<u64>, reason: GapReason) {
        self.stats.gaps.inc(reason.name());
        self.miss(slot, Missed { from, to, count, reason, conflated: 0, until: None });
    }

    /// Adds to what the connection has to be told.
    pub(super) fn miss(&mut self, slot: usize, new: Missed) {
        let Some(connection) = self.table.get(slot) else { return };
        let Missed { from, to, count, reason, .. } = new;
        let missed = match connection.missed.take() {
            Some(earlier) => Missed {
                from: earlier.from,
                to: new.to.max(earlier.to),
                count: earlier.count.zip(new.count).map(|(a, b)| a + b),
                reason: if earlier.count == Some(0) { new.reason } else { earlier.reason },
                conflated: earlier.conflated + new.conflated,
                until: new.until.or(earlier.until),
            },
            None => new,
        };
        connection.missed = Some(Box::new(missed));
        self.note(slot, What::Gap(Box::new(blackbox::Missed { from, to, count, reason })));
        self.enqueue(slot);
    }

    /// Entries that a connection asked for have been trimmed before it took them.
    pub(super) fn trim_replay(&mut self, slot: usize) {
        let first = self.view.first();
        let Some(connection) = self.table.get(slot) else { return };
        let lost = connection.replay.partition_point(|position| *position < first);
        if lost == 0 {
            return;
        }
        connection.replay.drain(..lost);
        let from = connection.replay_after;
        let to = self.view.tip().trimmed.unwrap_or(from);
        self.gap(slot, from, to, Some(lost as u64), GapReason::Expired);
    }

    /// This shard itself was so slow that the log trimmed entries before it could hand them out: nobody on it gets them, except for
    /// those that lag anyway, whose cursors are judged one by one.
    pub(super) fn all_missed(&mut self) {
        let first = self.view.first();
        let missed = first - self.pass.fresh.start;
        tracing::warn!(missed, "shard fell behind the log's retention");
        self.pass.fresh.start = first;
        let from = self.pass.handed;
        let to = self.view.tip().trimmed.unwrap_or(from);
        for slot in self.table.slots() {
            let Some(connection) = self.table.get(slot) else { continue };
            if connection.follows_log() && !connection.lagging && connection.since < first {
                self.gap(slot, from, to, None, GapReason::Expired);
            }
        }
    }
}
