//! The census: who is where, asked of all shards and, in a cluster, of the other hubs.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use futures::future::BoxFuture;

use super::local::Local;
use crate::cluster::{Cluster, LocalAnswers, Whereabouts};
use crate::dispatcher::{Colleagues, Found};
use crate::protocol::{ClientId, RoomName};
use crate::shard::Refusal;

/// This hub's answers and the cluster around it, which comes and goes with `cluster.enabled`.
pub(super) struct Census {
    pub(super) local: Arc<Local>,
    pub(super) cluster: ArcSwapOption<Cluster>,
}

impl Census {
    pub(super) fn new(local: Arc<Local>) -> Self {
        Self { local, cluster: ArcSwapOption::empty() }
    }

    /// Whether a message to the client could reach anybody; asks the other hubs when this one does not know it.
    pub(super) async fn find(&self, client: &ClientId) -> Found {
        if self.local.directory.knows(client) || self.recently_located(client) {
            return Found::Somewhere;
        }
        self.locate(client.clone()).await
    }
}

impl Colleagues for Census {
    fn exist(&self) -> bool {
        self.cluster.load().as_ref().is_some_and(|cluster| cluster.has_peers())
    }

    fn members(&self, room: RoomName) -> BoxFuture<'static, Result<Vec<ClientId>, Refusal>> {
        let (local, cluster) = (Arc::clone(&self.local), self.cluster.load_full());
        Box::pin(async move {
            let Some(cluster) = cluster else { return Ok(local.members(room).await) };
            let (members, missing) = cluster.members(&room).await;
            if !missing.is_empty() {
                let nodes: Vec<&str> = missing.iter().map(|missing| missing.node.as_str()).collect();
                tracing::warn!(nodes = nodes.join(", "), "hubs did not answer who is in a room");
            }
            Ok(members)
        })
    }

    fn locate(&self, client: ClientId) -> BoxFuture<'static, Found> {
        let Some(cluster) = self.cluster.load_full() else { return Box::pin(std::future::ready(Found::Nowhere)) };
        Box::pin(async move {
            match cluster.locate(client).await {
                Whereabouts::Known => Found::Somewhere,
                Whereabouts::Nowhere => Found::Nowhere,
                Whereabouts::Unclear => Found::Unclear,
            }
        })
    }

    fn recently_located(&self, client: &ClientId) -> bool {
        self.cluster.load().as_ref().is_some_and(|cluster| cluster.recently_located(client))
    }
}
