//! The hub as its admin API sees it.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::Inner;
use crate::admin::{ClientFilter, Control, Failure, Kicked};
use crate::bus::{MessageBus, Receipt};
use crate::inventory::{ClientInfo, Listing, Missing, NodeInfo, Page, RoomInfo, Scope};
use crate::lifecycle::Phase;
use crate::protocol::{ClientId, CloseCode, ErrorCode, Offset, Publication, Target};
use crate::shard::{ClientRow, Kick};

/// Answers for this hub, and through it for the others.
pub(super) struct HubControl(pub(super) Arc<Inner>);

impl HubControl {
    fn is_this(&self, scope: &Scope) -> Result<(), Failure> {
        match scope {
            Scope::Node(node) if **node != *self.0.node => {
                Err(Failure::new(ErrorCode::BadRequest, format!("node: there is no hub {node:?}")))
            }
            Scope::Node(_) | Scope::Cluster => Ok(()),
        }
    }
}

impl Control for HubControl {
    fn alive(&self) -> Result<(), String> {
        match self.0.shards.failed() {
            0 => Ok(()),
            failed => Err(format!("{failed} shards have failed")),
        }
    }

    fn ready(&self) -> Result<(), String> {
        let health = self.0.bus.health();
        if health.delivering {
            Ok(())
        } else {
            Err(health.last_error.unwrap_or_else(|| "the bus does not deliver".to_owned()))
        }
    }

    fn accepting(&self) -> Result<(), String> {
        if self.0.lifecycle.phase() != Phase::Ready {
            return Err(format!("the hub is {}", self.0.lifecycle.phase()));
        }
        if self.0.admission.has_room() { Ok(()) } else { Err("the hub is full".to_owned()) }
    }

    fn publish(&self, publications: Vec<Publication>) -> BoxFuture<'_, Vec<Result<Offset, Failure>>> {
        let bus = &self.0.bus;
        let answers: Vec<_> = publications
            .into_iter()
            .map(|publication| {
                if let Target::Client(client) = &publication.target
                    && !self.0.census.may_exist(client)
                {
                    let unknown = Failure::new(ErrorCode::ClientUnknown, "no such client is connected");
                    return futures::future::Either::Left(std::future::ready(Err(unknown)));
                }
                let (receipt, answer) = Receipt::channel();
                bus.publish(publication, receipt);
                futures::future::Either::Right(async move {
                    answer.await.map_err(|error| Failure::new(error.code(), error.to_string()))
                })
            })
            .collect();
        Box::pin(futures::future::join_all(answers))
    }

    fn clients(
        &self,
        scope: Scope,
        filter: ClientFilter,
        page: Page,
    ) -> BoxFuture<'_, Result<Listing<ClientInfo>, Failure>> {
        Box::pin(async move {
            self.is_this(&scope)?;
            let rows = self.0.shards.clients().await;
            let is_meant = |row: &ClientRow| {
                filter.client.as_ref().is_none_or(|client| row.client == *client)
                    && filter.room.as_ref().is_none_or(|room| row.rooms.contains(room))
            };
            let items = rows.into_iter().filter(is_meant).map(|row| self.0.client_info(row)).collect();
            Ok(Listing::of(items, &page))
        })
    }

    fn rooms(&self, scope: Scope, page: Page) -> BoxFuture<'_, Result<Listing<RoomInfo>, Failure>> {
        Box::pin(async move {
            self.is_this(&scope)?;
            let rows = self.0.shards.rooms().await;
            let node = self.0.node.to_string();
            let room = |row: crate::shard::RoomRow| RoomInfo {
                room: row.room.to_string(),
                members: row.members as u64,
                nodes: vec![node.clone()],
            };
            Ok(Listing::of(rows.into_iter().map(room).collect(), &page))
        })
    }

    fn nodes(&self, page: Page) -> BoxFuture<'_, Result<Listing<NodeInfo>, Failure>> {
        Box::pin(async move { Ok(Listing::of(vec![self.0.node_info()], &page)) })
    }

    fn kick(&self, scope: Scope, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, Result<Kicked, Failure>> {
        Box::pin(async move {
            self.is_this(&scope)?;
            let who = connection.map_or(Kick::Client(client), Kick::Connection);
            let connections = self.0.shards.kick(&who, CloseCode::Kicked, "kicked by an administrator").await as u64;
            Ok(Kicked { connections, missing: Vec::<Missing>::new() })
        })
    }

    fn drain(&self) -> bool {
        let is_first = self.0.lifecycle.phase() < Phase::Draining;
        self.0.drain_wanted.notify_one();
        is_first
    }
}

impl Inner {
    pub(super) fn client_info(&self, row: ClientRow) -> ClientInfo {
        ClientInfo {
            client_id: row.client.to_string(),
            node: self.node.to_string(),
            connection: row.connection.to_string(),
            address: row.address.to_string(),
            connected_at: crate::clock::unix_millis().saturating_sub(row.since.elapsed().as_millis() as u64),
            rooms: row.rooms.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn node_info(&self) -> NodeInfo {
        let status = self.reload.status();
        NodeInfo {
            node: self.node.to_string(),
            address: self.now().cluster.advertise.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase: self.lifecycle.phase().to_string(),
            connections: self.metrics.connections(),
            config_hash: status.loaded_hash,
            config_error: status.last_error.map(|refusal| refusal.message),
            started_at: self.started_at,
        }
    }
}
