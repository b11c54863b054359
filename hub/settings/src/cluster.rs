//! `cluster`: several hubs as one, over etcd.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Secret, SettingsError,
    bounds::{self, host_port, refuse},
};

mod etcd;

pub use etcd::{Etcd, EtcdTls, EtcdWindow};

/// Cluster mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// Whether this hub is one of several that exchange messages through etcd. Off, it needs no other program. May change while
    /// clients are connected. Default `false`.
    pub enabled: bool,
    /// Name of this hub, unique in the cluster; empty takes the host name, which in Kubernetes is the pod's. Default `""`.
    #[schemars(length(max = 128))]
    pub node: String,
    /// Address and port that hubs ask each other questions on (gRPC). Default `0.0.0.0:9191`.
    #[schemars(extend("format" = "ip-port"))]
    pub grpc_addr: SocketAddr,
    /// `host:port` at which the other hubs reach `grpc_addr`; empty takes the host name and that port. Default `""`.
    pub advertise: String,
    /// Key that hubs show each other with every question, the same on all, at least 16 characters; empty asks for none, for networks
    /// where only hubs reach the port. Default `""`.
    pub peer_key: Secret,
    /// The etcd cluster that carries the messages.
    pub etcd: Etcd,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            enabled: false,
            node: String::new(),
            grpc_addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9191)),
            advertise: String::new(),
            peer_key: Secret::default(),
            etcd: Etcd::default(),
        }
    }
}

impl Cluster {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::name("cluster.node", &self.node)?;
        if !self.advertise.is_empty() && !host_port(&self.advertise) {
            return refuse("cluster.advertise", format!("must be host:port, got {:?}", self.advertise));
        }
        if !self.peer_key.is_empty() {
            bounds::secret("cluster.peer_key", &self.peer_key, 16)?;
        }
        self.etcd.validate()?;
        if self.enabled && self.etcd.endpoints.is_empty() {
            return refuse("cluster.etcd.endpoints", "must name at least one member with cluster.enabled");
        }
        Ok(())
    }
}
