//! What this hub answers when another one asks; the app implements it over the shards.

use std::time::Duration;

use futures::future::BoxFuture;
use gohub_settings::Grant;

use crate::blackbox::Life;
use crate::inventory::{ClientInfo, Listing, NodeInfo, Page, RefusedInfo, RoomInfo};
use crate::protocol::{ClientId, RoomName};
use crate::shard::{Placement, Whom};

/// Which connections are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientQuery {
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those in this room.
    pub room: Option<RoomName>,
}

/// What counts for connections of a client from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imposition {
    /// A new token is wanted within this time.
    pub within: Option<Duration>,
    /// What they may do until then.
    pub capabilities: Option<Grant>,
}

/// The answers for this hub alone. They must not ask other hubs: that would go in circles.
pub trait LocalAnswers: Send + Sync + 'static {
    /// Rooms that somebody here is in.
    fn rooms(&self, page: Page) -> BoxFuture<'_, Listing<RoomInfo>>;
    /// Connections here.
    fn clients(&self, query: ClientQuery, page: Page) -> BoxFuture<'_, Listing<ClientInfo>>;
    /// Closes connections of a client here; how many.
    fn kick(&self, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, u64>;
    /// Puts connections of a client here into a room, or takes them out: how many are where they were wanted, and who is not.
    fn place(&self, whom: Whom, room: RoomName, placement: Placement) -> BoxFuture<'_, (u64, Vec<RefusedInfo>)>;
    /// Changes what counts for connections of a client here; how many.
    fn impose(&self, whom: Whom, imposition: Imposition) -> BoxFuture<'_, u64>;
    /// What became of connections of a client here, the newest first, at most so many.
    fn why(&self, whom: Whom, limit: usize) -> BoxFuture<'_, Vec<Life>>;
    /// How this hub is.
    fn stats(&self) -> BoxFuture<'_, NodeInfo>;
    /// Who here is in a room, each client once.
    fn members(&self, room: RoomName) -> BoxFuture<'_, Vec<ClientId>>;
    /// For each client, in order: whether it is connected here, or was within the resume window.
    fn locate(&self, clients: Vec<ClientId>) -> BoxFuture<'_, Vec<bool>>;
}
