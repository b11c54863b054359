//! The hub as its admin API sees it.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};

use super::Inner;
use crate::admin::{ClientFilter, Control, Everybody, Failure, Kicked, PlacedAnswer, Reached};
use crate::auth::{Revocation, Subject, TooMany};
use crate::blackbox::Lives;
use crate::bus::{MessageBus, Receipt};
use crate::clock;
use crate::cluster::{ClientQuery, ClusterError, Imposition, LocalAnswers, Revoker};
use crate::dispatcher::Found;
use crate::inventory::{ClientInfo, Listing, NodeInfo, Page, RoomInfo, Scope};
use crate::lifecycle::Phase;
use crate::protocol::{ClientId, ErrorCode, Offset, Publication, RoomName, Target};
use crate::shard::{self, HistoryPage, Placement, Whom};

/// Answers for this hub, and through it for the others.
pub(super) struct HubControl(pub(super) Arc<Inner>);

impl HubControl {
    /// Alone, the only hub that can be asked for is this one.
    fn is_here(&self, scope: &Scope) -> Result<(), Failure> {
        match scope {
            Scope::Node(node) if *node != self.0.local.node() => {
                Err(Failure::new(ErrorCode::BadRequest, format!("node: there is no hub {node:?}")))
            }
            Scope::Node(_) | Scope::Cluster => Ok(()),
        }
    }

    /// Publishes one; to a client that is nowhere it does not, and says so.
    async fn publish_one(&self, publication: Publication) -> Result<Offset, Failure> {
        if let Target::Client(client) = &publication.target {
            match self.0.census.find(client).await {
                Found::Somewhere => {}
                Found::Nowhere => return Err(Failure::new(ErrorCode::ClientUnknown, "no such client is connected")),
                Found::Unclear => {
                    return Err(Failure::new(ErrorCode::Timeout, "not every hub could be asked for this client"));
                }
            }
        }
        let (receipt, answer) = Receipt::channel();
        self.0.bus.publish(publication, receipt);
        answer.await.map_err(|error| Failure::new(error.code(), error.to_string()))
    }
}

fn unavailable(error: ClusterError) -> Failure {
    Failure::new(ErrorCode::BusUnavailable, error.to_string())
}

impl Control for HubControl {
    fn alive(&self) -> Result<(), String> {
        if let Some(hung) = self.0.canary.hung(std::time::Instant::now()) {
            return Err(hung.to_string());
        }
        match self.0.shards.failed() {
            0 => Ok(()),
            failed => Err(format!("{failed} shards have failed")),
        }
    }

    fn ready(&self) -> Result<(), String> {
        if let Some(broken) = self.0.canary.broken() {
            return Err(broken.to_string());
        }
        let health = self.0.bus.health();
        let reason = || health.last_error.unwrap_or_else(|| "the bus does not deliver".to_owned());
        if health.delivering { Ok(()) } else { Err(reason()) }
    }

    fn accepting(&self) -> Result<(), String> {
        if self.0.lifecycle.phase() != Phase::Ready {
            return Err(format!("the hub is {}", self.0.lifecycle.phase()));
        }
        if self.0.admission.has_room() { Ok(()) } else { Err("the hub is full".to_owned()) }
    }

    fn publish(&self, publications: Vec<Publication>) -> BoxFuture<'_, Vec<Result<Offset, Failure>>> {
        // Futures of one `join_all` are first polled in order, so what needs no look-up is published in order.
        Box::pin(join_all(publications.into_iter().map(|publication| self.publish_one(publication))))
    }

    fn clients(
        &self,
        scope: Scope,
        filter: ClientFilter,
        page: Page,
    ) -> BoxFuture<'_, Result<Listing<ClientInfo>, Failure>> {
        Box::pin(async move {
            let query = ClientQuery { client: filter.client, room: filter.room };
            if let Some(cluster) = self.0.census.cluster.load_full() {
                return Ok(cluster.clients(&scope, &query, &page).await);
            }
            self.is_here(&scope)?;
            Ok(self.0.local.clients(query, page).await)
        })
    }

    fn rooms(&self, scope: Scope, page: Page) -> BoxFuture<'_, Result<Listing<RoomInfo>, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                return Ok(cluster.rooms(&scope, &page).await);
            }
            self.is_here(&scope)?;
            Ok(self.0.local.rooms(page).await)
        })
    }

    fn nodes(&self, page: Page) -> BoxFuture<'_, Result<Listing<NodeInfo>, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                return Ok(cluster.nodes(&page).await);
            }
            Ok(Listing::of(vec![self.0.local.info()], &page))
        })
    }

    fn kick(&self, scope: Scope, client: ClientId, connection: Option<u64>) -> BoxFuture<'_, Result<Kicked, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                let (connections, missing) = cluster.kick(&scope, &client, connection).await;
                return Ok(Kicked { connections, missing });
            }
            self.is_here(&scope)?;
            Ok(Kicked { connections: self.0.local.kick(client, connection).await, missing: Vec::new() })
        })
    }

    fn place(
        &self,
        scope: Scope,
        whom: Whom,
        room: RoomName,
        placement: Placement,
    ) -> BoxFuture<'_, Result<PlacedAnswer, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                let (connections, refused, missing) = cluster.place(&scope, &whom, &room, placement).await;
                return Ok(PlacedAnswer { connections, refused, missing });
            }
            self.is_here(&scope)?;
            let (connections, refused) = self.0.local.place(whom, room, placement).await;
            Ok(PlacedAnswer { connections, refused, missing: Vec::new() })
        })
    }

    fn impose(&self, scope: Scope, whom: Whom, imposition: Imposition) -> BoxFuture<'_, Result<Reached, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                let (connections, missing) = cluster.impose(&scope, &whom, &imposition).await;
                return Ok(Reached { connections, missing });
            }
            self.is_here(&scope)?;
            Ok(Reached { connections: self.0.local.impose(whom, imposition).await, missing: Vec::new() })
        })
    }

    fn members(&self, room: RoomName) -> BoxFuture<'_, Result<Everybody, Failure>> {
        Box::pin(async move {
            if let Some(cluster) = self.0.census.cluster.load_full() {
                return Ok(cluster.members(&room).await);
            }
            Ok((self.0.local.members(room).await, Vec::new()))
        })
    }

    fn why(&self, scope: Scope, whom: Whom, limit: usize) -> BoxFuture<'_, Result<Lives, Failure>> {
        Box::pin(async move {
            let client_id = whom.client.to_string();
            if let Some(cluster) = self.0.census.cluster.load_full() {
                let (lives, missing) = cluster.why(&scope, &whom, limit).await;
                return Ok(Lives { client_id, lives, missing });
            }
            self.is_here(&scope)?;
            Ok(Lives { client_id, lives: self.0.local.why(whom, limit).await, missing: Vec::new() })
        })
    }

    fn history(&self, room: RoomName, page: shard::Page) -> BoxFuture<'_, Result<HistoryPage, Failure>> {
        Box::pin(async move {
            let silent = || Failure::new(ErrorCode::Timeout, "the hub did not read its log in time");
            self.0.shards.history(&room, page).await.ok_or_else(silent)
        })
    }

    fn revoke(&self, revocation: Revocation, seconds: u64) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            if !self.0.auth.revoked().has_room(&revocation.subject, clock::unix_millis()) {
                return Err(Failure::new(ErrorCode::RateLimited, TooMany.to_string()));
            }
            if let Some(cluster) = self.0.census.cluster.load_full() {
                cluster.revoke(&revocation, seconds).await.map_err(unavailable)?;
            }
            // Not waiting for the watch: when the call is answered, this hub at least has acted.
            self.0.bouncer.revoked(revocation);
            Ok(())
        })
    }

    fn restore(&self, subject: Subject) -> BoxFuture<'_, Result<bool, Failure>> {
        Box::pin(async move {
            let elsewhere = match self.0.census.cluster.load_full() {
                Some(cluster) => cluster.restore(&subject).await.map_err(unavailable)?,
                None => false,
            };
            Ok(self.0.auth.revoked().remove(&subject) || elsewhere)
        })
    }

    fn revocations(&self) -> Vec<Revocation> {
        self.0.auth.revoked().list(clock::unix_millis())
    }

    fn drain(&self) -> bool {
        let is_first = self.0.lifecycle.phase() < Phase::Draining;
        self.0.drain_wanted.notify_one();
        is_first
    }
}
