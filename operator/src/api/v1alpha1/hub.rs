//! `spec.hub`, `spec.service`, `spec.rollout`: the hub pods, the way to them and the way they are replaced.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LocalObjectReference, ResourceRequirements, Toleration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;

/// The hub pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::HUB)))]
pub struct Hub {
    /// The hub's image.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// Number of hub pods; 0 stops them and keeps everything else. `kubectl scale` sets it. With `autoscaling` it only counts until the
    /// autoscaler has spoken.
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,
    /// Lets a HorizontalPodAutoscaler choose the number of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// CPU and memory of each pod.
    pub resources: ResourceRequirements,
    /// Secrets to pull the image with.
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Labels of nodes that pods may run on.
    pub node_selector: BTreeMap<String, String>,
    /// Taints that pods bear.
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// Priority of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Annotations of the pods.
    pub pod_annotations: BTreeMap<String, String>,
    /// Name of a `kubernetes.io/tls` Secret with the certificate of the public listener; a rotated one is loaded without a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tls_secret: Option<String>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            image: concat!("gohub:", env!("CARGO_PKG_VERSION")).to_owned(),
            replicas: 1,
            autoscaling: None,
            resources: ResourceRequirements::default(),
            image_pull_secrets: Vec::new(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            priority_class_name: None,
            pod_annotations: BTreeMap::new(),
            tls_secret: None,
        }
    }
}

/// Bounds and aims of the autoscaler, which works through this resource's own scale subresource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::AUTOSCALING)))]
pub struct Autoscaling {
    /// Fewest pods.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,
    /// Most pods.
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,
    /// CPU to aim at, in percent of what the pods request.
    #[serde(default = "eighty")]
    #[schemars(range(min = 1, max = 100))]
    pub target_cpu_percent: i32,
}

fn one() -> i32 {
    1
}

fn eighty() -> i32 {
    80
}

/// The Service that clients reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// Where it can be reached from.
    #[serde(rename = "type")]
    pub exposure: Exposure,
    /// Its port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Its annotations, for load balancers.
    pub annotations: BTreeMap<String, String>,
    /// An Ingress in front of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
}

impl Default for Service {
    fn default() -> Self {
        Self { exposure: Exposure::ClusterIP, port: 80, annotations: BTreeMap::new(), ingress: None }
    }
}

/// An Ingress. Give its controller a read timeout well above `config.heartbeat.interval`: many cut a connection that was silent for a
/// minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = rules::of(rules::INGRESS)))]
pub struct Ingress {
    /// The host name under which clients come.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,
    /// The ingress class; the cluster's default one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Name of a `kubernetes.io/tls` Secret with the certificate that the controller shows; without one it speaks plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tls_secret: Option<String>,
    /// Its annotations, for the controller: timeouts, certificates.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Where a Service can be reached from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Exposure {
    /// Inside the cluster.
    #[default]
    ClusterIP,
    /// On a port of every node.
    NodePort,
    /// Through the cloud's load balancer.
    LoadBalancer,
}

/// How hub pods are replaced. A pod is only taken away when its successor is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout {
    /// How many pods more than wanted there may be meanwhile.
    #[schemars(range(min = 1, max = 100))]
    pub max_surge: i32,
    /// Seconds a new pod must have been ready before the next one is replaced.
    #[schemars(range(min = 0, max = 3600))]
    pub min_ready_seconds: i32,
    /// Seconds without progress after which a rollout counts as stuck.
    #[schemars(range(min = 60, max = 86400))]
    pub progress_deadline_seconds: i32,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { max_surge: 1, min_ready_seconds: 5, progress_deadline_seconds: 600 }
    }
}
