//! The census: who is where, asked of all shards and of the other hubs.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::shards::Shards;
use crate::directory::Directory;
use crate::dispatcher::{Colleagues, Found};
use crate::protocol::{ClientId, RoomName};
use crate::shard::Refusal;

pub(super) struct Census {
    shards: Arc<Shards>,
    directory: Arc<Directory>,
}

impl Census {
    pub(super) fn new(shards: Arc<Shards>, directory: Arc<Directory>) -> Self {
        Self { shards, directory }
    }

    /// Whether a message to the client could reach anybody, as far as is known without asking.
    pub(super) fn may_exist(&self, client: &ClientId) -> bool {
        self.directory.knows(client) || self.exist()
    }
}

impl Colleagues for Census {
    fn exist(&self) -> bool {
        false
    }

    fn members(&self, room: RoomName) -> BoxFuture<'static, Result<Vec<ClientId>, Refusal>> {
        let shards = Arc::clone(&self.shards);
        Box::pin(async move { Ok(shards.members(&room).await) })
    }

    fn locate(&self, _client: ClientId) -> BoxFuture<'static, Found> {
        Box::pin(std::future::ready(Found::Nowhere))
    }

    fn recently_located(&self, _client: &ClientId) -> bool {
        false
    }
}
