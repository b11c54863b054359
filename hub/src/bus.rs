//! The bus: the one way that a publication takes into the log, with one total order for everybody.
//!
//! ```text
//! dispatcher -- publish(publication, receipt) --> MessageBus
//!                                                    | LocalBus: at once, in the caller's thread
//!                                                    | EtcdBus:  Put -> etcd -> Watch
//! log <-- Inlet::deliver(Delivery) <-----------------+--> receipt: Ok(offset) | Err(why)
//! ```
//!
//! A bus knows no shard and no connection: what it delivers goes through an [`Inlet`], which the
//! app implements for the log's appender. The delivery contract stands at [`MessageBus`].

mod batch;
mod delivery;
mod error;
pub mod etcd;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
mod local;
mod metrics;
mod partition;
mod receipt;
mod seen;
mod switch;

use futures::future::BoxFuture;

#[cfg(any(test, fuzzing))]
pub(crate) use batch::fuzz;
pub use delivery::{Delivery, Inlet, LOCAL_ONLY_MINOR, is_local_only};
pub use error::PublishError;
pub use etcd::{EtcdBus, EtcdParts};
pub use health::{BusHealth, BusHop};
pub use local::LocalBus;
pub use metrics::{BusMetrics, BusObserver, Figure, NoObserver};
pub use partition::{BufferLimits, Partition};
pub use receipt::Receipt;
pub use seen::{Seen, SeenLimits};
pub use switch::Switch;

use crate::protocol::{Epoch, Publication};

/// A total order of publications, shared by everybody on the same bus.
///
/// The contract, which every implementation keeps:
///
/// * **Order.** Within one [`Epoch`] deliveries come in growing [`Offset`](crate::protocol::Offset)s, and every hub
///   on the bus delivers the same publication at the same offset. What one caller publishes, one after the
///   other, is delivered in that order.
/// * **Exactly once in the log.** A bus may put a publication more than once (a timed-out attempt is
///   unknown, so it is tried again); it is delivered once. A second publication with the same
///   `(from, key)` within the [`Seen`] window is not delivered, and its receipt has the first one's offset.
/// * **The receipt.** `Ok(offset)`: the publication is durable on the bus, and every connected subscriber gets it or is
///   told of a gap. `Err`: see [`PublishError::is_certain`]; an uncertain one may still be delivered, so who tries again uses a `key`.
///   A receipt is resolved exactly once, in bounded time, also when the bus is broken or closed. The bound is the bus's request timeout; for a target
///   whose policy is [`Partition::Buffer`] it is that policy's age.
/// * **Gaps.** What a bus could not deliver it names by [`Delivery::Gap`]; silence is a bug.
/// * **Bounds.** `publish` never blocks and never queues without limit.
pub trait MessageBus: Send + Sync + 'static {
    /// Hands over one publication. Never waits; the receipt is resolved once, possibly before this returns.
    fn publish(&self, publication: Publication, receipt: Receipt);

    /// How the bus is. Cheap; asked by readiness probes.
    fn health(&self) -> BusHealth;

    /// The epoch of what is delivered now.
    fn epoch(&self) -> Epoch;

    /// Takes nothing more, waits until what was accepted is resolved (within the bus's own request timeout), and gives everything back.
    fn close(&self) -> BoxFuture<'_, ()>;
}
