//! `cluster.etcd`: the bus between hubs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, Secret, SettingsError,
    bounds::{self, TICK, host_port, refuse, split_url},
};

/// The etcd cluster that carries the messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Etcd {
    /// Members, each `http://host:2379` or `https://host:2379`; name all of them, so that one may be down. Default `[]`.
    pub endpoints: Vec<String>,
    /// Time to connect to a member before the next one is tried. Default `5s`.
    pub dial_timeout: Duration,
    /// Time for one request; above it a publication fails with an error that may be tried again. It must be longer than an election
    /// of etcd (1 to 2 seconds) for publishers not to notice one. Default `5s`.
    pub request_timeout: Duration,
    /// First part of every key. Hubs with the same prefix are one cluster; `<prefix>/broadcast` and `<prefix>/unicast/{clientID}` are
    /// a public contract. Default `/gohub`.
    #[schemars(length(min = 2, max = 128))]
    pub key_prefix: String,
    /// User of etcd; empty for none. Default `""`.
    pub username: String,
    /// Password of that user. Default `""`.
    pub password: Secret,
    /// TLS towards etcd. With it every endpoint must be `https://`: the hub never falls back to plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EtcdTls")]
    pub tls: Option<EtcdTls>,
    /// Life of this hub's lease, in whole seconds from 2s to 5m: a hub that vanished is out of the cluster, and its clients out of
    /// presence, after it. Shorter notices sooner and suffers more from a pause of etcd. Default `10s`.
    pub lease_ttl: Duration,
    /// Silence of the watch after which it is opened anew. etcd reports progress at least every few seconds. Default `15s`.
    pub watch_timeout: Duration,
    /// Largest value of one batch; at most 1MiB, because etcd takes 1.5MiB a request. Larger batches carry more messages a second,
    /// smaller ones have a better tail. Default `256KiB`.
    pub max_batch_bytes: ByteSize,
    /// Publications that wait for etcd in this hub; above it publishers get an error that may be tried again. Default `65536`.
    #[schemars(range(min = 1))]
    pub queue: u32,
    /// Bytes of those publications. Default `16MiB`.
    pub queue_bytes: ByteSize,
    /// How much of the past etcd keeps for hubs that were away.
    pub window: EtcdWindow,
    /// Whether one elected hub compacts etcd down to the window. Without it, or another compaction, the database grows by every
    /// message until etcd stops writing. It compacts the *whole* etcd, so leave it off where others use it. Default `false`.
    pub compact: bool,
}

/// The recovery window: the history etcd keeps. The first limit that is reached counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EtcdWindow {
    /// Age of the oldest message kept. Default `5m`.
    pub max_age: Duration,
    /// Bytes of messages kept; etcd's database is about twice as large. Default `64MiB`.
    pub max_bytes: ByteSize,
}

/// TLS towards etcd. The files are read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EtcdTls {
    /// PEM file with the authority that signed etcd's certificates; empty takes the system's authorities. Default `""`.
    #[schemars(example = &"/etc/gohub/etcd/ca.crt")]
    pub ca: String,
    /// PEM file with this hub's certificate, where etcd asks for one. Default `""`.
    #[schemars(example = &"/etc/gohub/etcd/tls.crt")]
    pub cert: String,
    /// PEM file with the key of that certificate. Default `""`.
    #[schemars(example = &"/etc/gohub/etcd/tls.key")]
    pub key: String,
    /// Name to expect in etcd's certificate; empty takes the endpoint's host. Default `""`.
    pub server_name: String,
}

impl Default for Etcd {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            dial_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(5),
            key_prefix: "/gohub".to_owned(),
            username: String::new(),
            password: Secret::default(),
            tls: None,
            lease_ttl: Duration::from_secs(10),
            watch_timeout: Duration::from_secs(15),
            max_batch_bytes: ByteSize::from_kib(256),
            queue: 65_536,
            queue_bytes: ByteSize::from_mib(16),
            window: EtcdWindow::default(),
            compact: false,
        }
    }
}

impl Default for EtcdWindow {
    fn default() -> Self {
        Self { max_age: Duration::from_mins(5), max_bytes: ByteSize::from_mib(64) }
    }
}

impl Etcd {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        self.endpoints
            .iter()
            .enumerate()
            .try_for_each(|(i, endpoint)| self.validate_endpoint(&format!("cluster.etcd.endpoints[{i}]"), endpoint))?;
        let minute = Duration::from_mins(1);
        bounds::duration("cluster.etcd.dial_timeout", self.dial_timeout, TICK, minute)?;
        bounds::duration("cluster.etcd.request_timeout", self.request_timeout, TICK, minute)?;
        self.validate_key_prefix()?;
        match (self.username.is_empty(), self.password.is_empty()) {
            (true, false) => return refuse("cluster.etcd.username", "is needed with cluster.etcd.password"),
            (false, true) => return refuse("cluster.etcd.password", "is needed with cluster.etcd.username"),
            _ => {}
        }
        if let Some(tls) = &self.tls {
            match (tls.cert.is_empty(), tls.key.is_empty()) {
                (true, false) => return refuse("cluster.etcd.tls.cert", "is needed with cluster.etcd.tls.key"),
                (false, true) => return refuse("cluster.etcd.tls.key", "is needed with cluster.etcd.tls.cert"),
                _ => {}
            }
        }
        bounds::duration("cluster.etcd.lease_ttl", self.lease_ttl, Duration::from_secs(2), Duration::from_mins(5))?;
        if !self.lease_ttl.as_millis().is_multiple_of(1_000) {
            return refuse("cluster.etcd.lease_ttl", format!("must be whole seconds, got {}", self.lease_ttl));
        }
        bounds::duration(
            "cluster.etcd.watch_timeout",
            self.watch_timeout,
            Duration::from_secs(1),
            Duration::from_mins(10),
        )?;
        let (kib, mib) = (ByteSize::from_kib, ByteSize::from_mib);
        bounds::size("cluster.etcd.max_batch_bytes", self.max_batch_bytes, kib(4), mib(1))?;
        bounds::size("cluster.etcd.queue_bytes", self.queue_bytes, mib(1), ByteSize::MAX)?;
        bounds::duration("cluster.etcd.window.max_age", self.window.max_age, Duration::from_secs(1), Duration::MAX)?;
        bounds::size("cluster.etcd.window.max_bytes", self.window.max_bytes, mib(1), ByteSize::MAX)
    }

    fn validate_endpoint(&self, path: &str, endpoint: &str) -> Result<(), SettingsError> {
        // Not quoted: somebody may have written a password into it.
        let message = "must be http://host:port or https://host:port, without a user or password";
        let Some((secure, authority, "" | "/")) = split_url(endpoint) else { return refuse(path, message) };
        if !host_port(authority) {
            return refuse(path, message);
        }
        if self.tls.is_some() && !secure {
            return refuse(path, "must be https:// with cluster.etcd.tls");
        }
        Ok(())
    }

    fn validate_key_prefix(&self) -> Result<(), SettingsError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let prefix = &self.key_prefix;
        if !prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains("//") || !prefix.chars().all(is_plain) {
            let message = format!("must be a key such as \"/gohub\", without a slash at its end, got {prefix:?}");
            return refuse("cluster.etcd.key_prefix", message);
        }
        Ok(())
    }
}
