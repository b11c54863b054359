//! Which bus: the local one, or etcd's with the cluster around it; and the change from one to the other under live connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gohub_settings::{OnPartition, Settings};

use super::inlet::LogInlet;
use super::local::Local;
use super::revocations::Bouncer;
use super::stakes::Stakes;
use super::{Inner, StartError};
use crate::bus::{BufferLimits, EtcdBus, EtcdParts, LocalBus, MessageBus, Partition, SeenLimits};
use crate::cluster::{Cluster, ClusterError, ClusterParts};
use crate::lifecycle::Tasks;
use crate::metrics::Metrics;
use crate::net::CANARY;
use crate::protocol::Target;
use crate::reload::Reload;

/// What buses are made of.
pub(super) struct Buses {
    pub(super) inlet: Arc<LogInlet>,
    pub(super) local: Arc<Local>,
    pub(super) metrics: Metrics,
    pub(super) reload: Arc<Reload>,
    pub(super) tasks: Tasks,
    pub(super) bouncer: Arc<Bouncer>,
    pub(super) stakes: Arc<Stakes>,
}

impl Buses {
    /// The bus these settings ask for.
    pub(super) fn make(&self, settings: &Settings) -> Arc<dyn MessageBus> {
        if settings.cluster.enabled {
            self.etcd(settings)
        } else {
            Arc::new(LocalBus::new(Arc::clone(&self.inlet) as _, SeenLimits::from(&settings.idempotency)))
        }
    }

    /// The bus over etcd; it connects by itself.
    pub(super) fn etcd(&self, settings: &Settings) -> Arc<EtcdBus> {
        let (reload, local) = (Arc::clone(&self.reload), Arc::clone(&self.local));
        EtcdBus::start(EtcdParts {
            etcd: settings.cluster.etcd.clone(),
            node: self.local.node(),
            seen: SeenLimits::from(&settings.idempotency),
            policy: Arc::new(move |target| policy(&reload.settings(), target)),
            entry: Arc::new(move || local.entry()),
            inlet: Arc::clone(&self.inlet) as _,
            metrics: Arc::clone(&self.metrics.bus().etcd),
            observer: Arc::clone(self.metrics.bus()) as _,
            tasks: self.tasks.clone(),
        })
    }

    /// The other hubs: listens for their questions and follows the registry.
    pub(super) async fn cluster(&self, settings: &Settings) -> Result<Arc<Cluster>, ClusterError> {
        let cluster = Cluster::start(ClusterParts {
            etcd: settings.cluster.etcd.clone(),
            node: self.local.node(),
            listen: settings.cluster.grpc_addr,
            peer_key: settings.cluster.peer_key.clone(),
            local: Arc::clone(&self.local) as _,
            revoker: Arc::clone(&self.bouncer) as _,
            tickets: Some(Arc::clone(self.bouncer.auth.tickets())),
            holder: Arc::clone(&self.stakes) as _,
            tasks: self.tasks.clone(),
        })
        .await?;
        let address = advertised(settings, cluster.address(), &self.local.node());
        tracing::info!(addr = %cluster.address(), advertised = address, "listening for other hubs");
        self.local.address.store(Arc::new(address));
        Ok(cluster)
    }
}

fn policy(settings: &Settings, target: &Target) -> Partition {
    let policy = match target {
        Target::Room(room) => settings.rooms.policy(room.as_str()),
        // The canary is to find out whether the bus delivers: nothing may come to its help.
        Target::Client(client) if client.as_str() == CANARY => return Partition::FailClosed,
        Target::Broadcast | Target::Client(_) => settings.rooms.defaults,
    };
    match policy.on_partition {
        OnPartition::FailClosed => Partition::FailClosed,
        OnPartition::LocalOnly => Partition::LocalOnly,
        OnPartition::Buffer => Partition::Buffer(BufferLimits {
            messages: policy.partition_buffer as usize,
            bytes: settings.rooms.buffer.max_bytes.as_usize(),
            age: settings.rooms.buffer.max_age.as_std(),
        }),
    }
}

/// Where other hubs reach this one: as configured, or where it listens; listening everywhere, by its name.
fn advertised(settings: &Settings, listening: SocketAddr, node: &str) -> String {
    match settings.cluster.advertise.as_str() {
        "" if listening.ip().is_unspecified() => format!("{node}:{}", listening.port()),
        "" => listening.to_string(),
        configured => configured.to_owned(),
    }
}

impl Inner {
    /// Changes bus and cluster to what the settings ask for. Connections stay; what is published meanwhile waits.
    ///
    /// # Errors
    /// Why the new cluster was not entered; then the bus is as it was.
    pub(super) async fn change_bus(&self, before: &Settings, settings: &Settings) -> Result<(), ClusterError> {
        let next = match settings.cluster.enabled {
            true => match self.restart_cluster(settings).await {
                Ok(cluster) => Some(cluster),
                Err(error) => {
                    self.return_to_cluster(before).await;
                    return Err(error);
                }
            },
            false => None,
        };
        self.bus.replace(|| self.buses.make(settings)).await;
        tracing::info!(cluster = settings.cluster.enabled, "bus changed");
        let before = self.census.cluster.swap(next);
        if let (Some(before), false) = (before, settings.cluster.enabled) {
            self.local.address.store(Arc::default());
            before.close().await;
            self.auth.tickets().alone();
            self.stakes.alone(settings);
        }
        Ok(())
    }

    /// The new cluster could not be had: the other hubs are answered as before.
    async fn return_to_cluster(&self, before: &Settings) {
        if !before.cluster.enabled {
            return;
        }
        match self.buses.cluster(before).await {
            Ok(cluster) => self.census.cluster.store(Some(cluster)),
            Err(error) => tracing::error!(%error, "other hubs are not answered any more"),
        }
    }

    /// The port of the old cluster must be free before the new one can have it.
    async fn restart_cluster(&self, settings: &Settings) -> Result<Arc<Cluster>, ClusterError> {
        if let Some(before) = self.census.cluster.swap(None) {
            before.close().await;
        }
        self.buses.cluster(settings).await
    }
}

/// The first bus of a hub. An etcd that cannot be reached in time does not keep the hub from starting: it starts unready, and serves when etcd does.
pub(super) async fn first(
    buses: &Buses,
    settings: &Settings,
) -> Result<(Arc<dyn MessageBus>, Option<Arc<Cluster>>), StartError> {
    if !settings.cluster.enabled {
        return Ok((buses.make(settings), None));
    }
    let cluster = buses.cluster(settings).await?;
    let bus = buses.etcd(settings);
    let patience: Duration = settings.cluster.etcd.dial_timeout.as_std();
    if tokio::time::timeout(patience, bus.ready()).await.is_err() {
        tracing::warn!(patience_ms = patience.as_millis() as u64, "etcd is not there yet, starting without");
    }
    Ok((bus, Some(cluster)))
}
