//! `status`: what the operator saw and did.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator saw and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct GoHubStatus {
    /// The generation of the spec that this status speaks of.
    pub observed_generation: i64,
    /// What can be waited for.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The hub pods together.
    pub hub: HubStatus,
    /// The etcd cluster.
    pub etcd: EtcdStatus,
    /// The configuration.
    pub config: ConfigStatus,
    /// Each hub pod, by name.
    pub pods: Vec<PodStatus>,
}

/// The hub pods together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HubStatus {
    /// Pods that exist.
    pub replicas: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Pods that are ready.
    pub ready: i32,
    /// Open connections of all of them.
    pub connections: i64,
    /// Selects the hub pods; the scale subresource hands it to autoscalers.
    pub selector: String,
    /// Updated and ready pods of those wanted, as `2/3`.
    pub summary: String,
    /// The pod that a rollout waits for, and why, in kubelet's words; empty while it waits for none.
    pub waiting_for: String,
}

/// The etcd cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct EtcdStatus {
    /// Voting members that answer.
    pub ready: i32,
    /// Its members, by name.
    pub members: Vec<EtcdMember>,
    /// Alarms that etcd raised.
    pub alarms: Vec<String>,
    /// Answering voters of those wanted as `3/3`, or `external`, or `none`.
    pub summary: String,
}

/// A member of the etcd cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct EtcdMember {
    /// Its name, which is its pod's.
    pub name: String,
    /// etcd's own id of it, hexadecimal.
    pub id: String,
    /// `leader`, `voter` or `learner`.
    pub role: String,
    /// Whether it answers.
    pub healthy: bool,
}

/// The configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigStatus {
    /// Hash of the configuration that was written last, as every hub reports it once it runs it.
    pub hash: String,
    /// Hubs that run it of all, as `3/3`; `refused` while a newer one is refused.
    pub summary: String,
}

/// A hub pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Hash of the configuration it runs; empty while it does not answer.
    pub config: String,
    /// Why it refused the newest configuration; empty if it did not.
    pub refusal: String,
    /// Its open connections.
    pub connections: i64,
}
