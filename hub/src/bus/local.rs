//! The bus of a single hub: publishing is appending.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;

use super::{BusHealth, Delivery, Inlet, MessageBus, PublishError, Receipt, Seen, SeenLimits};
use crate::protocol::{Epoch, Mode, Offset, Publication};

/// Appends in the caller's thread, in the order of the callers; offsets are `1-0`, `2-0`, ...
///
/// Its history does not outlive the process, and its epoch, random at each start, says so.
pub struct LocalBus {
    epoch: Epoch,
    inlet: Arc<dyn Inlet>,
    state: Mutex<State>,
}

/// A std mutex, held over the append: it is what makes one order out of several shards.
struct State {
    sequence: u64,
    seen: Seen,
    closed: bool,
}

impl LocalBus {
    /// A bus with an epoch of its own, which it announces to `inlet` at once.
    pub fn new(inlet: Arc<dyn Inlet>, limits: SeenLimits) -> Self {
        let epoch = Epoch::from(fastrand::u64(..));
        inlet.deliver(Delivery::Epoch { epoch: epoch.clone(), since: Offset::ZERO, past: Offset::ZERO });
        inlet.deliver(Delivery::Mode { mode: Mode::Normal, reason: String::new() });
        Self { epoch, inlet, state: Mutex::new(State { sequence: 0, seen: Seen::new(limits), closed: false }) }
    }

    fn append(&self, publication: Publication) -> Result<Offset, PublishError> {
        let mut state = self.state();
        if state.closed {
            return Err(PublishError::Closed);
        }
        let offset = Offset::new(state.sequence + 1, 0);
        if let Err(first) = state.seen.insert(&publication, offset, Instant::now()) {
            return Ok(first);
        }
        state.sequence += 1;
        self.inlet.deliver(Delivery::Publications(vec![(offset, publication)]));
        Ok(offset)
    }

    /// A panic while appending leaves the sequence one ahead at worst: holes are allowed, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MessageBus for LocalBus {
    fn publish(&self, publication: Publication, receipt: Receipt) {
        // The lock is gone before the receipt is told: its callback may publish again.
        let result = self.append(publication);
        receipt.resolve(result);
    }

    fn health(&self) -> BusHealth {
        BusHealth { delivering: !self.state().closed, ..BusHealth::default() }
    }

    fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.state().closed = true;
        Box::pin(std::future::ready(()))
    }
}

impl std::fmt::Debug for LocalBus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LocalBus").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
