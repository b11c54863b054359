//! `admin`: the listener for operations, which clients never reach.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Secret, SettingsError, bounds};

/// The admin listener: metrics, health, the server API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port to listen on. Local by default, because it is plain HTTP; in a pod it must be reachable for probes and
    /// Prometheus. Default `127.0.0.1:9090`.
    #[schemars(extend("format" = "ip-port"))]
    pub addr: SocketAddr,
    /// Keys that open the server API (`Authorization: Bearer KEY`), each of at least 16 characters; several, so that one can be
    /// rotated. With none the API refuses every call. Default `[]`.
    pub api_keys: Vec<Secret>,
    /// Whether `/metrics` answers without a key. Metrics name no client and no room, so a scraper inside the network needs no key;
    /// set it to false where the listener is reachable by others. Default `true`.
    pub open_metrics: bool,
    /// Largest body of an API call, in bytes. A batch publish is one body. Default `1MiB`.
    pub max_body: ByteSize,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            api_keys: Vec::new(),
            open_metrics: true,
            max_body: ByteSize::from_mib(1),
        }
    }
}

impl Admin {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::secrets("admin.api_keys", &self.api_keys, 16)?;
        bounds::size("admin.max_body", self.max_body, ByteSize::from_kib(1), ByteSize::from_mib(64))
    }
}
