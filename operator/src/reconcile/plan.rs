//! What is to be: a `GoHub` whose every field was judged, with its defaults resolved. The only input of `build`.

use gohub_settings::Settings;

use super::observed::{Certificates, Family, Keys};
use crate::api::v1alpha1::{Autoscaling, External, Hub, Managed, Monitoring, NetworkPolicy, Rollout, Service};

/// What is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Whose objects they are.
    pub owner: Owner,
    /// What addresses the pods have.
    pub family: Family,
    /// The hub pods.
    pub hub: Hub,
    /// Bounds of the autoscaler, if there is one.
    pub autoscaling: Option<Autoscaling>,
    /// The configuration.
    pub config: Config,
    /// The Service that clients reach.
    pub service: Service,
    /// How pods are replaced.
    pub rollout: Rollout,
    /// The bus.
    pub etcd: Etcd,
    /// Who watches; already without what the API server does not know.
    pub monitoring: Monitoring,
    /// Who may connect.
    pub network_policy: NetworkPolicy,
    /// The keys of hubs and operator.
    pub keys: Keys,
}

impl Plan {
    /// What the members of the managed etcd cluster are made from, if there is one.
    #[must_use]
    pub fn etcd_cluster(&self) -> Option<EtcdCluster<'_>> {
        let Etcd::Managed { spec, certificates, .. } = &self.etcd else { return None };
        Some(EtcdCluster { owner: &self.owner, family: self.family, spec, certificates })
    }
}

/// What the members of a managed etcd cluster are made from.
#[derive(Clone, Copy, Debug)]
pub struct EtcdCluster<'a> {
    /// Whose they are.
    pub owner: &'a Owner,
    /// What addresses pods have.
    pub family: Family,
    /// What was asked for.
    pub spec: &'a Managed,
    /// What they show, and whom they trust.
    pub certificates: &'a Certificates,
}

/// The `GoHub` that owns every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name: a DNS label of at most 40 characters, so that every name made from it is one.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid: a `GoHub` that was deleted and made again under the same name owns nothing of the old one.
    pub uid: String,
}

/// The configuration of the hubs.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where the file comes from.
    pub source: Source,
    /// Hash that every hub reports once it runs this file.
    pub hash: String,
    /// The settings as hubs understand them, the operator's part included.
    pub settings: Settings,
}

/// Where the hubs' file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From `spec.config`, into a ConfigMap of ours.
    Plain(String),
    /// From `spec.config` with a secret in it, into a Secret of ours.
    Secret(String),
    /// A ConfigMap of the user's.
    Theirs {
        /// Its name.
        name: String,
        /// The key.
        key: String,
    },
}

/// The bus between hubs.
#[derive(Clone, Debug, PartialEq)]
pub enum Etcd {
    /// One hub by itself.
    Disabled,
    /// A cluster of ours.
    Managed {
        /// What was asked for.
        spec: Box<Managed>,
        /// Its certificates.
        certificates: Box<Certificates>,
        /// Voting members there are now; a majority of these must not be evicted while the number changes.
        voters: usize,
        /// Whether it has lived: no other is ever begun under its name.
        bootstrapped: bool,
    },
    /// A cluster of somebody else's.
    External(External),
}

impl Etcd {
    /// Whether hubs exchange messages.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        *self != Self::Disabled
    }
}
