//! A node stands still, as one that is paused or cut off: the others serve on, nobody takes a member's place while it may still run, and when the node
//! is back everything is as it was.

use std::collections::BTreeSet;
use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::DeleteParams;

const GOHUB: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 2 }
  # Silence is noticed soon.
  config: { heartbeat: { interval: 5s, timeout: 3s } }
  etcd: { managed: { replicas: 3, storage: { size: 512Mi } } }
";

/// Longer than Kubernetes takes to call a node that says nothing not ready, which is 40 to 50 s, and than a rash operator waits.
const HELD: u64 = 100;

#[tokio::test]
async fn o28_a_node_that_stands_still_costs_nobody_a_message_and_no_member_gets_a_double() {
    bed::test("node-loss", async |bed| {
        bed.apply(GOHUB).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 40, 10).await;
        crowd.until_acked(20).await;
        bed.until_members("chat", 3).await;
        let before = members(bed).await;
        let (node, member) = a_node_with_one_member(bed).await;
        let held = pods_on(bed, &node).await;
        let uid = bed.api::<Pod>().get(&member).await.expect("its pod").uid();
        eprintln!("{node} stands still with {held:?}");
        bed.hold_node(&node, &held, HELD).await;

        // Somebody impatient deletes the pod, which nobody can confirm. A member that may still run must not get a double.
        bed.api::<Pod>().delete(&member, &DeleteParams::default()).await.expect("it is deleted");
        bed.until_node_is_silent(&node).await;
        let double = async || {
            let pods = bed.pods("chat", "etcd").await;
            pods.iter().filter(|pod| pod.name_any() == member).map(|pod| pod.uid()).collect::<Vec<_>>()
        };
        bed::throughout(Duration::from_secs(10), "the pod is waited for", double, |uids| *uids == [uid.clone()]).await;
        assert_eq!(members(bed).await, before, "nobody is removed who may come back");
        crowd.until_acked(30).await;

        bed.ended().await;
        let pod = async || bed.api::<Pod>().get_opt(&member).await.expect("an answer").and_then(|pod| pod.uid());
        bed::eventually("the pod is made anew", pod, |now| now.is_some() && *now != uid).await;
        bed.until_members("chat", 3).await;
        assert_eq!(members(bed).await, before, "it is the same member over its volume");
        bed.until_condition("chat", "Ready").await;
        crowd.until_acked(30).await;
        let report = crowd.finish().await;
        eprintln!("longest silence of a client {} ms", report.all.longest_silence_ms);
        assert_ne!(report.verdict, Verdict::UnreportedLoss, "{report:#?}");
    })
    .await;
}

/// Ids of the members that the status names.
async fn members(bed: &Bed) -> BTreeSet<String> {
    let gohub = bed.api::<GoHub>().get("chat").await.expect("it is there");
    gohub.status.expect("it has a status").etcd.members.into_iter().map(|member| member.id).collect()
}

/// A node that has one member, and that member's pod: the others are a majority.
async fn a_node_with_one_member(bed: &Bed) -> (String, String) {
    let pods = bed.pods("chat", "etcd").await;
    let on = |node: &str| pods.iter().filter(|pod| node_of(pod) == node).count();
    let alone = pods.iter().find(|pod| on(&node_of(pod)) == 1).expect("three members on two nodes: one is alone");
    (node_of(alone), alone.name_any())
}

/// The hubs and members on a node.
async fn pods_on(bed: &Bed, node: &str) -> Vec<String> {
    let mut all = bed.pods("chat", "etcd").await;
    all.extend(bed.pods("chat", "hub").await);
    all.iter().filter(|pod| node_of(pod) == node).map(ResourceExt::name_any).collect()
}

fn node_of(pod: &Pod) -> String {
    pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default()
}
