//! Receipts of transactions that were sent: resolved when the watch returns them, or when their time is up.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::buffer::Place;
use crate::bus::{PublishError, Receipt};
use crate::protocol::Offset;

/// What a publisher was promised: an answer, by then.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) receipt: Receipt,
    pub(crate) deadline: Instant,
    /// Of a publication that is kept through an outage.
    pub(crate) place: Option<Place>,
}

impl Promise {
    pub(crate) fn resolve(self, result: Result<Offset, PublishError>) {
        // The place first: who is told may publish again at once.
        drop(self.place);
        self.receipt.resolve(result);
    }
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On its way to etcd, or about to be.
    Sent,
    /// etcd has it, and the watch has not returned it.
    Committed,
}

/// The transactions of this hub whose receipts wait, by counter.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    state: Mutex<State>,
    changed: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct State {
    batches: BTreeMap<u64, InFlight>,
    /// Counter and revision of this hub's newest transaction that the watch returned.
    returned: (u64, u64),
    /// Counter of the newest one that etcd has. What was committed may lose its receipts before the watch returns it.
    committed: u64,
}

#[derive(Debug)]
struct InFlight {
    promises: Vec<Option<Promise>>,
    /// Whether etcd may have it: after the first attempt failure is no longer certain.
    attempted: bool,
    committed: Option<(u64, Instant)>,
}

type Resolved = Vec<(Promise, Result<Offset, PublishError>)>;

impl Pending {
    /// The receipts of transaction `counter`, in the order of its publications.
    pub(crate) fn insert(&self, counter: u64, promises: Vec<Promise>) {
        let promises = promises.into_iter().map(Some).collect();
        self.state().batches.insert(counter, InFlight { promises, attempted: false, committed: None });
    }

    /// From now on the outcome is uncertain until somebody says so.
    pub(crate) fn attempted(&self, counter: u64) {
        if let Some(batch) = self.state().batches.get_mut(&counter) {
            batch.attempted = true;
        }
    }

    /// etcd has it at `revision`. The receipts still wait for the watch, which knows of duplicates, for `patience` at most.
    pub(crate) fn committed(&self, counter: u64, revision: u64, patience: Duration) {
        let mut state = self.state();
        state.committed = counter;
        if let Some(batch) = state.batches.get_mut(&counter) {
            let now = Instant::now();
            batch.committed = Some((revision, now));
            for promise in batch.promises.iter_mut().flatten() {
                promise.deadline = promise.deadline.min(now + patience);
            }
        }
    }

    /// The watch returned it. Returns how long after the commit was known, when it was.
    pub(crate) fn delivered(&self, counter: u64, revision: u64, offsets: &[(u32, Offset)]) -> Option<Duration> {
        let mut resolved = Vec::with_capacity(offsets.len());
        let lag = {
            let mut state = self.state();
            state.returned = state.returned.max((counter, revision));
            let batch = state.batches.remove(&counter);
            batch.map(|mut batch| {
                for (index, offset) in offsets {
                    let promise = batch.promises.get_mut(*index as usize).and_then(Option::take);
                    resolved.extend(promise.map(|promise| (promise, Ok(*offset))));
                }
                batch.committed.map_or(Duration::ZERO, |(_, at)| at.elapsed())
            })
        };
        self.changed.notify_waiters();
        say(resolved);
        lag
    }

    /// It is certain that none of it was or will be delivered: what was promised, by index.
    pub(crate) fn take_back(&self, counter: u64) -> Vec<Option<Promise>> {
        let batch = self.state().batches.remove(&counter);
        self.changed.notify_waiters();
        batch.map(|batch| batch.promises).unwrap_or_default()
    }

    /// Resolves the receipts whose time is up, by what is known: committed is a success even when the watch is late. Returns how many failed.
    pub(crate) fn expire(&self, now: Instant) -> usize {
        let mut resolved = Resolved::new();
        {
            let mut state = self.state();
            state.batches.retain(|_, batch| {
                for (index, slot) in (0..).zip(&mut batch.promises) {
                    if slot.as_ref().is_none_or(|promise| promise.deadline > now) {
                        continue;
                    }
                    let result = match batch.committed {
                        Some((revision, _)) => Ok(Offset::new(revision, index)),
                        None if batch.attempted => Err(PublishError::Timeout),
                        None => Err(PublishError::Unavailable("etcd does not answer".to_owned())),
                    };
                    resolved.extend(slot.take().map(|promise| (promise, result)));
                }
                batch.promises.iter().any(Option::is_some)
            });
        }
        if !resolved.is_empty() {
            self.changed.notify_waiters();
        }
        let failed = resolved.iter().filter(|(_, result)| result.is_err()).count();
        say(resolved);
        failed
    }

    /// Nobody will hear more: the bus is closed. Returns how many wait in vain.
    pub(crate) fn abandon(&self) -> usize {
        let batches = std::mem::take(&mut self.state().batches);
        let count = batches.values().map(|batch| batch.promises.iter().flatten().count()).sum();
        // A receipt that is dropped says that the bus is closed.
        drop(batches);
        self.changed.notify_waiters();
        count
    }

    /// Whether somebody still waits for transaction `counter`.
    pub(crate) fn is_waiting(&self, counter: u64) -> bool {
        self.state().batches.contains_key(&counter)
    }

    /// The revision of transaction `counter`, when the watch has returned it.
    pub(crate) fn returned(&self, counter: u64) -> Option<u64> {
        let state = self.state();
        (state.returned.0 == counter).then_some(state.returned.1)
    }

    /// How far the oldest one that is not through has come.
    pub(crate) fn oldest(&self) -> Option<Stage> {
        let state = self.state();
        if state.committed > state.returned.0 {
            return Some(Stage::Committed);
        }
        (!state.batches.is_empty()).then_some(Stage::Sent)
    }

    /// Waits until the watch returns transaction `counter`.
    pub(crate) async fn until_returned(&self, counter: u64) -> u64 {
        loop {
            let changed = self.changed.notified();
            if let Some(revision) = self.returned(counter) {
                return revision;
            }
            changed.await;
        }
    }

    /// Waits until nobody waits for anything.
    pub(crate) async fn until_empty(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state().batches.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// A std mutex, never held across an await nor while a receipt is told.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(resolved: Resolved) {
    for (promise, result) in resolved {
        promise.resolve(result);
    }
}

#[cfg(test)]
mod tests;
