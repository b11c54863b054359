//! `spec.etcd`: none, one of ours, or somebody else's.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceRequirements, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// The etcd cluster that carries messages between hubs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::ETCD)))]
pub struct Etcd {
    /// Whose etcd it is.
    pub mode: EtcdMode,
    /// The cluster that the operator runs, with mode `Managed`.
    pub managed: Managed,
    /// The cluster that somebody else runs, with mode `External`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
}

/// Whose etcd it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EtcdMode {
    /// None: one hub by itself.
    Disabled,
    /// The operator creates, secures, scales and heals it.
    #[default]
    Managed,
    /// It exists already.
    External,
}

/// An etcd cluster that the operator runs, for this `GoHub` alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::MANAGED)))]
pub struct Managed {
    /// Number of members: 1 for trials, 3 survives the loss of one, 5 of two.
    #[schemars(range(min = 1, max = 5))]
    pub replicas: i32,
    /// etcd's image.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// The volume of each member.
    pub storage: Storage,
    /// CPU and memory of each member.
    pub resources: ResourceRequirements,
    /// Labels of nodes that members may run on.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that members bear.
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
}

impl Default for Managed {
    fn default() -> Self {
        Self {
            replicas: 1,
            image: "etcd:v3.6.8".to_owned(),
            storage: Storage::default(),
            resources: ResourceRequirements::default(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
        }
    }
}

/// The volume of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::STORAGE)))]
pub struct Storage {
    /// Its size in Mi or Gi; it may grow where the class allows it.
    #[schemars(length(max = 12), regex(pattern = r"^[1-9][0-9]*(Mi|Gi)$"))]
    pub size: String,
    /// Its storage class; without one the cluster's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// What becomes of the volumes when the `GoHub` is deleted.
    pub when_deleted: PvcPolicy,
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: "4Gi".to_owned(), class_name: None, when_deleted: PvcPolicy::Retain }
    }
}

/// What becomes of volumes when their `GoHub` is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PvcPolicy {
    /// They stay.
    #[default]
    Retain,
    /// They are deleted with it.
    Delete,
}

/// An etcd cluster that exists already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct External {
    /// Its members, each `http://host:2379` or `https://host:2379`.
    #[schemars(length(min = 1, max = 9), inner(length(max = 512), regex(pattern = r"^https?://[^/\s]+$")))]
    pub endpoints: Vec<String>,
    /// A Secret with `ca.crt`, `tls.crt` and `tls.key`; it is mounted into the hubs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tls_secret: Option<String>,
}
