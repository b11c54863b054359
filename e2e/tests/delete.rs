//! `kubectl delete gohub` leaves nothing behind but the volumes, and those only when that is what was asked for.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, ListParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

fn gohub(policy: &str, members: usize) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub:
    autoscaling: {{ minReplicas: 1, maxReplicas: 2, targetCpuPercent: 80 }}
    resources: {{ requests: {{ cpu: 50m }} }}
  service: {{ ingress: {{ host: chat.example.com }} }}
  etcd: {{ managed: {{ replicas: {members}, storage: {{ size: 512Mi, whenDeleted: {policy} }} }} }}
"
    )
}

#[tokio::test]
async fn o5_deleted_while_etcd_scales_it_leaves_its_volumes_which_serve_the_next_of_its_name() {
    bed::test("delete-retain", async |bed| {
        bed.apply(&gohub("Retain", 1)).await;
        bed.until_condition("chat", "Ready").await;
        let members = bed.until_members("chat", 1).await;
        bed.apply(&gohub("Retain", 3)).await;
        let learns = async || bed.volumes("chat").await;
        bed::eventually("another member is on its way", learns, |volumes| volumes.len() > 1).await;
        delete(bed).await;
        bed::eventually("only volumes are left", async || left(bed).await, Vec::is_empty).await;
        let volumes = bed.volumes("chat").await;
        assert!(volumes.contains(&members[0].name), "{volumes:?}");

        // What was kept is not in vain: it is the same cluster again, and grows on.
        bed.apply(&gohub("Retain", 3)).await;
        bed.until_condition("chat", "Ready").await;
        assert!(bed.until_members("chat", 3).await.iter().any(|member| member.id == members[0].id));
    })
    .await;
}

#[tokio::test]
async fn o7_deleted_and_made_again_at_once_the_new_one_keeps_what_is_its_own() {
    bed::test("delete-again", async |bed| {
        bed.apply(&gohub("Delete", 1)).await;
        bed.until_condition("chat", "Ready").await;
        let old = everything(bed).await;
        for kind in ["HorizontalPodAutoscaler", "Ingress", "PersistentVolumeClaim", "Secret"] {
            assert!(old.iter().any(|(what, _)| what.starts_with(kind)), "no {kind} in {old:?}");
        }
        delete(bed).await;
        bed.apply(&gohub("Delete", 1)).await;
        bed.until_condition("chat", "Ready").await;
        let new = everything(bed).await;
        assert_eq!(named(&new), named(&old), "the same objects");
        let shared: Vec<_> = new.intersection(&old).collect();
        assert!(shared.is_empty(), "of the old one: {shared:?}");

        // And nothing of it goes with the old one later.
        delete(bed).await;
        let everything = async || everything(bed).await;
        bed::eventually("nothing at all is left", everything, BTreeSet::is_empty).await;
    })
    .await;
}

#[tokio::test]
async fn o6_a_namespace_that_goes_takes_everything_and_nothing_is_made_in_it() {
    bed::test("delete-namespace", async |bed| {
        bed.apply(&gohub("Retain", 3)).await;
        // In the midst of it.
        bed::eventually("a first member", async || bed.pods("chat", "etcd").await.len(), |count| *count > 0).await;
        let namespaces: Api<Namespace> = Api::all(bed.client.clone());
        namespaces.delete(&bed.namespace, &DeleteParams::default()).await.expect("the namespace is deleted");
        let gone = async || namespaces.get_opt(&bed.namespace).await.map(|left| left.map(|left| left.status));
        let (_, took) =
            bed::within(Duration::from_secs(90), "the namespace is gone", gone, |left| matches!(left, Ok(None))).await;
        let failures = bed
            .operator_log()
            .await
            .lines()
            .filter(|line| line.contains(&bed.namespace))
            .filter(|line| line.contains("reconcile failed"))
            .count();
        eprintln!("the namespace is gone after {took:?}, {failures} reconciles failed meanwhile");
        assert!(failures < 10, "{failures} reconciles failed");
    })
    .await;
}

async fn delete(bed: &Bed) {
    bed.api::<GoHub>().delete("chat", &DeleteParams::default()).await.expect("it is deleted");
}

/// Everything of the `GoHub` but its volumes.
async fn left(bed: &Bed) -> Vec<String> {
    let everything = everything(bed).await;
    everything.into_iter().map(|(what, _)| what).filter(|what| !what.starts_with("PersistentVolumeClaim")).collect()
}

fn named(objects: &BTreeSet<(String, String)>) -> BTreeSet<&str> {
    objects.iter().map(|(what, _)| what.as_str()).filter(|what| !what.starts_with("Pod ")).collect()
}

/// All that follows from a `GoHub`, and itself: kind and name, and uid.
async fn everything(bed: &Bed) -> BTreeSet<(String, String)> {
    [
        objects::<GoHub>(bed).await,
        objects::<Deployment>(bed).await,
        objects::<Pod>(bed).await,
        objects::<PersistentVolumeClaim>(bed).await,
        objects::<Service>(bed).await,
        objects::<ConfigMap>(bed).await,
        objects::<Secret>(bed).await,
        objects::<ServiceAccount>(bed).await,
        objects::<PodDisruptionBudget>(bed).await,
        objects::<NetworkPolicy>(bed).await,
        objects::<HorizontalPodAutoscaler>(bed).await,
        objects::<Ingress>(bed).await,
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn objects<K>(bed: &Bed) -> Vec<(String, String)>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let listed = bed.api::<K>().list(&ListParams::default()).await.expect("they are listed");
    // What Kubernetes puts into every namespace by itself.
    let ours = |object: &&K| !["kube-root-ca.crt", "default"].contains(&object.name_any().as_str());
    let known = |object: &K| (format!("{} {}", K::kind(&()), object.name_any()), object.uid().unwrap_or_default());
    listed.items.iter().filter(ours).map(known).collect()
}
