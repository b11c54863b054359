//! `kubectl delete gohub` leaves nothing behind but the volumes, and those only when that is what was asked for.

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams};
use kube::{Resource, ResourceExt};

fn gohub(policy: &str) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 2 }}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: 512Mi, whenDeleted: {policy} }} }} }}
"
    )
}

#[tokio::test]
async fn volumes_are_all_that_stays() {
    bed::test("delete-retain", async |bed| {
        create_and_delete(bed, "Retain").await;
        bed::eventually("only volumes are left", async || left(bed).await, Vec::is_empty).await;
        assert_eq!(names::<PersistentVolumeClaim>(bed).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_stays_when_the_volumes_are_to_go_too() {
    bed::test("delete-all", async |bed| {
        create_and_delete(bed, "Delete").await;
        let everything = async || [left(bed).await, names::<PersistentVolumeClaim>(bed).await].concat();
        bed::eventually("nothing is left", everything, Vec::is_empty).await;
    })
    .await;
}

async fn create_and_delete(bed: &Bed, policy: &str) {
    bed.apply(&gohub(policy)).await;
    bed.until_condition("chat", "Ready").await;
    assert!(!left(bed).await.is_empty());
    bed.api::<GoHub>().delete("chat", &DeleteParams::default()).await.expect("it is deleted");
}

/// Everything of the `GoHub` but its volumes.
async fn left(bed: &Bed) -> Vec<String> {
    [
        names::<GoHub>(bed).await,
        names::<Deployment>(bed).await,
        names::<Pod>(bed).await,
        names::<Service>(bed).await,
        names::<ConfigMap>(bed).await,
        names::<Secret>(bed).await,
        names::<ServiceAccount>(bed).await,
        names::<PodDisruptionBudget>(bed).await,
        names::<NetworkPolicy>(bed).await,
    ]
    .concat()
}

async fn names<K>(bed: &Bed) -> Vec<String>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let listed = bed.api::<K>().list(&ListParams::default()).await.expect("they are listed");
    // What Kubernetes puts into every namespace by itself.
    let ours = |name: &String| name != "kube-root-ca.crt" && name != "default";
    listed.items.iter().map(ResourceExt::name_any).filter(ours).map(|name| format!("{} {name}", K::kind(&()))).collect()
}
