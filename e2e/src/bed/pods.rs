//! Pods: which there are, what they said, and taking them away.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, DeleteParams, ListParams, LogParams};
use tokio::io::AsyncReadExt;

use super::namespace::Bed;
use super::wait::eventually;

/// Whether the kubelet says so.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

impl Bed {
    /// The pods of a component (`hub`, `etcd`) of a `GoHub`, those that are going included, by name.
    ///
    /// # Panics
    /// When they cannot be listed.
    pub async fn pods(&self, gohub: &str, component: &str) -> Vec<Pod> {
        let labels = format!("app.kubernetes.io/instance={gohub},app.kubernetes.io/component={component}");
        let listed = self.api::<Pod>().list(&ListParams::default().labels(&labels)).await.expect("pods are listed");
        let mut pods = listed.items;
        pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        pods
    }

    /// Whether a pod is there and ready.
    pub async fn is_ready(&self, pod: &str) -> bool {
        self.api::<Pod>().get_opt(pod).await.ok().flatten().is_some_and(|pod| is_ready(&pod))
    }

    /// Waits until exactly so many pods are there and all are ready, and returns their names.
    pub async fn until_pods(&self, gohub: &str, component: &str, count: usize) -> Vec<String> {
        let look = async || {
            let pods = self.pods(gohub, component).await;
            let ready = pods.iter().filter(|pod| is_ready(pod)).count();
            (ready, pods.iter().filter_map(|pod| pod.metadata.name.clone()).collect::<Vec<_>>())
        };
        let what = format!("{gohub}: {count} {component} pods, all ready");
        eventually(&what, look, |(ready, names)| *ready == count && names.len() == count).await.1
    }

    /// Kills a pod without a grace period: nothing in it is told.
    ///
    /// # Panics
    /// When it cannot be deleted.
    pub async fn kill(&self, pod: &str) {
        let at_once = DeleteParams::default().grace_period(0);
        self.api::<Pod>().delete(pod, &at_once).await.unwrap_or_else(|error| panic!("kill {pod}: {error}"));
    }

    /// What a pod has written so far.
    ///
    /// # Panics
    /// When its log cannot be read.
    pub async fn log(&self, pod: &str) -> String {
        let log = self.api::<Pod>().logs(pod, &LogParams::default()).await;
        log.unwrap_or_else(|error| panic!("the log of {pod}: {error}"))
    }

    /// Runs a program in a pod and returns what it wrote to standard output.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn exec(&self, pod: &str, command: &[&str]) -> String {
        let parameters = AttachParams::default().stderr(false);
        let started = self.api::<Pod>().exec(pod, command.iter().copied(), &parameters).await;
        let mut process = started.unwrap_or_else(|error| panic!("exec {command:?} in {pod}: {error}"));
        let mut output = String::new();
        if let Some(mut stdout) = process.stdout() {
            stdout.read_to_string(&mut output).await.expect("text");
        }
        drop(process.join().await);
        output
    }
}
