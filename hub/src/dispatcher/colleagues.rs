//! Questions that other shards and other hubs must be asked.

use futures::future::BoxFuture;

use crate::protocol::{ClientId, RoomName};
use crate::shard::Refusal;

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Connected somewhere, or gone so recently that it may resume.
    Somewhere,
    /// Every hub has answered, and nobody knows it.
    Nowhere,
    /// Nobody knows it, and not everybody answered.
    Unclear,
}

/// The rest of the hub and of the cluster, asked from a handler.
pub trait Colleagues: Send + Sync + 'static {
    /// Whether there are other hubs at all.
    fn exist(&self) -> bool;

    /// Everybody in a room, each client once, in order of their names.
    fn members(&self, room: RoomName) -> BoxFuture<'static, Result<Vec<ClientId>, Refusal>>;

    /// Whether another hub knows the client; this hub does not.
    fn locate(&self, client: ClientId) -> BoxFuture<'static, Found>;

    /// The same without asking: what is known from a moment ago.
    fn recently_located(&self, client: &ClientId) -> bool;
}

/// No colleagues: what tests and a hub without shards to ask use.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Colleagues for Nobody {
    fn exist(&self) -> bool {
        false
    }

    fn members(&self, _room: RoomName) -> BoxFuture<'static, Result<Vec<ClientId>, Refusal>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn locate(&self, _client: ClientId) -> BoxFuture<'static, Found> {
        Box::pin(std::future::ready(Found::Nowhere))
    }

    fn recently_located(&self, _client: &ClientId) -> bool {
        false
    }
}
