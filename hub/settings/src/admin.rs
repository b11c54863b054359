//! `admin`: the listener for operations, which clients never reach.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Secret, SettingsError,
    bounds::{self, refuse},
    schema,
};

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
    /// Keys that open a part of it, for those who need no more: a back end that publishes, a page that shows who is there. Default `[]`.
    pub scoped_keys: Vec<ScopedKey>,
    /// Whether `/metrics` answers without a key. Metrics name no client and no room, so a scraper inside the network needs no key;
    /// set it to false where the listener is reachable by others. Default `true`.
    pub open_metrics: bool,
    /// Largest body of an API call, in bytes. A batch publish is one body. Default `1MiB`.
    pub max_body: ByteSize,
}

/// A key of the server API that opens a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopedKey {
    /// The key, at least 16 characters.
    #[schemars(example = &"a-long-random-key-000001")]
    pub key: Secret,
    /// What it opens: `publish` sends messages, `read` lists connections, rooms and hubs and what was said, `manage` throws clients out, puts them into
    /// rooms, changes what they may do and revokes tokens, `operate` shows and checks the configuration, sets the log level and drains.
    #[schemars(example = example_scopes())]
    pub scopes: Vec<ApiScope>,
}

/// A part of the server API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum ApiScope {
    /// Sending messages.
    Publish,
    /// Listing connections, rooms and hubs; what was said in a room, and what became of a client.
    Read,
    /// Throwing clients out, putting them into rooms, changing what they may do, revoking tokens.
    Manage,
    /// Configuration, log level, drain.
    Operate,
}

fn example_scopes() -> serde_json::Value {
    serde_json::json!(["publish", "read"])
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            api_keys: Vec::new(),
            scoped_keys: Vec::new(),
            open_metrics: true,
            max_body: ByteSize::from_mib(1),
        }
    }
}

impl Admin {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::secrets("admin.api_keys", &self.api_keys, 16)?;
        for (i, scoped) in self.scoped_keys.iter().enumerate() {
            let path = format!("admin.scoped_keys[{i}]");
            bounds::secret(&format!("{path}.key"), &scoped.key, 16)?;
            if let Some(first) = self.api_keys.iter().position(|key| *key == scoped.key) {
                return refuse(
                    format!("{path}.key"),
                    format!("is the same as admin.api_keys[{first}], which opens everything"),
                );
            }
            if let Some(first) = self.scoped_keys[..i].iter().position(|other| other.key == scoped.key) {
                return refuse(format!("{path}.key"), format!("is the same as admin.scoped_keys[{first}].key"));
            }
            if scoped.scopes.is_empty() {
                return refuse(format!("{path}.scopes"), "must name at least one scope");
            }
        }
        bounds::size("admin.max_body", self.max_body, ByteSize::from_kib(1), ByteSize::from_mib(64))
    }
}
