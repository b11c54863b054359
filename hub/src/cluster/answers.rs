//! What this hub answers when another one asks; the app implements it over the shards.

use futures::future::BoxFuture;

use crate::inventory::{ClientInfo, Listing, NodeInfo, Page, RoomInfo};
use crate::protocol::{ClientId, RoomName};

/// Which connections are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientQuery {
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those in this room.
    pub room: Option<RoomName>,
}

/// The answers for this hub alone. They must not ask other hubs: that would go in circles.
pub trait LocalAnswers: Send + Sync + 'static {
    /// Rooms that somebody here is in.
    fn rooms(&self, page: Page) -> BoxFuture<'_, Listing<RoomInfo>>;
    /// Connections here.
    fn clients(&self, query: ClientQuery, page: Page) -> BoxFuture<'_, Listing<ClientInfo>>;
    /// Closes connections of a client here; how many.
    fn kick(&self, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, u64>;
    /// How this hub is.
    fn stats(&self) -> BoxFuture<'_, NodeInfo>;
    /// Who here is in a room, each client once.
    fn members(&self, room: RoomName) -> BoxFuture<'_, Vec<ClientId>>;
    /// For each client, in order: whether it is connected here, or was within the resume window.
    fn locate(&self, clients: Vec<ClientId>) -> BoxFuture<'_, Vec<bool>>;
}
