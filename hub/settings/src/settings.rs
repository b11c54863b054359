//! The whole of the settings: one field for each section of the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, Auth, Clients, Cluster, Debug, Drain, Health, Heartbeat, Idempotency, Limits, Log, Origins, Proxies, Reload,
    Retention, Rooms, Route, Server, SlowClient, Why,
};

/// Everything that can be set. [`Settings::from_yaml`] is the way to get one: what it returns is valid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(description = "The settings of gohub.")]
pub struct Settings {
    /// The public listener, where clients connect.
    pub server: Server,
    /// The admin listener: metrics, health, the server API.
    pub admin: Admin,
    /// Heartbeats. A peer that vanished is gone within `interval` + `timeout`.
    pub heartbeat: Heartbeat,
    /// Limits of the process, of an address and of a connection.
    pub limits: Limits,
    /// Client ids.
    pub clients: Clients,
    /// Tokens, judged at the handshake.
    pub auth: Auth,
    /// Which web pages may connect.
    pub origins: Origins,
    /// Proxies between the clients and this hub.
    pub proxies: Proxies,
    /// The in-memory log of messages: what can be resumed and replayed.
    pub retention: Retention,
    /// Clients that read slower than the rest.
    pub slow_client: SlowClient,
    /// What may differ from room to room.
    pub rooms: Rooms,
    /// What happens to the application's own message ids. Default `[]`.
    pub routes: Vec<Route>,
    /// Several hubs as one, over etcd.
    pub cluster: Cluster,
    /// How long a publication's `key` protects against a second delivery.
    pub idempotency: Idempotency,
    /// How a hub goes without anybody noticing.
    pub drain: Drain,
    /// How the hub proves that it delivers.
    pub health: Health,
    /// What is noted of each connection, for the question what became of it.
    pub why: Why,
    /// How soon a changed file counts.
    pub reload: Reload,
    /// The hub's own log lines.
    pub log: Log,
    /// Aids for testing, off in production.
    pub debug: Debug,
}
