//! The end of the bus: one order into the log, from the watch and from local-only publishers alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::order::Group;
use crate::bus::{BusMetrics, Delivery, Inlet, LOCAL_ONLY_MINOR, Seen, SeenLimits};
use crate::protocol::{Epoch, GapReason, Mode, Offset, Publication};

/// Hub processes whose newest batch is remembered; the one silent for longest is forgotten first.
const MAX_WRITERS: usize = 4096;

/// Delivers, and drops what was delivered before.
pub(crate) struct Sink {
    inlet: Arc<dyn Inlet>,
    metrics: Arc<BusMetrics>,
    state: Mutex<State>,
}

struct State {
    epoch: Epoch,
    /// The newest offset delivered or declared missing.
    newest: Offset,
    seen: Seen,
    /// The past of the epoch is still being delivered.
    catching_up: bool,
    /// By writer: counter and revision of its newest batch.
    writers: HashMap<u64, (u64, u64)>,
}

/// What became of the publications of this hub's own batch: by index, the offset each is delivered at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) counter: u64,
    pub(crate) revision: u64,
    pub(crate) offsets: Vec<(u32, Offset)>,
}

impl Sink {
    pub(crate) fn new(inlet: Arc<dyn Inlet>, metrics: Arc<BusMetrics>, limits: SeenLimits) -> Self {
        let state = State {
            epoch: Epoch::from(0),
            newest: Offset::ZERO,
            seen: Seen::new(limits),
            catching_up: false,
            writers: HashMap::new(),
        };
        Self { inlet, metrics, state: Mutex::new(state) }
    }

    /// A new life of the log: what follows comes after revision `since` of `epoch`, which stands at `head`. When it replaces another one
    /// under live connections (`is_change`), they get all of it, and are told that they miss what lies before; else what is there already
    /// is not for them.
    pub(crate) fn begin(&self, epoch: Epoch, since: u64, head: u64, is_change: bool) {
        let mut state = self.state();
        state.epoch = epoch.clone();
        state.newest = end_of(since);
        state.seen.clear();
        state.writers.clear();
        let past = if is_change { state.newest } else { end_of(head).max(state.newest) };
        state.catching_up = past > state.newest;
        self.inlet.deliver(Delivery::Epoch { epoch, since: state.newest, past });
        if is_change {
            self.metrics.gaps.add(1);
            let (from, to) = (Offset::ZERO, state.newest);
            self.inlet.deliver(Delivery::Gap { from, to, reason: GapReason::EpochChanged });
        }
    }

    /// The watch has come to the revision at which the epoch began.
    pub(crate) fn caught_up(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.catching_up) {
            self.inlet.deliver(Delivery::CaughtUp);
        }
    }

    /// Delivers groups in order and returns what became of the batches of writer `own`.
    pub(crate) fn deliver(&self, groups: Vec<Group>, own: u64) -> Vec<Returned> {
        let mut state = self.state();
        let mut returned = Vec::new();
        let mut list = Vec::new();
        let now = Instant::now();
        for group in groups {
            if state.is_repeated(&group) {
                self.metrics.duplicates.add(group.publications.len() as u64);
                continue;
            }
            self.metrics.delivered_bytes.add(group.bytes);
            let mut offsets = Vec::new();
            for (minor, (index, publication)) in (group.first..).zip(group.publications) {
                let offset = Offset::new(group.revision, minor);
                let place = match state.seen.insert(&publication, offset, now) {
                    Ok(()) => {
                        list.push((offset, publication));
                        offset
                    }
                    Err(first) => {
                        self.metrics.duplicates.add(1);
                        first
                    }
                };
                state.newest = state.newest.max(offset);
                if group.batch.is_some_and(|batch| batch.writer == own) {
                    offsets.push((index, place));
                }
            }
            if let Some(batch) = group.batch.filter(|batch| batch.writer == own) {
                returned.push(Returned { counter: batch.counter, revision: group.revision, offsets });
            }
        }
        if !list.is_empty() {
            self.metrics.delivered.add(list.len() as u64);
            self.inlet.deliver(Delivery::Publications(list));
        }
        returned
    }

    /// Delivers on this hub only, after everything of the newest revision and before the next one.
    pub(crate) fn deliver_here(&self, publication: Publication) -> Offset {
        let mut state = self.state();
        let minor = state.newest.minor.max(LOCAL_ONLY_MINOR - 1).saturating_add(1);
        let offset = Offset::new(state.newest.major, minor);
        if let Err(first) = state.seen.insert(&publication, offset, Instant::now()) {
            self.metrics.duplicates.add(1);
            return first;
        }
        state.newest = offset;
        self.metrics.local_only.add(1);
        self.inlet.deliver(Delivery::Publications(vec![(offset, publication)]));
        offset
    }

    /// What lies between the newest delivery and `until` (a revision, included) is lost.
    pub(crate) fn gap(&self, until: u64, reason: GapReason) {
        let mut state = self.state();
        let from = Offset::new(state.newest.major + 1, 0);
        let to = end_of(until);
        if to < from {
            return;
        }
        state.newest = to;
        self.metrics.gaps.add(1);
        tracing::warn!(%from, %to, reason = reason.name(), "messages are lost to this hub");
        self.inlet.deliver(Delivery::Gap { from, to, reason });
    }

    /// Everything up to `revision` was delivered, although the last of it was no message.
    pub(crate) fn progress(&self, revision: u64) {
        let mut state = self.state();
        state.newest = state.newest.max(end_of(revision));
    }

    pub(crate) fn mode(&self, mode: Mode, reason: &str) {
        let _in_order = self.state();
        self.inlet.deliver(Delivery::Mode { mode, reason: reason.to_owned() });
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.state().epoch.clone()
    }

    /// Where a publication with the same sender and key was delivered.
    pub(crate) fn find(&self, publication: &Publication) -> Option<Offset> {
        publication.key.as_ref()?;
        self.state().seen.find(publication)
    }

    /// A std mutex, held over the delivery: two sources, one order. Nothing under it waits.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether this very batch was delivered before: an attempt that timed out, and was committed all the same, was repeated.
    fn is_repeated(&mut self, group: &Group) -> bool {
        let Some(batch) = group.batch else { return false };
        match self.writers.get_mut(&batch.writer) {
            Some((counter, _)) if *counter >= batch.counter => return true,
            Some(newest) => *newest = (batch.counter, group.revision),
            None => {
                if self.writers.len() >= MAX_WRITERS {
                    let oldest =
                        self.writers.iter().min_by_key(|(_, (_, revision))| *revision).map(|(writer, _)| *writer);
                    oldest.and_then(|oldest| self.writers.remove(&oldest));
                }
                self.writers.insert(batch.writer, (batch.counter, group.revision));
            }
        }
        false
    }
}

/// After the last offset that revision can have, local-only ones excepted.
fn end_of(revision: u64) -> Offset {
    Offset::new(revision, LOCAL_ONLY_MINOR - 1)
}

#[cfg(test)]
mod tests;
