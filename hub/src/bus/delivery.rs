//! What a bus delivers, and where it delivers it.

use crate::protocol::{Epoch, GapReason, Mode, Offset, Publication};

/// Set in [`Offset::minor`] of a publication that was delivered on this hub only, because the bus was
/// degraded and its room's policy is `local_only`. No regular index is that large.
///
/// Such an offset sorts after everything of the last revision this hub has seen and before the next one, so a client may resume
/// with it on any hub and misses nothing that went over the bus (docs/adr/0008).
pub const LOCAL_ONLY_MINOR: u32 = Offset::LOCAL_MINOR;

/// Whether the publication with this offset was delivered on one hub only.
pub fn is_local_only(offset: Offset) -> bool {
    offset.is_local()
}

/// One thing a bus tells the log, in the bus's order.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Publications in growing offsets.
    Publications(Vec<(Offset, Publication)>),
    /// This hub will not deliver what lies between the two offsets, both included. Delivery goes on after `to`.
    Gap {
        /// The first offset that may be missing.
        from: Offset,
        /// The last offset that may be missing.
        to: Offset,
        /// Why.
        reason: GapReason,
    },
    /// From here on offsets belong to `epoch`. The first delivery of every bus, and whenever its history was replaced.
    Epoch {
        /// The new epoch.
        epoch: Epoch,
        /// Delivery starts after this offset: whoever saw less of this epoch (on another hub) has lost what lies between.
        since: Offset,
        /// What comes up to this offset was said before this bus came: it is for those who resume, and not for who is connected. At or
        /// below `since` there is no such past; else [`Delivery::CaughtUp`] follows it.
        past: Offset,
    },
    /// Everything of the past that the last [`Delivery::Epoch`] spoke of was delivered.
    CaughtUp,
    /// The bus works normally again, or does not.
    Mode {
        /// The new mode.
        mode: Mode,
        /// For a human; no secrets.
        reason: String,
    },
}

/// Where a bus delivers: the log's appender. A bus calls it from one thread at a time, in its total order.
///
/// It must return quickly and must not call back into the bus: a slow inlet slows every hub of the cluster.
pub trait Inlet: Send + Sync {
    /// Takes the next delivery.
    fn deliver(&self, delivery: Delivery);
}
