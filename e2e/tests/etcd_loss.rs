//! Members of etcd are lost, and clients miss nothing: a pod, the leader, a pod with its volume, the majority, and all pods at once.

use std::collections::BTreeSet;
use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed, CrowdPod, History, has_quorum};
use gohub_operator::api::v1alpha1::EtcdMember;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ResourceQuota};
use kube::ResourceExt;
use kube::api::DeleteParams;

const THREE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 2 }
  etcd: { managed: { replicas: 3, storage: { size: 512Mi } } }
";

const NO_PODS: &str = r#"
apiVersion: v1
kind: ResourceQuota
metadata: { name: no-pods }
spec: { hard: { pods: "0" } }
"#;

/// Longer than an operator needs for a rash decision.
const AFTERWARDS: Duration = Duration::from_secs(15);

#[tokio::test]
async fn o15_a_member_whose_pod_is_lost_comes_back_as_itself_over_its_volume_and_so_does_the_leader() {
    bed::test("etcd-pod-loss", async |bed| {
        let (crowd, history, before) = three(bed).await;
        for role in ["voter", "leader"] {
            history.forget();
            let members = bed.until_members("chat", 3).await;
            let victim = members.iter().find(|member| member.role == role).expect("one of that role").name.clone();
            let uid = bed.api::<Pod>().get(&victim).await.expect("its pod").uid();
            bed.kill(&victim).await;
            history.until_lost_and_regained("EtcdReady").await;
            assert_eq!(ids(&bed.until_members("chat", 3).await), ids(&before), "a {role} is the same member again");
            assert_ne!(bed.api::<Pod>().get(&victim).await.expect("its pod").uid(), uid);
            assert!(history.all().iter().all(has_quorum), "{:#?}", history.all());
            crowd.until_acked(30).await;
        }
        nothing_was_lost(crowd).await;
    })
    .await;
}

#[tokio::test]
async fn o16_a_member_lost_with_its_volume_is_removed_and_another_learns_and_then_votes() {
    bed::test("etcd-volume-loss", async |bed| {
        let (crowd, history, before) = three(bed).await;
        let lost = before.iter().find(|member| member.role == "voter").expect("a voter").clone();
        let home = lost.name.clone();
        // The volume first: it goes when its pod has gone, and no new pod may count on it.
        let volumes = bed.api::<PersistentVolumeClaim>();
        volumes.delete(&home, &DeleteParams::default()).await.expect("the volume is deleted");
        bed.kill(&home).await;
        history.until_lost_and_regained("EtcdReady").await;

        let after = ids(&bed.until_members("chat", 3).await);
        let before = ids(&before);
        assert!(!after.contains(&lost.id), "{lost:?} has lost what it voted for and must not vote again: {after:?}");
        assert_eq!(after.intersection(&before).count(), 2, "the others stay: {before:?}, then {after:?}");
        let statuses = history.all();
        let learned = statuses.iter().any(|status| status.etcd.members.iter().any(|member| member.role == "learner"));
        assert!(learned, "the new one learns before it votes: {statuses:#?}");
        assert!(statuses.iter().all(has_quorum), "{statuses:#?}");
        crowd.until_acked(30).await;
        nothing_was_lost(crowd).await;
    })
    .await;
}

#[tokio::test]
async fn o17_without_a_majority_nothing_is_destroyed_and_members_that_return_heal_it() {
    bed::test("etcd-quorum-loss", async |bed| {
        let (crowd, history, before) = three(bed).await;
        // No pod can be made, and two of three are gone.
        bed.apply(NO_PODS).await;
        let enforced = async || bed.api::<ResourceQuota>().get("no-pods").await.expect("it is there").status;
        bed::eventually("the quota counts", enforced, |status| status.as_ref().is_some_and(|s| s.hard.is_some())).await;
        let (volumes, lost) = (bed.volumes("chat").await, &before[1..]);
        futures::future::join_all(lost.iter().map(|member| bed.kill(&member.name))).await;
        let told = async || history.turns("EtcdReady");
        let quorum_lost = |turns: &Vec<(String, String)>| turns.iter().any(|(_, reason)| reason == "QuorumLost");
        bed::eventually("it says that the quorum is lost", told, quorum_lost).await;
        let left = async || (bed.pods("chat", "etcd").await.len(), bed.volumes("chat").await);
        bed::throughout(AFTERWARDS, "nothing is destroyed", left, |left| *left == (1, volumes.clone())).await;

        let quotas = bed.api::<ResourceQuota>();
        quotas.delete("no-pods", &DeleteParams::default()).await.expect("the quota is lifted");
        history.until_lost_and_regained("EtcdReady").await;
        assert_eq!(ids(&bed.until_members("chat", 3).await), ids(&before), "nobody is new");
        crowd.until_acked(50).await;
        bed.until_condition("chat", "Ready").await;
        nothing_was_lost(crowd).await;
    })
    .await;
}

#[tokio::test]
async fn o18_all_members_lost_at_once_are_the_same_cluster_again() {
    bed::test("etcd-all-lost", async |bed| {
        let (crowd, history, before) = three(bed).await;
        let homes: Vec<String> = before.iter().map(|member| member.name.clone()).collect();
        let cluster = bed.cluster_id(&homes[0]).await;
        futures::future::join_all(homes.iter().map(|home| bed.kill(home))).await;
        history.until_lost_and_regained("EtcdReady").await;

        assert_eq!(ids(&bed.until_members("chat", 3).await), ids(&before), "nobody is new");
        for home in &homes {
            assert_eq!(bed.cluster_id(home).await, cluster, "{home}");
        }
        crowd.until_acked(50).await;
        bed.until_condition("chat", "Ready").await;
        nothing_was_lost(crowd).await;
    })
    .await;
}

/// Three members, hubs and a crowd.
async fn three(bed: &Bed) -> (CrowdPod<'_>, History, Vec<EtcdMember>) {
    bed.apply(THREE).await;
    bed.until_condition("chat", "Ready").await;
    let crowd = bed.crowd("chat", 40, 10).await;
    crowd.until_acked(20).await;
    (crowd, bed.history("chat").await, bed.until_members("chat", 3).await)
}

fn ids(members: &[EtcdMember]) -> BTreeSet<String> {
    members.iter().map(|member| member.id.clone()).collect()
}

async fn nothing_was_lost(crowd: CrowdPod<'_>) {
    let report = crowd.finish().await;
    eprintln!("{} acked, longest silence {} ms", report.acked, report.all.longest_silence_ms);
    assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
}
