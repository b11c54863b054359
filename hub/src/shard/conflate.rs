//! Conflation of a slow client: it gets the newest of each key, and is told of the rest. No part of the way of those who keep up.

use std::time::Instant;

use super::connection::Missed;
use super::turn::Core;
use crate::log::{Allowance, Position};
use crate::protocol::{GapReason, Offset};

/// Entries kept for one connection at most: their positions are the memory it costs.
const MAX_KEPT: usize = 8192;

impl Core {
    /// The connection is too far behind: what is worth sending becomes its list of older entries, and the cursor moves to the head.
    pub(super) fn conflate(&mut self, slot: usize) {
        let (first, head) = (self.view.first(), self.view.head());
        // On a clock that has not run for so long nothing is old.
        let young = Instant::now().checked_sub(self.config.slow_age).map_or(0, |at| self.view.published_after(at));
        let allowance = Allowance { bytes: self.config.slow_bytes, entries: MAX_KEPT, young };
        let Some(connection) = self.table.get(slot) else { return };
        let waiting = std::mem::take(&mut connection.replay);
        let lost = waiting.partition_point(|position| *position < first);
        let is_whole = connection.cursor >= first && lost == 0;
        let from = connection.cursor.max(first).min(head);
        let (owed, replay_after) = (connection.owed, connection.replay_after);
        let kept = self.view.conflate(connection.reader(), &waiting[lost..], from..head, allowance);
        let first_missed = match waiting.first() {
            Some(first) => self.view.offset(*first).unwrap_or(replay_after),
            None if is_whole => self.view.offset(from).unwrap_or(owed),
            None => owed,
        };
        let last = head.checked_sub(1).and_then(|last| self.view.offset(last));
        let to = last.or(self.view.tip().trimmed).unwrap_or(first_missed).max(first_missed);
        let until = kept.positions.first().map(|next| self.before(*next));
        let Some(connection) = self.table.get(slot) else { return };
        connection.cursor = connection.cursor.max(head);
        connection.lagging = true;
        connection.kept = !kept.positions.is_empty();
        connection.replay_after = until.unwrap_or_default();
        connection.replay = kept.positions;
        if kept.dropped > 0 || !is_whole {
            self.stats.slow_dropped.inc();
            self.stats.gaps.inc(GapReason::SlowClient.name());
        }
        if kept.conflated > 0 {
            self.stats.gaps.inc(GapReason::Conflated.name());
        }
        if kept.dropped > 0 || kept.conflated > 0 || !is_whole {
            let count = is_whole.then_some(kept.dropped);
            let (reason, conflated) = (GapReason::SlowClient, kept.conflated);
            self.miss(slot, Missed { from: first_missed, to, count, reason, conflated, until });
        }
        self.enqueue(slot);
    }

    /// The offset up to which everything stands before `position`, in the current epoch.
    fn before(&self, position: Position) -> Offset {
        let era = self.view.tip().eras.current();
        match position.checked_sub(1) {
            Some(last) if last >= era.start => self.view.offset(last).or(self.view.tip().trimmed).unwrap_or(era.floor),
            _ => era.floor,
        }
    }
}
