//! What was published and acked: what every client has a right to.

use gohub::protocol::{Epoch, Offset};
use serde::Serialize;

/// One publication that the hub acked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The life of the log that the offset belongs to.
    pub epoch: Epoch,
    /// Its place in the total order.
    pub offset: Offset,
    /// The publisher's own number of it, from 0.
    pub number: u64,
}

/// What the publisher did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// What was acked, in the publisher's order.
    #[serde(skip)]
    pub acked: Vec<Acked>,
    /// Refusals that asked for another try.
    pub refused: u64,
    /// Publications that were sent again on another connection because no answer came.
    pub repeated: u64,
    /// Connections that ended under it.
    pub reconnects: u64,
    /// The longest wait from the first try to the ack, in milliseconds.
    pub slowest_ack_ms: u64,
    /// Why it gave up, if it did.
    pub gave_up: Option<String>,
}
