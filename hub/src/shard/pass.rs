//! The pass: who has something to get, and the runs that many readers share.

use std::ops::Range;
use std::time::Instant;

use super::turn::Core;
use crate::log::{Position, Pulled, Runs, StreamId};
use crate::protocol::{Format, Offset};

/// What the shard remembers from pull to pass, and buffers it uses again and again.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Counts passes; a connection that has this number was seen in this one.
    pub(super) number: u64,
    /// Positions that came since the last pass.
    pub(super) fresh: Range<Position>,
    /// No entry that came since the last pass is older than this offset: who does not lag has everything up to it.
    pub(super) handed: Offset,
    /// The era of that offset.
    pub(super) handed_in: u64,
    /// When the oldest of them was published.
    since: Option<Instant>,
    /// The streams they belong to, and for each stream the pass that last had something of it.
    dirty: Vec<StreamId>,
    stamps: Vec<u64>,
    /// Runs that the next reader with the same key gets too.
    pub(super) shared: Shared,
    pub(super) runs: Runs,
    slots: Vec<u32>,
}

/// The runs of the readers who have news of the same streams only: of a broadcast, everybody.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) key: Option<(Format, Range<Position>, bool, Option<StreamId>)>,
    pub(super) runs: Runs,
}

impl Pass {
    /// For a shard that begins with what is in the log already: nobody there waits for it.
    pub(super) fn at(head: Position, newest: Offset, era: u64) -> Self {
        Self { fresh: head..head, handed: newest, handed_in: era, ..Self::default() }
    }

    /// Whether `stream` has something in the fresh positions.
    pub(super) fn has_news(&self, stream: StreamId) -> bool {
        self.stamps.get(stream.index()).is_some_and(|stamp| *stamp == self.number)
    }

    fn mark(&mut self, stream: StreamId) {
        if self.stamps.len() <= stream.index() {
            self.stamps.resize(stream.index() + 1, 0);
        }
        let stamp = &mut self.stamps[stream.index()];
        if *stamp != self.number {
            *stamp = self.number;
            self.dirty.push(stream);
        }
    }
}

impl Core {
    /// Takes in what is new in the log; it stays fresh until the next pass has handed it out.
    pub(super) fn pull(&mut self) {
        let pass = &mut self.pass;
        if pass.dirty.is_empty() && pass.fresh.is_empty() {
            // Streams are marked for the pass that is to come.
            pass.number += 1;
        }
        let Pulled { until, since, .. } = self.view.pull(&self.log, |stream| pass.mark(stream));
        if pass.fresh.is_empty() {
            pass.since = since;
        }
        pass.fresh.end = until;
        pass.shared.key = None;
        if !pass.fresh.is_empty() && pass.fresh.start < self.view.first() {
            self.all_missed();
        }
        let eras = &self.view.tip().eras;
        if let Some(at) = eras.since(self.era) {
            self.era = eras.serial();
            self.begin_era(at);
        }
    }

    pub(super) fn run_pass(&mut self) {
        self.pull();
        self.look_ahead();
        if self.queue.is_empty() && self.pass.fresh.is_empty() {
            return;
        }
        let started = Instant::now();
        for slot in std::mem::take(&mut self.queue) {
            if let Some(connection) = self.table.get(slot) {
                connection.queued = false;
                self.visit(slot);
            }
        }
        let dirty = std::mem::take(&mut self.pass.dirty);
        if dirty.contains(&StreamId::BROADCAST) {
            for slot in 0..self.table.end() {
                self.visit(slot);
            }
        } else {
            for stream in &dirty {
                // A copy, because a visit may end a connection and with it change the list.
                let mut slots = std::mem::take(&mut self.pass.slots);
                slots.clear();
                slots.extend_from_slice(self.members.of(*stream));
                for slot in &slots {
                    self.visit(*slot as usize);
                }
                self.pass.slots = slots;
            }
        }
        self.feed_probe();
        self.pass.fresh = self.view.head()..self.view.head();
        self.pass.handed = self.view.tip().newest;
        self.pass.handed_in = self.view.tip().eras.serial();
        self.pass.shared.key = None;
        self.pass.shared.runs.clear();
        self.pass.runs.clear();
        self.stats.passes.inc();
        self.stats.pass_time.observe_duration(started.elapsed());
        if let Some(since) = self.pass.since.take() {
            self.stats.fanout_latency.observe_duration(since.elapsed());
        }
    }

    fn visit(&mut self, slot: usize) {
        let number = self.pass.number;
        let fresh = self.pass.fresh.start;
        let Some(connection) = self.table.get(slot) else { return };
        if connection.visited == number {
            return;
        }
        connection.visited = number;
        if !connection.lagging {
            connection.cursor = fresh;
        }
        if connection.blocked {
            self.check_slow(slot);
        } else {
            self.flush(slot);
        }
    }
}
