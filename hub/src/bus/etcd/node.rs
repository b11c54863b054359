//! What a hub says about itself in etcd, at `<prefix>/nodes/{node}`.

use serde::{Deserialize, Serialize};

/// A hub's entry in the registry; it lives as long as the hub's lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeInfo {
    /// `host:port` where it answers other hubs (gRPC).
    pub address: String,
    /// Its version.
    pub version: String,
    /// Its connections, a few seconds old.
    pub connections: u64,
    /// Hash of the configuration it has loaded.
    pub config_hash: String,
    /// Why it refused a newer configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_error: Option<String>,
    /// Its state of life, such as `ready` or `draining`.
    pub state: String,
}
