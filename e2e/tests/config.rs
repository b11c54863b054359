//! Configuration reaches every hub within seconds, from the `GoHub` and from a ConfigMap of one's own, and disconnects nobody.

use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::{GoHubStatus, PodStatus};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Patch, PatchParams};
use serde_json::json;

/// What is promised.
const SOON: Duration = Duration::from_secs(10);
const HUBS: usize = 5;
/// Kubelet by itself looks at a pod's ConfigMaps once a minute or so.
const KUBELET: Duration = Duration::from_secs(150);

fn with_config(config: &str) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: {HUBS} }}
  {config}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: 512Mi }} }} }}
"
    )
}

#[tokio::test]
async fn an_edit_of_the_gohub_is_loaded_by_every_hub_within_ten_seconds_and_disconnects_nobody() {
    bed::test("config-spec", async |bed| {
        bed.apply(&with_config("config: { heartbeat: { interval: 20s } }")).await;
        let before = bed.until_condition("chat", "Ready").await.config.hash;
        let crowd = bed.crowd("chat", 30, 10).await;

        bed.apply(&with_config("config: { heartbeat: { interval: 21s } }")).await;
        let after = all_hubs_change_from(bed, &before).await;
        let status = bed.until_condition("chat", "ConfigConverged").await;
        assert_eq!((status.config.hash.as_str(), status.config.summary.as_str()), (after.as_str(), "5/5"));
        assert!(status.pods.iter().all(|pod| pod.config == after && pod.refusal.is_empty()), "{:?}", status.pods);

        let report = crowd.finish().await;
        assert_eq!((report.verdict, report.all.reconnects), (Verdict::Complete, 0), "{report:#?}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_field_is_refused_by_the_api_server_before_any_hub_sees_it() {
    bed::test("config-schema", async |bed| {
        let refused = bed.try_apply(&with_config("config: { heartbeat: { intervall: 20s } }")).await;
        let message = refused.expect_err("it is refused").to_string();
        assert!(message.contains("intervall"), "{message}");
    })
    .await;
}

#[tokio::test]
async fn an_edit_of_ones_own_config_map_is_loaded_and_a_bad_one_is_refused_and_shown() {
    bed::test("config-map", async |bed| {
        bed.apply(&map("heartbeat: { interval: 20s }")).await;
        bed.apply(&with_config("configFrom: { name: chat-settings }")).await;
        let first = bed.until_condition("chat", "Ready").await.config.hash;
        let crowd = bed.crowd("chat", 30, 10).await;

        edit(bed, "heartbeat: { interval: 21s }").await;
        let second = all_hubs_change_from(bed, &first).await;
        bed.until_condition("chat", "ConfigConverged").await;

        edit(bed, "heartbeat: { interval: never }").await;
        let status = bed.until_condition_is("chat", "ConfigConverged", "False").await;
        let refused = status.conditions.iter().find(|one| one.type_ == "ConfigConverged").expect("it was waited for");
        assert_eq!(refused.reason, "ConfigRefused");
        assert!(refused.message.contains("interval"), "{}", refused.message);
        assert_eq!(status.config.summary, "refused", "what `kubectl get` shows");
        // The operator knows at once. Each hub judges for itself when kubelet brings it the file, and only then is there something to keep.
        look_now(bed).await;
        let look = async || bed.status("chat").await;
        let judged = |status: &GoHubStatus| {
            status.pods.len() == HUBS && status.pods.iter().all(|pod| pod.refusal.contains("heartbeat.interval"))
        };
        let (status, took) = bed::within(KUBELET, "every hub has refused it in its own words", look, judged).await;
        eprintln!("{HUBS} hubs have refused the configuration after {took:?}: {}", status.pods[0].refusal);
        let told = status.conditions.iter().find(|one| one.type_ == "ConfigConverged").map(|one| one.message.as_str());
        let in_its_words = |pod: &PodStatus| told == Some(&*format!("{} refused it: {}", pod.name, pod.refusal));
        assert!(status.pods.iter().any(in_its_words), "{told:?} of {:?}", status.pods);
        for hub in bed.until_pods("chat", "hub", HUBS).await {
            assert_eq!(bed.figures(&hub).await.config_hash(), Some(second.as_str()), "{hub} keeps the last good one");
        }

        edit(bed, "heartbeat: { interval: 22s }").await;
        all_hubs_change_from(bed, &second).await;
        bed.until_condition("chat", "ConfigConverged").await;

        let report = crowd.finish().await;
        assert_eq!((report.verdict, report.all.reconnects), (Verdict::Complete, 0), "{report:#?}");
    })
    .await;
}

/// Waits until every hub reports one and the same new hash, and returns it.
async fn all_hubs_change_from(bed: &Bed, old: &str) -> String {
    let hubs = bed.until_pods("chat", "hub", HUBS).await;
    // All at once: they are promised to be ready at the same time, and each look costs a connection through the API server.
    let hash = async |hub: &String| bed.figures(hub).await.config_hash().unwrap_or_default().to_owned();
    let look = async || futures::future::join_all(hubs.iter().map(&hash)).await;
    let changed =
        |hashes: &Vec<String>| hashes.iter().all(|hash| !hash.is_empty() && hash != old && *hash == hashes[0]);
    let (hashes, took) = bed::within(SOON, "every hub runs the new configuration", look, changed).await;
    eprintln!("{} hubs run the new configuration after {took:?}", hashes.len());
    hashes.into_iter().next().expect("there are hubs")
}

/// Makes kubelet look at the hubs' ConfigMaps, as any change of a pod does: for a file that it knows to be bad the operator does not.
async fn look_now(bed: &Bed) {
    let touch = Patch::Merge(json!({ "metadata": { "annotations": { "gohub.io/e2e": "look" } } }));
    for hub in bed.until_pods("chat", "hub", HUBS).await {
        bed.api::<Pod>().patch(&hub, &PatchParams::default(), &touch).await.expect("it is touched");
    }
}

fn map(config: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: chat-settings }}\ndata:\n  config.yaml: |\n    {config}\n"
    )
}

/// As `kubectl edit configmap` does it.
async fn edit(bed: &Bed, config: &str) {
    let patch = Patch::Merge(json!({ "data": { "config.yaml": config } }));
    bed.api::<ConfigMap>().patch("chat-settings", &PatchParams::default(), &patch).await.expect("it is edited");
}
