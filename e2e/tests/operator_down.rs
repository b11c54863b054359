//! Without the operator hubs and etcd go on, and heal as far as Kubernetes heals by itself; what was missed is made up for, and nothing
//! else is touched.

use std::collections::BTreeMap;
use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

/// Kubelet by itself looks at a pod's ConfigMaps once a minute or so; without the operator nobody tells it to look at once.
const KUBELET: Duration = Duration::from_secs(150);

fn gohub(replicas: i32) -> String {
    format!(
        r#"
apiVersion: v1
kind: ConfigMap
metadata: {{ name: chat-settings }}
data: {{ config.yaml: "heartbeat: {{ interval: 20s }}" }}
---
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: {replicas} }}
  configFrom: {{ name: chat-settings }}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: 512Mi }} }} }}
"#
    )
}

#[tokio::test]
async fn o45_hubs_serve_on_and_the_backlog_is_done_when_the_operator_is_back() {
    bed::test("operator-down", async |bed| {
        bed.apply(&gohub(2)).await;
        let before = bed.until_condition("chat", "Ready").await.config.hash;
        let crowd = bed.crowd("chat", 40, 10).await;
        let mut pods = BTreeMap::new();

        bed.without_operator(async || {
            crowd.until_acked(20).await;
            let killed = bed.until_pods("chat", "hub", 2).await.remove(0);
            bed.kill(&killed).await;
            let hubs = bed.until_pods("chat", "hub", 2).await;
            assert!(!hubs.contains(&killed), "Kubernetes replaces a hub by itself");
            // As `kubectl edit` does, and not as the apply below, which would take it back.
            let edit = Patch::Merge(json!({ "data": { "config.yaml": "heartbeat: { interval: 21s }" } }));
            let maps = bed.api::<ConfigMap>();
            maps.patch("chat-settings", &PatchParams::default(), &edit).await.expect("it is edited");
            let loaded = async || {
                let mut hashes = Vec::new();
                for hub in &hubs {
                    hashes.push(bed.figures(hub).await.config_hash().unwrap_or_default().to_owned());
                }
                hashes
            };
            let changed = |hashes: &Vec<String>| hashes.iter().all(|hash| !hash.is_empty() && *hash != before);
            bed::within(KUBELET, "every hub loads the new file by itself", loaded, changed).await;
            bed.scale("chat", 3).await;
            crowd.until_acked(20).await;
            pods = restarts(bed).await;
        })
        .await;

        bed.until_pods("chat", "hub", 3).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_ne!(status.config.hash, before, "the operator, too, has learned of the new file");
        // What an upgrade of the operator does to pods is the same: nothing.
        let mut after = restarts(bed).await;
        assert_eq!(after.len(), pods.len() + 1, "one more hub: {pods:?}, then {after:?}");
        after.retain(|pod, _| pods.contains_key(pod));
        assert_eq!(after, pods, "nothing else was restarted");
        let report = crowd.finish().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    })
    .await;
}

#[tokio::test]
async fn o43_an_upgrade_of_the_operator_restarts_no_pod() {
    bed::test("operator-upgrade", async |bed| {
        bed.apply(&gohub(2)).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 20, 10).await;
        let (pods, before) = (restarts(bed).await, bed.normalised("chat").await);
        let history = bed.history("chat").await;

        bed.upgrade_operator().await;
        // The new one takes part: it does what is asked of it.
        bed.scale("chat", 3).await;
        bed.until_pods("chat", "hub", 3).await;
        bed.until_condition("chat", "Ready").await;

        let mut now = restarts(bed).await;
        now.retain(|pod, _| pods.contains_key(pod));
        assert_eq!(now, pods, "neither a hub nor a member of etcd was restarted");
        let template =
            |objects: &BTreeMap<String, Value>| objects["Deployment chat"]["rest"]["spec"]["template"].clone();
        assert_eq!(template(&bed.normalised("chat").await), template(&before));
        assert!(
            history.turns("EtcdReady").iter().all(|(status, _)| status == "True"),
            "{:?}",
            history.turns("EtcdReady")
        );
        let report = crowd.finish().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    })
    .await;
}

/// The pods by uid, and how often their containers were restarted.
async fn restarts(bed: &Bed) -> BTreeMap<String, i32> {
    let mut found = BTreeMap::new();
    for component in ["hub", "etcd"] {
        for pod in bed.pods("chat", component).await {
            let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            let restarts = containers.map(|container| container.restart_count).sum();
            found.insert(pod.uid().unwrap_or_default(), restarts);
        }
    }
    found
}
