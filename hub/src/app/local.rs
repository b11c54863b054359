//! This hub alone: what it answers about itself, to its own admin API and to other hubs.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::BoxFuture;

use super::shards::Shards;
use crate::auth::{Auth, Rights};
use crate::blackbox::{Archive, Life};
use crate::clock;
use crate::cluster::{ClientQuery, Imposition, LocalAnswers};
use crate::directory::Directory;
use crate::inventory::{ClientInfo, Listing, NodeInfo, Page, RefusedInfo, RoomInfo};
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::protocol::{ClientId, CloseCode, RoomName};
use crate::reload::Reload;
use crate::shard::{ClientRow, Kick, Placement, RoomRow, Terms, Whom};

/// What the answers are made of.
pub(super) struct Local {
    /// The hub's name; changes with `cluster.node`.
    pub(super) node: ArcSwap<String>,
    /// Where other hubs reach it; empty alone.
    pub(super) address: ArcSwap<String>,
    pub(super) shards: Arc<Shards>,
    pub(super) directory: Arc<Directory>,
    pub(super) auth: Arc<Auth>,
    pub(super) archive: Arc<Archive>,
    pub(super) metrics: Metrics,
    pub(super) lifecycle: Lifecycle,
    pub(super) reload: Arc<Reload>,
    /// Unix milliseconds.
    pub(super) started_at: u64,
}

impl Local {
    pub(super) fn node(&self) -> String {
        (**self.node.load()).clone()
    }

    pub(super) fn info(&self) -> NodeInfo {
        let status = self.reload.status();
        NodeInfo {
            node: self.node(),
            address: (**self.address.load()).clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: self.lifecycle.phase().to_string(),
            connections: self.metrics.connections(),
            config_hash: status.loaded_hash,
            config_error: status.last_error.map(|refusal| refusal.message),
            started_at: self.started_at,
        }
    }

    /// The same as the text of the registry's entry.
    pub(super) fn entry(&self) -> String {
        serde_json::to_string(&self.info()).unwrap_or_default()
    }

    fn client_info(&self, row: ClientRow) -> ClientInfo {
        let open_for: Duration = row.since.elapsed();
        ClientInfo {
            client_id: row.client.to_string(),
            node: self.node(),
            connection: row.connection.to_string(),
            address: row.address.to_string(),
            connected_at: clock::unix_millis().saturating_sub(open_for.as_millis() as u64),
            rooms: row.rooms.iter().map(ToString::to_string).collect(),
        }
    }

    fn room_info(&self, row: RoomRow) -> RoomInfo {
        RoomInfo { room: row.room.to_string(), members: row.members as u64, nodes: vec![self.node()] }
    }
}

impl LocalAnswers for Local {
    fn rooms(&self, page: Page) -> BoxFuture<'_, Listing<RoomInfo>> {
        Box::pin(async move {
            let rows = self.shards.rooms().await;
            Listing::of(rows.into_iter().map(|row| self.room_info(row)).collect(), &page)
        })
    }

    fn clients(&self, query: ClientQuery, page: Page) -> BoxFuture<'_, Listing<ClientInfo>> {
        Box::pin(async move {
            let is_meant = |row: &ClientRow| {
                let is_client = query.client.as_ref().is_none_or(|client| row.client == *client);
                is_client && query.room.as_ref().is_none_or(|room| row.rooms.contains(room))
            };
            let rows = self.shards.clients().await.into_iter().filter(is_meant);
            Listing::of(rows.map(|row| self.client_info(row)).collect(), &page)
        })
    }

    fn kick(&self, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            // Whoever asks for tokens anew finds out that it is not let in any more; a ticket would not ask.
            self.auth.tickets().void(&client);
            let who = connection.map_or(Kick::Client(client), Kick::Connection);
            self.shards.kick(&who, CloseCode::Kicked, "kicked by an administrator").await as u64
        })
    }

    fn place(&self, whom: Whom, room: RoomName, placement: Placement) -> BoxFuture<'_, (u64, Vec<RefusedInfo>)> {
        Box::pin(async move {
            let placed = self.shards.place(&whom, &room, placement).await;
            let refused = placed.refused.into_iter().map(|(connection, refusal)| RefusedInfo {
                node: self.node(),
                connection: connection.to_string(),
                code: refusal.code.name().to_owned(),
                message: refusal.message,
            });
            (placed.connections as u64, refused.collect())
        })
    }

    fn impose(&self, whom: Whom, imposition: Imposition) -> BoxFuture<'_, u64> {
        Box::pin(async move {
            let rights = imposition.capabilities.as_ref().map(|grant| Rights::of(Some(grant)));
            self.shards.impose(&whom, &Terms { within: imposition.within, rights }).await as u64
        })
    }

    fn why(&self, whom: Whom, limit: usize) -> BoxFuture<'_, Vec<Life>> {
        Box::pin(async move {
            // The living first: who ends between the two looks is in both, and the archive knows more.
            let mut living = self.shards.lives(&whom).await;
            let ended = self.archive.find(&whom.client, whom.connection, limit, clock::unix_millis());
            living.retain(|living| ended.iter().all(|ended| ended.connection != living.life.connection));
            let node = self.node();
            let mut lives: Vec<Life> = ended.iter().map(|ended| Life::of(ended, &node, None)).collect();
            lives.extend(living.into_iter().map(|living| Life::of(&living.life, &node, Some(living.now))));
            lives.sort_by_key(|life| std::cmp::Reverse(life.opened_at));
            lives.truncate(limit);
            lives
        })
    }

    fn stats(&self) -> BoxFuture<'_, NodeInfo> {
        Box::pin(std::future::ready(self.info()))
    }

    fn members(&self, room: RoomName) -> BoxFuture<'_, Vec<ClientId>> {
        Box::pin(async move { self.shards.members(&room).await })
    }

    fn locate(&self, clients: Vec<ClientId>) -> BoxFuture<'_, Vec<bool>> {
        Box::pin(std::future::ready(clients.iter().map(|client| self.directory.knows(client)).collect()))
    }
}
