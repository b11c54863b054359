//! `GoHub` as version `v1alpha1` has it: what a user may ask for, and what the operator answers.
//!
//! Limits stand in the schema, rules across fields in [`rules`] (CEL, so no webhook is needed), and `reconcile::validate` repeats those that
//! would harm if an API server let them through.

mod etcd;
mod hub;
mod monitoring;
pub mod rules;
mod schema;
mod status;

use gohub_settings::Settings;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use etcd::{Etcd, EtcdMode, External, Managed, PvcPolicy, Storage};
pub use hub::{Autoscaling, Exposure, Hub, Ingress, Rollout, Service};
pub use monitoring::{Monitoring, NetworkPolicy};
pub use status::{ConfigStatus, EtcdMember, EtcdStatus, GoHubStatus, HubStatus, PodStatus};

/// A WebSocket hub: its pods, its etcd cluster and its configuration.
#[derive(Clone, Debug, Default, CustomResource, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "gohub.io",
    version = "v1alpha1",
    kind = "GoHub",
    plural = "gohubs",
    shortname = "gh",
    namespaced,
    derive = "Default",
    status = "GoHubStatus",
    doc = "A WebSocket hub: its pods, its etcd cluster and its configuration.",
    scale(
        spec_replicas_path = ".spec.hub.replicas",
        status_replicas_path = ".status.hub.replicas",
        label_selector_path = ".status.hub.selector"
    ),
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Hubs","type":"string","description":"hubs that run the newest template, of those wanted","jsonPath":".status.hub.summary"}"#,
    printcolumn = r#"{"name":"Connections","type":"integer","jsonPath":".status.hub.connections"}"#,
    printcolumn = r#"{"name":"Etcd","type":"string","description":"voting members that answer, of those wanted","jsonPath":".status.etcd.summary"}"#,
    printcolumn = r#"{"name":"Config","type":"string","description":"hubs that run the newest configuration, of all, or that it is refused","jsonPath":".status.config.summary"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    validation = Rule::new(rules::NAME.rule).message(rules::NAME.message)
)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = schema::structural, extend("x-kubernetes-validations" = rules::of(rules::SPEC)))]
pub struct GoHubSpec {
    /// The hub pods.
    pub hub: Hub,
    /// The hubs' configuration, exactly as in a hub's `config.yaml`. Changes are loaded without a restart. What is left out keeps the
    /// hub's own default. With a token, password or key in it the hubs' file is a Secret instead of a ConfigMap; who may read this object
    /// reads it here all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Settings>,
    /// A ConfigMap of the same namespace to take the configuration from, instead of `config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_from: Option<ConfigFrom>,
    /// How clients reach the hubs.
    pub service: Service,
    /// How hub pods are replaced.
    pub rollout: Rollout,
    /// The etcd cluster that carries messages between hubs.
    pub etcd: Etcd,
    /// Who watches the hubs.
    pub monitoring: Monitoring,
    /// Who may reach the pods.
    pub network_policy: NetworkPolicy,
    /// Whether the operator leaves everything as it is. Pods that are lost are still replaced by Kubernetes.
    pub paused: bool,
}

/// A key of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigFrom {
    /// The ConfigMap's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key whose value is the configuration.
    #[serde(default = "config_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

fn config_key() -> String {
    "config.yaml".to_owned()
}
