//! The operator itself, which every test shares: only tests that run alone take it away.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, ListParams, LogParams, Patch, PatchParams};
use serde_json::json;

use super::namespace::Bed;
use super::wait::eventually;

/// Where the chart is installed.
const NAMESPACE: &str = "gohub-system";
const SELECTOR: &str = "app.kubernetes.io/name=gohub-operator";

impl Bed {
    /// Does something while no operator runs. It is back afterwards, whatever became of it.
    pub async fn without_operator(&self, body: impl AsyncFnOnce()) {
        let before = self.set_operators(0).await;
        let outcome = AssertUnwindSafe(body()).catch_unwind().await;
        self.set_operators(before).await;
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }

    /// Replaces the operator as an upgrade of its chart does: another template of its pod, rolled out.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn upgrade_operator(&self) {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let name = self.operator().await.name_any();
        let version = json!({ "gohub.io/e2e": self.namespace });
        let patch = Patch::Merge(json!({ "spec": { "template": { "metadata": { "annotations": version } } } }));
        let patched = api.patch(&name, &PatchParams::default(), &patch).await.expect("the operator is changed");
        let look = async || api.get_status(&name).await.expect("the operator is there").status.unwrap_or_default();
        let rolled = |status: &DeploymentStatus| {
            let (all, ready) = (status.replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0));
            let is_new = status.observed_generation >= patched.metadata.generation;
            is_new && all > 0 && status.updated_replicas == Some(all) && ready == all
        };
        eventually("the operator is replaced", look, rolled).await;
    }

    async fn operator(&self) -> Deployment {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let listed = api.list(&ListParams::default().labels(SELECTOR)).await.expect("deployments are listed");
        listed.items.into_iter().next().expect("the operator is installed")
    }

    /// What the operators that run have written so far.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn operator_log(&self) -> String {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        let pods = api.list(&ListParams::default().labels(SELECTOR)).await.expect("the operator's pods are listed");
        let logs = pods.iter().map(|pod| async { api.logs(&pod.name_any(), &LogParams::default()).await });
        futures::future::try_join_all(logs).await.expect("the operator's log").concat()
    }

    /// Returns how many there were.
    async fn set_operators(&self, count: i32) -> i32 {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), NAMESPACE);
        let deployment = self.operator().await;
        let name = deployment.name_any();
        let patch = Patch::Merge(json!({ "spec": { "replicas": count } }));
        api.patch_scale(&name, &PatchParams::default(), &patch).await.expect("the operator is scaled");
        let running = async || {
            let status = api.get_status(&name).await.expect("the operator is there").status.unwrap_or_default();
            (status.replicas.unwrap_or(0), status.ready_replicas.unwrap_or(0))
        };
        eventually("the operator is as many as asked for", running, |seen| *seen == (count, count)).await;
        deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1)
    }
}
