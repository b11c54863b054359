//! Slow clients: how far behind is too far, and what happens then.
//!
//! A blocked connection costs nothing but its cursor. It is too far behind when more than `slow_client.max_pending` bytes wait for it or the oldest has
//! waited longer than `slow_client.max_age`; then the policy decides. A peer that takes *nothing* for `server.write_timeout` is closed
//! whatever the policy: it is gone, not slow.

use std::time::Instant;

use super::config::SlowPolicy;
use super::connection::{Connection, Missed};
use super::deadline::Due;
use super::turn::Core;
use crate::log::{Position, Reader, Runs};
use crate::protocol::{CloseCode, GapReason, Offset};

fn reader(connection: &Connection) -> Reader<'_> {
    Reader { format: connection.format, since: connection.since, subscriptions: &connection.subscriptions }
}

impl Core {
    /// Called when a pass meets a blocked connection: cheap, unless much came since the last look.
    pub(super) fn check_slow(&mut self, slot: usize) {
        let head = self.view.head();
        let limit = self.config.slow_bytes;
        let Some(connection) = self.table.get(slot) else { return };
        if !connection.is_open() || connection.ahead.is_some() {
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
        self.view.gather(reader(connection), connection.cursor..head, usize::MAX, limit + 1, &mut runs);
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
        if connection.stalled.is_some_and(|since| now.duration_since(since) >= write_timeout) {
            // A close frame would never get through; whatever is buffered in the kernel is the last the peer gets.
            self.close(slot, CloseCode::WriteTimeout, "peer takes nothing within server.write_timeout");
            return self.remove(slot);
        }
        if connection.is_open() && connection.ahead.is_none() {
            let mut next = Runs::default();
            self.view.gather(reader(connection), connection.cursor.max(self.view.first())..head, 1, 1, &mut next);
            let oldest = next.first().and_then(|position| self.view.published(position));
            if oldest.is_some_and(|at| now.duration_since(at) > slow_age) {
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
        let head = self.view.head();
        let first = self.view.first();
        let Some(connection) = self.table.get(slot) else { return };
        if self.config.slow_policy == SlowPolicy::Kick {
            self.stats.slow_kicked.inc();
            return self.close(slot, CloseCode::SlowClient, "too far behind (slow_client.policy is kick)");
        }
        let is_whole = connection.cursor >= first;
        let from = connection.cursor.max(first);
        let count = self.view.count(reader(connection), from..head);
        let offset = |position: Position| self.view.offset(position).unwrap_or(self.view.tip().newest);
        let (first_missed, last_missed) = (offset(from), offset(head.saturating_sub(1)));
        connection.cursor = head;
        if count > 0 || !is_whole {
            self.stats.slow_dropped.inc();
            self.gap(slot, first_missed, last_missed, is_whole.then_some(count), GapReason::SlowClient);
        }
    }

    /// Notes what the connection will not get; it is told with the next bytes it takes.
    pub(super) fn gap(&mut self, slot: usize, from: Offset, to: Offset, count: Option<u64>, reason: GapReason) {
        self.stats.gaps.inc(reason.name());
        let Some(connection) = self.table.get(slot) else { return };
        let missed = match connection.missed.take() {
            Some(earlier) => Missed {
                from: earlier.from,
                to,
                count: earlier.count.zip(count).map(|(a, b)| a + b),
                reason: earlier.reason,
            },
            None => Missed { from, to, count, reason },
        };
        connection.missed = Some(Box::new(missed));
        self.enqueue(slot);
    }

    /// This shard itself was so slow that the log trimmed entries it had not seen: nobody on it gets them.
    pub(super) fn all_missed(&mut self, missed: u64, from: Position) {
        tracing::warn!(missed, "shard fell behind the log's retention");
        let to = self.view.offset(from).unwrap_or_default();
        for slot in self.table.slots() {
            if let Some(connection) = self.table.get(slot) {
                connection.cursor = connection.cursor.max(from);
                self.gap(slot, to, to, None, GapReason::Expired);
            }
        }
    }
}
