//! What was found in the cluster, as plain values: the other half of every decision's input.

use crate::etcd::plan::Observation;

/// What was found in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// What addresses pods have here: those that the operator's own pod has.
    pub family: Family,
    /// The value of the ConfigMap's key that `spec.configFrom` names; `None` while there is none.
    pub config_from: Option<String>,
    /// What else the spec names and is not there, or not with what pods look for in it.
    pub missing: Vec<Missing>,
    /// The keys of this `GoHub`: those of its Secret, or new ones where there is no Secret yet.
    pub keys: Keys,
    /// Certificates of the managed etcd cluster: those of its Secrets, or new ones.
    pub certificates: Certificates,
    /// Whether the API server knows ServiceMonitors.
    pub service_monitors: bool,
    /// Whether the API server knows PrometheusRules.
    pub prometheus_rules: bool,
    /// The hubs' Deployment; `None` before it exists.
    pub deployment: Option<Deployment>,
    /// The hub pods, by name.
    pub pods: Vec<HubPod>,
    /// The managed etcd cluster.
    pub etcd: Observation,
    /// Whether `spec.paused` keeps something of the spec from being applied.
    pub held_back: bool,
}

/// What the spec names in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where it is named.
    pub field: &'static str,
    /// What is missing, in words.
    pub message: String,
}

/// The family of the pods' addresses: in a cluster with both, that of the one a pod calls its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The address that means all of a pod's own, as it stands before a port.
    #[must_use]
    pub fn any(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0",
            Self::V6 => "[::]",
        }
    }

    /// An address of this family, as it stands before a port.
    #[must_use]
    pub fn host(self, address: &str) -> String {
        match self {
            Self::V4 => address.to_owned(),
            Self::V6 => format!("[{address}]"),
        }
    }
}

/// Secrets that nobody needs to know but hubs and operator.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// What hubs show each other.
    pub peer: String,
    /// What opens the hubs' admin API for the operator.
    pub admin: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(***)")
    }
}

/// Certificates in PEM: every connection to etcd and between its members shows one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Who signs them.
    pub authorities: Authorities,
    /// What members show to whoever connects to them.
    pub member: Pair,
    /// What members show to each other. It names no host, so that etcd looks none up in reverse before it lets a member in.
    pub peer: Pair,
    /// What hubs and the operator show to members.
    pub client: Pair,
}

/// The authorities of one etcd cluster. They sign for nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities {
    /// The one that signs.
    pub signing: Pair,
    /// The one that will: everybody must trust it before it signs anything.
    pub next: Option<Pair>,
    /// Certificates of those that signed before, and are trusted until they expire.
    pub previous: Vec<String>,
}

impl Authorities {
    /// Certificates of all that are trusted, as one PEM file. Its order depends on nothing but the set, because the file is part of
    /// what a member must be restarted for.
    #[must_use]
    pub fn trusted(&self) -> String {
        let next = self.next.iter().map(|pair| pair.certificate.as_str());
        let previous = self.previous.iter().map(String::as_str);
        let mut all: Vec<&str> = next.chain(previous).chain([self.signing.certificate.as_str()]).collect();
        all.sort_unstable();
        all.dedup();
        all.concat()
    }
}

/// A certificate and its key, in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair(***)")
    }
}

/// What the Deployment says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Whether its controller has seen its newest spec; before, its numbers speak of an older one.
    pub current: bool,
    /// Pods that an autoscaler of somebody else's wants, if one steers it.
    pub wanted_by_other: Option<i32>,
    /// Pods that exist.
    pub replicas: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Pods that are ready and have been for long enough.
    pub available: i32,
    /// What it says if it gave up on a rollout.
    pub stuck: Option<String>,
    /// What keeps the first of its pods from running, long before it gives up.
    pub trouble: Option<String>,
    /// The same, or the first that is not ready yet.
    pub waits_for: Option<String>,
}

/// A hub pod and what the hub in it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubPod {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// What the hub answered; `None` if it did not.
    pub report: Option<Report>,
}

/// What a hub says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Hash of the configuration it runs.
    pub config: String,
    /// Why it refused a newer one.
    pub refusal: Option<String>,
    /// Whether its delivery canary comes back.
    pub delivering: bool,
    /// Its open connections.
    pub connections: i64,
}
