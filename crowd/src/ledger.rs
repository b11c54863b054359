//! What was published and acked: what every client has a right to.

use gohub::protocol::{Epoch, Offset};
use serde::Serialize;

/// Whom a publication is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every connection.
    Everybody,
    /// Who is in this room.
    Room(String),
    /// This client.
    Client(String),
}

impl Audience {
    /// Whether it is for a client of this name in this room.
    #[must_use]
    pub fn has(&self, client: &str, room: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Room(name) => name == room,
            Self::Client(name) => name == client,
        }
    }
}

/// One publication that the hub acked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// The life of the log that the offset belongs to.
    pub epoch: Epoch,
    /// Its place in the total order.
    pub offset: Offset,
    /// The publishers' own number of it: no two have the same.
    pub number: u64,
    /// Whom it is for.
    pub to: Audience,
}

/// What the publishers did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// What was acked, in each publisher's order.
    #[serde(skip)]
    pub acked: Vec<Acked>,
    /// Refusals that asked for another try.
    pub refused: u64,
    /// Messages to a client that no hub knew at that moment: refused for good, and owed to nobody.
    pub nobody_there: u64,
    /// Publications that were sent again on another connection because no answer came.
    pub repeated: u64,
    /// Connections that ended under it.
    pub reconnects: u64,
    /// The longest wait from the first try to the ack, in milliseconds.
    pub slowest_ack_ms: u64,
    /// Why one gave up, if it did.
    pub gave_up: Option<String>,
}

impl Ledger {
    /// The books of all publishers as one.
    #[must_use]
    pub fn merged(ledgers: impl IntoIterator<Item = Self>) -> Self {
        ledgers.into_iter().fold(Self::default(), |mut all, one| {
            all.acked.extend(one.acked);
            all.refused += one.refused;
            all.nobody_there += one.nobody_there;
            all.repeated += one.repeated;
            all.reconnects += one.reconnects;
            all.slowest_ack_ms = all.slowest_ack_ms.max(one.slowest_ack_ms);
            all.gave_up = all.gave_up.or(one.gave_up);
            all
        })
    }
}
