//! Nodes, as `kubectl drain` takes them out of service: closed to new pods, and emptied by evictions, which budgets may refuse.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, EvictParams};

use super::namespace::Bed;
use super::wait::eventually;

/// Too many requests: a budget is against it for now.
const BLOCKED: u16 = 429;

impl Bed {
    /// Asks for the eviction of a pod; `false`: a disruption budget refuses it for now. A pod that is gone counts as evicted.
    ///
    /// # Panics
    /// When the API server says anything else.
    pub async fn evict(&self, pod: &str) -> bool {
        // The refusal is the answer here, and not a reason to try again in silence.
        let pods: Api<Pod> = Api::namespaced(self.firm.clone(), &self.namespace);
        match pods.evict(pod, &EvictParams::default()).await {
            Ok(_) => true,
            Err(kube::Error::Api(status)) if status.code == BLOCKED => false,
            Err(kube::Error::Api(status)) if status.code == 404 => true,
            Err(error) => panic!("evict {pod}: {error}"),
        }
    }

    /// Does something while a node takes no new pods. It takes them again when this returns, also when the body panics.
    ///
    /// # Panics
    /// When the node cannot be changed, and when the body does.
    pub async fn cordoned(&self, node: &str, body: impl AsyncFnOnce()) {
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.cordon(node).await.unwrap_or_else(|error| panic!("cordon {node}: {error}"));
        let outcome = AssertUnwindSafe(body()).catch_unwind().await;
        nodes.uncordon(node).await.unwrap_or_else(|error| panic!("uncordon {node}: {error}"));
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    /// Waits until Kubernetes has noticed that a node says nothing.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn until_node_is_silent(&self, node: &str) {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let look = async || {
            let status = nodes.get(node).await.unwrap_or_else(|error| panic!("{node}: {error}")).status;
            let ready = status.and_then(|status| status.conditions?.into_iter().find(|one| one.type_ == "Ready"));
            ready.map(|ready| ready.status).unwrap_or_default()
        };
        eventually(&format!("{node} is silent"), look, |status| status == "Unknown").await;
    }
}
