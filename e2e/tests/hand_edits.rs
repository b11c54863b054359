//! What somebody changes or deletes by hand is put right, and what is not the operator's is left alone.

use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::Resource;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

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
        let edit = async |patch| {
            let patched = bed.api::<Service>().patch("chat", &PatchParams::default(), &Patch::Merge(patch)).await;
            patched.expect("it is edited")
        };
        edit(json!({ "metadata": { "labels": { "team": "chat" } } })).await;
        edit(json!({ "spec": { "selector": { "app.kubernetes.io/instance": "other" } } })).await;
        let reverted = |service: &Service| {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            selector.is_some_and(|selector| selector["app.kubernetes.io/instance"] == "chat")
        };
        let look = async || bed.api::<Service>().get("chat").await.expect("it is there");
        let (service, _) = bed::within(SOON, "the selector is the operator's again", look, reverted).await;
        assert_eq!(service.metadata.labels.expect("labels")["team"], "chat");
    })
    .await;
}

#[tokio::test]
async fn o12_what_is_deleted_by_hand_comes_back() {
    bed::test("hand-deletes", async |bed| {
        bed.apply(ONE).await;
        bed.until_condition("chat", "Ready").await;
        comes_back::<Service>(bed, "chat").await;
        comes_back::<ConfigMap>(bed, "chat-config").await;
        comes_back::<Deployment>(bed, "chat").await;
        bed.until_condition("chat", "Ready").await;
    })
    .await;
}

async fn comes_back<K>(bed: &Bed, name: &str)
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api = bed.api::<K>();
    let old = api.get(name).await.expect("it is there").meta().uid.clone();
    api.delete(name, &DeleteParams::default()).await.expect("it is deleted");
    let look = async || api.get_opt(name).await.ok().flatten().and_then(|object| object.meta().uid.clone());
    let what = format!("another {} {name}", K::kind(&()));
    bed::within(SOON, &what, look, |new| new.is_some() && *new != old).await;
}
