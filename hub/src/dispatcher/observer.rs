//! Events for users of the library: who came and went, which rooms fill and empty.

use crate::protocol::{ClientId, RoomName};

/// Something happened on this hub (other hubs tell their own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubEvent {
    /// A connection is through its handshake.
    Connected {
        /// Its client.
        client: ClientId,
        /// The connection's id.
        connection: u64,
    },
    /// A connection is gone.
    Gone {
        /// Its client.
        client: ClientId,
        /// The connection's id.
        connection: u64,
    },
    /// The first connection of this hub entered a room.
    RoomOccupied {
        /// The room.
        room: RoomName,
    },
    /// The last one left it.
    RoomVacated {
        /// The room.
        room: RoomName,
    },
}

/// Is told every event, on the shard's thread: it must not wait.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn on(&self, event: &HubEvent);
}

impl<F: Fn(&HubEvent) + Send + Sync + 'static> Observer for F {
    fn on(&self, event: &HubEvent) {
        self(event);
    }
}
