//! What somebody changes or deletes by hand is put right, and what is not the operator's is left alone.

use std::fmt::Debug;
use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Resource;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ONE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 1 }
  etcd: { mode: Disabled }
";

/// What is promised.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn o11_hand_edits_are_reverted_in_ten_seconds_and_foreign_labels_stay() {
    bed::test("hand-edits", async |bed| {
        bed.apply(ONE).await;
        bed.until_condition("chat", "Ready").await;
        let other = json!({ "app.kubernetes.io/instance": "other" });
        is_reverted::<Service>(bed, "chat", "/spec/selector", json!({ "spec": { "selector": other } })).await;
        let file = json!({ "data": { "config.yaml": "heartbeat: { interval: 1s }" } });
        is_reverted::<ConfigMap>(bed, "chat-config", "/data", file).await;
        let number = json!({ "spec": { "replicas": 2 } });
        is_reverted::<Deployment>(bed, "chat", "/spec/replicas", number).await;
        let owners = json!({ "metadata": { "ownerReferences": null } });
        is_reverted::<Service>(bed, "chat", "/metadata/ownerReferences", owners).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!(status.hub.summary, "1/1");
    })
    .await;
}

/// Edits with a label of somebody's own, and waits until the edited place is as before.
async fn is_reverted<K>(bed: &Bed, name: &str, place: &str, mut edit: Value)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned + Serialize,
{
    let api = bed.api::<K>();
    let look = async || serde_json::to_value(api.get(name).await.expect("it is there")).expect("it has a JSON form");
    let before = look().await.pointer(place).cloned();
    assert!(before.is_some(), "{} {name} has {place}", K::kind(&()));
    edit["metadata"]["labels"]["team"] = json!("chat");
    let edited = api.patch(name, &PatchParams::default(), &Patch::Merge(&edit)).await.expect("it is edited");
    let edited = serde_json::to_value(edited).expect("it has a JSON form").pointer(place).cloned();
    assert_ne!(edited, before, "the edit changes something");
    let what = format!("{place} of {} {name} is the operator's again", K::kind(&()));
    let (after, took) = bed::within(SOON, &what, look, |after| after.pointer(place) == before.as_ref()).await;
    eprintln!("{what} after {took:?}");
    assert_eq!(after.pointer("/metadata/labels/team"), Some(&json!("chat")), "a label of somebody else's stays");
}

#[tokio::test]
async fn o12_what_is_deleted_by_hand_comes_back() {
    bed::test("hand-deletes", async |bed| {
        bed.apply(ONE).await;
        bed.until_condition("chat", "Ready").await;
        comes_back::<Service>(bed, "chat").await;
        comes_back::<ConfigMap>(bed, "chat-config").await;
        comes_back::<ServiceAccount>(bed, "chat").await;
        comes_back::<NetworkPolicy>(bed, "chat").await;
        comes_back::<PodDisruptionBudget>(bed, "chat").await;
        comes_back::<Secret>(bed, "chat-keys").await;
        comes_back::<Deployment>(bed, "chat").await;
        bed.until_condition("chat", "Ready").await;
    })
    .await;
}

async fn comes_back<K>(bed: &Bed, name: &str)
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api = bed.api::<K>();
    let old = api.get(name).await.expect("it is there").meta().uid.clone();
    api.delete(name, &DeleteParams::default()).await.expect("it is deleted");
    let look = async || api.get_opt(name).await.ok().flatten().and_then(|object| object.meta().uid.clone());
    let what = format!("another {} {name}", K::kind(&()));
    bed::within(SOON, &what, look, |new| new.is_some() && *new != old).await;
}

#[tokio::test]
async fn o44_a_status_that_somebody_wrote_is_recomputed() {
    bed::test("hand-status", async |bed| {
        bed.apply(ONE).await;
        let before = bed.until_condition("chat", "Ready").await;
        let lie = json!({ "status": {
            "observedGeneration": 99,
            "hub": { "ready": 7, "summary": "7/7" },
            "config": { "hash": "none" },
            "conditions": [{
                "type": "Ready", "status": "False", "reason": "Lie", "message": "a lie", "observedGeneration": 99,
                "lastTransitionTime": "2020-01-01T00:00:00Z",
            }],
        } });
        let gohubs = bed.api::<GoHub>();
        gohubs.patch_status("chat", &PatchParams::default(), &Patch::Merge(&lie)).await.expect("it is edited");
        let look = async || bed.status("chat").await;
        // Times may be others: for the operator, the condition has turned.
        let told = |status: &gohub_operator::api::v1alpha1::GoHubStatus| {
            let ready = status.conditions.iter().find(|one| one.type_ == "Ready").expect("there is a Ready").clone();
            (status.observed_generation, status.hub.clone(), status.config.clone(), ready.status, ready.reason)
        };
        bed::within(SOON, "the truth is told again", look, |after| told(after) == told(&before)).await;
    })
    .await;
}
