//! What the admin listener needs of the hub, and nothing more.

use futures::future::BoxFuture;

use super::clients::{PlacedAnswer, Reached};
use crate::auth::{Revocation, Subject};
use crate::blackbox::Lives;
use crate::cluster::Imposition;
use crate::inventory::{ClientInfo, Listing, Missing, NodeInfo, Page, RoomInfo, Scope};
use crate::protocol::{ClientId, ErrorCode, Offset, Publication, RoomName};
use crate::shard::{self, HistoryPage, Placement, Whom};

/// Why the hub did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code, from the set that clients know too.
    pub code: ErrorCode,
    /// What happened, without secrets.
    pub message: String,
}

impl Failure {
    /// A failure with this code and message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Everybody in a room, each client once, in order; and the hubs that did not answer.
pub type Everybody = (Vec<ClientId>, Vec<Missing>);

/// The hub as its operators see it.
pub trait Control: Send + Sync + 'static {
    /// Whether the process should live on: its loops still turn. A reason against it makes Kubernetes restart the pod, so a store
    /// that is down is none.
    ///
    /// # Errors
    /// Why it should not.
    fn alive(&self) -> Result<(), String>;

    /// Whether it serves: listener up, bus delivering as the canary proves. The phase is judged besides.
    ///
    /// # Errors
    /// Why it does not.
    fn ready(&self) -> Result<(), String>;

    /// Whether it wants more connections.
    ///
    /// # Errors
    /// Why it does not.
    fn accepting(&self) -> Result<(), String>;

    /// Publishes in this order; answers one by one, once each is on the bus (or is not).
    fn publish(&self, publications: Vec<Publication>) -> BoxFuture<'_, Vec<Result<Offset, Failure>>>;

    /// Connections, of one client or in one room where asked.
    fn clients(
        &self,
        scope: Scope,
        filter: ClientFilter,
        page: Page,
    ) -> BoxFuture<'_, Result<Listing<ClientInfo>, Failure>>;

    /// Rooms somebody is in.
    fn rooms(&self, scope: Scope, page: Page) -> BoxFuture<'_, Result<Listing<RoomInfo>, Failure>>;

    /// The hubs.
    fn nodes(&self, page: Page) -> BoxFuture<'_, Result<Listing<NodeInfo>, Failure>>;

    /// Closes connections of `client` (all, or the one with this id) for good: the close code tells its SDK not to come back.
    fn kick(&self, scope: Scope, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, Result<Kicked, Failure>>;

    /// Puts connections of a client into a room, or takes them out.
    fn place(
        &self,
        scope: Scope,
        whom: Whom,
        room: RoomName,
        placement: Placement,
    ) -> BoxFuture<'_, Result<PlacedAnswer, Failure>>;

    /// Changes what counts for connections of a client: other rights, a new token wanted.
    fn impose(&self, scope: Scope, whom: Whom, imposition: Imposition) -> BoxFuture<'_, Result<Reached, Failure>>;

    /// Everybody in a room, each client once, in order; and the hubs that did not answer.
    fn members(&self, room: RoomName) -> BoxFuture<'_, Result<Everybody, Failure>>;

    /// What became of connections of a client, the newest first, at most so many.
    fn why(&self, scope: Scope, whom: Whom, limit: usize) -> BoxFuture<'_, Result<Lives, Failure>>;

    /// What was said in a room, as far as this hub has it.
    fn history(&self, room: RoomName, page: shard::Page) -> BoxFuture<'_, Result<HistoryPage, Failure>>;

    /// Revokes on all hubs, for so many seconds. Connections that live by it are closed.
    fn revoke(&self, revocation: Revocation, seconds: u64) -> BoxFuture<'_, Result<(), Failure>>;

    /// Takes a revocation back; `false` when there is none.
    fn restore(&self, subject: Subject) -> BoxFuture<'_, Result<bool, Failure>>;

    /// What is revoked, in order.
    fn revocations(&self) -> Vec<Revocation>;

    /// Begins to drain, as SIGTERM does; `false` when that has begun already.
    fn drain(&self) -> bool;
}

/// Which connections are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFilter {
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those in this room.
    pub room: Option<RoomName>,
}

/// What a kick did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Kicked {
    /// Connections closed.
    pub connections: u64,
    /// Hubs that did not answer: the client may live on there.
    pub missing: Vec<Missing>,
}
