//! Changing the bus under live connections: cluster on, cluster off, other etcd.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use futures::future::BoxFuture;

use super::{BusHealth, MessageBus, PublishError, Receipt};
use crate::protocol::{Epoch, Mode, Publication};

/// What may wait while one bus is closed and the next one started; above it publishers are told `QueueFull`.
const MAX_HELD: usize = 65_536;
const MAX_HELD_BYTES: usize = 16 << 20;

/// The bus everybody else holds; the one inside may be replaced.
///
/// The old bus is closed first (what it accepted is delivered and resolved), then the new one is made; two never deliver at once. What is
/// published meanwhile is held and goes, in order, to the new one.
pub struct Switch {
    slot: ArcSwap<Slot>,
    /// One change at a time.
    changing: tokio::sync::Semaphore,
}

enum Slot {
    Bus(Arc<dyn MessageBus>),
    Changing(Held),
}

struct Held {
    epoch: Epoch,
    /// `None` once it went to the new bus.
    queue: Mutex<Option<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    list: Vec<(Publication, Receipt)>,
    bytes: usize,
}

impl Held {
    fn queue(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    /// Starts with `bus`.
    pub fn new(bus: Arc<dyn MessageBus>) -> Self {
        Self { slot: ArcSwap::from_pointee(Slot::Bus(bus)), changing: tokio::sync::Semaphore::new(1) }
    }

    /// Closes the bus inside and puts in what `make` makes. Bounded by the old bus's [`close`](MessageBus::close).
    pub async fn replace(&self, make: impl FnOnce() -> Arc<dyn MessageBus>) {
        let _one_at_a_time = self.changing.acquire().await;
        let held = Held { epoch: self.epoch(), queue: Mutex::new(Some(Waiting::default())) };
        let changing = Arc::new(Slot::Changing(held));
        let old = self.slot.swap(Arc::clone(&changing));
        if let Slot::Bus(bus) = &*old {
            bus.close().await;
        }
        let bus = make();
        if let Slot::Changing(held) = &*changing {
            let mut queue = held.queue();
            for (publication, receipt) in queue.take().unwrap_or_default().list {
                bus.publish(publication, receipt);
            }
            // Under the queue's lock: who finds the queue gone finds the new bus in the slot.
            self.slot.store(Arc::new(Slot::Bus(bus)));
        }
    }
}

impl MessageBus for Switch {
    fn publish(&self, publication: Publication, receipt: Receipt) {
        loop {
            match &**self.slot.load() {
                Slot::Bus(bus) => return bus.publish(publication, receipt),
                Slot::Changing(held) => {
                    if let Some(queue) = &mut *held.queue() {
                        let size = publication.size_hint();
                        if queue.list.len() < MAX_HELD && queue.bytes + size <= MAX_HELD_BYTES {
                            queue.bytes += size;
                            queue.list.push((publication, receipt));
                        } else {
                            receipt.resolve(Err(PublishError::QueueFull));
                        }
                        return;
                    }
                }
            }
        }
    }

    fn health(&self) -> BusHealth {
        match &**self.slot.load() {
            Slot::Bus(bus) => bus.health(),
            Slot::Changing(held) => {
                let (queued, queued_bytes) = held.queue().as_ref().map_or((0, 0), |it| (it.list.len(), it.bytes));
                BusHealth {
                    delivering: false,
                    mode: Mode::Degraded,
                    queued,
                    queued_bytes,
                    last_error: Some("the bus is being changed".to_owned()),
                    ..BusHealth::default()
                }
            }
        }
    }

    fn epoch(&self) -> Epoch {
        match &**self.slot.load() {
            Slot::Bus(bus) => bus.epoch(),
            Slot::Changing(held) => held.epoch.clone(),
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let _one_at_a_time = self.changing.acquire().await;
            let slot = self.slot.load_full();
            if let Slot::Bus(bus) = &*slot {
                bus.close().await;
            }
        })
    }
}

impl std::fmt::Debug for Switch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Switch").field("epoch", &self.epoch()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
