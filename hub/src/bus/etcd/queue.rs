//! What waits for the next transaction: bounded in number and bytes, in the order of publishing.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::pending::Promise;
use crate::bus::batch::{FRAME_BYTES, entry_bytes};
use crate::bus::{BusMetrics, Partition, PublishError, Receipt};
use crate::protocol::{Offset, Publication, Target};

/// etcd takes 128 operations a transaction; one is the fence's, one the broadcast key's.
const MAX_CLIENTS: usize = 126;

/// One publication that was accepted.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) publication: Publication,
    pub(crate) promise: Promise,
    size: usize,
}

impl Waiting {
    /// Says how it went.
    pub(crate) fn resolve(self, result: Result<Offset, PublishError>) {
        self.promise.resolve(result);
    }
}

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
    /// Largest value of one transaction's keys together.
    pub(crate) batch_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Queue {
    limits: QueueLimits,
    metrics: Arc<BusMetrics>,
    arrived: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits, metrics: Arc<BusMetrics>) -> Self {
        Self { limits, metrics, arrived: Notify::new(), state: Mutex::default() }
    }

    /// Takes a publication, or says at once why not.
    pub(crate) fn push(&self, publication: Publication, promise: Promise) {
        if let Err(refused) = self.try_push(publication, promise) {
            let (promise, error) = *refused;
            self.metrics.failed.add(1);
            promise.resolve(Err(error));
        }
    }

    fn try_push(&self, publication: Publication, promise: Promise) -> Result<(), Box<(Promise, PublishError)>> {
        let size = entry_bytes(&publication);
        let limit = self.limits.batch_bytes.saturating_sub(FRAME_BYTES);
        let mut state = self.state();
        let error = if size > limit {
            PublishError::TooLarge { size, limit }
        } else if state.closed {
            PublishError::Closed
        } else if state.waiting.len() >= self.limits.count || state.bytes + size > self.limits.bytes {
            PublishError::QueueFull
        } else {
            state.bytes += size;
            state.waiting.push_back(Waiting { publication, promise, size });
            self.measure(&state);
            drop(state);
            self.arrived.notify_one();
            return Ok(());
        };
        Err(Box::new((promise, error)))
    }

    /// Waits until something is there; `false` when it is closed and empty.
    pub(crate) async fn filled(&self) -> bool {
        loop {
            {
                let state = self.state();
                if !state.waiting.is_empty() || state.closed {
                    return !state.waiting.is_empty();
                }
            }
            self.arrived.notified().await;
        }
    }

    /// As much as fits in one transaction, oldest first.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        let mut state = self.state();
        let mut clients = HashSet::new();
        let mut bytes = FRAME_BYTES;
        let mut taken = 0;
        for waiting in &state.waiting {
            let mut more = waiting.size;
            if let Target::Client(client) = &waiting.publication.target
                && !clients.contains(client.as_str())
            {
                if clients.len() == MAX_CLIENTS {
                    break;
                }
                more += FRAME_BYTES;
                clients.insert(client.as_str());
            }
            if taken > 0 && bytes + more > self.limits.batch_bytes {
                break;
            }
            bytes += more;
            taken += 1;
        }
        drop(clients);
        let batch: Vec<_> = state.waiting.drain(..taken).collect();
        state.bytes -= batch.iter().map(|waiting| waiting.size).sum::<usize>();
        self.measure(&state);
        batch
    }

    /// Puts back in front what was taken and certainly not published, oldest first. The bounds were kept when it came.
    pub(crate) fn put_back(&self, publications: Vec<(Publication, Promise)>) {
        let mut state = self.state();
        for (publication, promise) in publications.into_iter().rev() {
            let size = entry_bytes(&publication);
            state.bytes += size;
            state.waiting.push_front(Waiting { publication, promise, size });
        }
        self.measure(&state);
        drop(state);
        self.arrived.notify_one();
    }

    /// Takes out what waited too long.
    pub(crate) fn expired(&self, now: Instant) -> Vec<Waiting> {
        self.extract(|waiting| waiting.promise.deadline <= now)
    }

    /// A publisher repeats what is kept already, by sender and key: its new receipt takes the place of the first one, which is returned. Repeating
    /// so fills no buffer. The receipt comes back when nothing of the kind is kept.
    pub(crate) fn supersede(&self, publication: &Publication, receipt: Receipt) -> Result<Receipt, Receipt> {
        if publication.key.is_none() {
            return Err(receipt);
        }
        let is_same = |waiting: &&mut Waiting| {
            let kept = &waiting.publication;
            waiting.promise.place.is_some() && kept.key == publication.key && kept.from == publication.from
        };
        match self.state().waiting.iter_mut().find(is_same) {
            Some(waiting) => Ok(std::mem::replace(&mut waiting.promise.receipt, receipt)),
            None => Err(receipt),
        }
    }

    /// Takes out, newest first, what is kept beyond what the policies say now.
    pub(crate) fn trim(&self, policy: impl Fn(&Target) -> Partition) -> Vec<(Waiting, PublishError)> {
        let mut state = self.state();
        let excess = |waiting: &Waiting| {
            let place = waiting.promise.place.as_ref()?;
            match policy(&waiting.publication.target) {
                Partition::Buffer(limits) => place.excess(limits),
                Partition::FailClosed => Some(PublishError::Degraded("the policy of the room changed".to_owned())),
                Partition::LocalOnly => None,
            }
        };
        let mut refused = Vec::new();
        for mut waiting in std::mem::take(&mut state.waiting).into_iter().rev() {
            match excess(&waiting) {
                Some(error) => {
                    state.bytes -= waiting.size;
                    // Now, not with the receipt: the next one is judged by what is left.
                    waiting.promise.place = None;
                    refused.push((waiting, error));
                }
                None => state.waiting.push_front(waiting),
            }
        }
        self.measure(&state);
        refused
    }

    /// Takes out what `which` says, whole order kept.
    pub(crate) fn extract(&self, mut which: impl FnMut(&Waiting) -> bool) -> Vec<Waiting> {
        let mut state = self.state();
        if !state.waiting.iter().any(&mut which) {
            return Vec::new();
        }
        let (out, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut state.waiting).into_iter().partition(|w| which(w));
        state.waiting = kept.into();
        state.bytes -= out.iter().map(|waiting| waiting.size).sum::<usize>();
        self.measure(&state);
        out
    }

    /// Takes nothing more; what is inside stays for the publisher.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Number and bytes waiting.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len(), state.bytes)
    }

    fn measure(&self, state: &State) {
        self.metrics.queued.set(state.waiting.len() as u64);
        self.metrics.queued_bytes.set(state.bytes as u64);
    }

    /// A std mutex: held for a push or a drain, never across an await. Every state under it is whole, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
