//! What is kept for rooms with `on_partition: buffer`: how many publications of which target, and how many bytes of all.
//!
//! The publications themselves wait in the queue, in one order with all others, or in the batch that is being tried. Each has a [`Place`] here
//! from its arrival to its receipt, wherever it is meanwhile, so that the bounds hold for what this hub really keeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bus::{BufferLimits, BusMetrics, PublishError};
use crate::protocol::Target;

/// The places taken.
#[derive(Debug)]
pub(crate) struct Buffer {
    metrics: Arc<BusMetrics>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    targets: HashMap<Target, usize>,
    count: usize,
    bytes: usize,
}

/// The place of one publication; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    buffer: Arc<Buffer>,
    target: Target,
    bytes: usize,
}

impl Buffer {
    pub(crate) fn new(metrics: Arc<BusMetrics>) -> Arc<Self> {
        Arc::new(Self { metrics, state: Mutex::default() })
    }

    /// A place for a publication of so many bytes. Without limits, while the bus works, everybody gets one: the queue's bounds hold then.
    ///
    /// # Errors
    /// As much is kept as may be.
    pub(crate) fn place(
        self: &Arc<Self>,
        target: &Target,
        bytes: usize,
        limits: Option<BufferLimits>,
    ) -> Result<Place, PublishError> {
        let mut state = self.state();
        let kept = state.targets.get(target).copied().unwrap_or(0);
        if limits.is_some_and(|limits| kept >= limits.messages || state.bytes + bytes > limits.bytes) {
            self.metrics.buffer_refused.add(1);
            return Err(PublishError::BufferFull { kept });
        }
        *state.targets.entry(target.clone()).or_default() += 1;
        state.count += 1;
        state.bytes += bytes;
        self.measure(&state);
        drop(state);
        Ok(Place { buffer: Arc::clone(self), target: target.clone(), bytes })
    }

    fn measure(&self, state: &State) {
        self.metrics.buffered.set(state.count as u64);
        self.metrics.buffered_bytes.set(state.bytes as u64);
    }

    /// A std mutex, held for a look-up. Every state under it is whole, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Why this one is too much under these limits: it came while the bus worked, or the limits were larger.
    pub(crate) fn excess(&self, limits: BufferLimits) -> Option<PublishError> {
        let state = self.buffer.state();
        let kept = state.targets.get(&self.target).copied().unwrap_or(0);
        let is_over = kept > limits.messages || state.bytes > limits.bytes;
        is_over.then(|| {
            self.buffer.metrics.buffer_refused.add(1);
            PublishError::BufferFull { kept: kept.saturating_sub(1) }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.buffer.state();
        if let Some(kept) = state.targets.get_mut(&self.target) {
            *kept -= 1;
            if *kept == 0 {
                state.targets.remove(&self.target);
            }
        }
        state.count -= 1;
        state.bytes -= self.bytes;
        self.buffer.measure(&state);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::RoomName;

    fn room(name: &str) -> Target {
        Target::Room(RoomName::parse(name).unwrap())
    }

    #[test]
    fn each_target_has_its_own_bound_and_all_share_the_bytes() {
        let metrics = Arc::new(BusMetrics::default());
        let buffer = Buffer::new(Arc::clone(&metrics));
        let limits = BufferLimits { messages: 2, bytes: 100, age: Duration::MAX };
        let take = |name: &str, bytes| buffer.place(&room(name), bytes, Some(limits));
        let first = take("a", 30).expect("a place");
        let second = take("a", 30).expect("a place");
        assert_eq!(take("a", 1).err(), Some(PublishError::BufferFull { kept: 2 }), "of this room");
        let other = take("b", 40).expect("a place");
        assert_eq!(take("c", 1).err(), Some(PublishError::BufferFull { kept: 0 }), "of all");
        assert_eq!((metrics.buffered.get(), metrics.buffered_bytes.get(), metrics.buffer_refused.get()), (3, 100, 2));
        drop(second);
        let again = take("a", 30).expect("its place is free");
        let unbounded = buffer.place(&room("a"), 1, None).expect("no limits while the bus works");
        assert_eq!(unbounded.excess(limits), Some(PublishError::BufferFull { kept: 2 }));
        drop(unbounded);
        assert_eq!(again.excess(limits), None);
        drop((first, again, other));
        assert_eq!((metrics.buffered.get(), metrics.buffered_bytes.get()), (0, 0));
        assert!(buffer.state().targets.is_empty(), "a target that keeps nothing takes no memory");
    }
}
