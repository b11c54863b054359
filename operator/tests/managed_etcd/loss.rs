//! What members lose: their pod, their volume, the majority, everything but the volumes.

use gohub_operator::etcd::execute::Performed;
use gohub_operator::etcd::plan::{Observation, Step, Waiting};
use gohub_operator::reconcile::build::etcd_member;
use serde_json::json;

use super::world::{World, ids, leader, voters};

/// A member that does not lead.
fn follower(seen: &Observation) -> String {
    let members = seen.members.iter().flatten();
    members.filter(|member| !member.leader).map(|member| member.name.clone()).next_back().unwrap()
}

#[tokio::test]
async fn o15_etcd_pod_lost_pvc_kept() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    let lost = follower(&before);
    world.lose_pod(&lost);
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before), "the same members, by etcd's own ids");
    assert_eq!(world.writes(), [format!("POST pods/{}", world.object(&lost))], "and nothing but its pod was made");
}

#[tokio::test]
async fn o15_a_volume_whose_labels_were_taken_away_is_its_members_all_the_same() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    let lost = follower(&before);
    let mut volume = world.server.get("persistentvolumeclaims", &world.object(&lost)).unwrap();
    let labels = std::mem::replace(&mut volume["metadata"]["labels"], json!({ "team": "blue" }));
    world.server.put("persistentvolumeclaims", &volume);
    world.lose_pod(&lost);
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before), "its vote is in that volume, and nobody may take it away");
    let volume = world.server.get("persistentvolumeclaims", &world.object(&lost)).unwrap();
    for (key, value) in labels.as_object().unwrap() {
        assert_eq!(volume["metadata"]["labels"][key], *value, "{key} is put back");
    }
    assert_eq!(volume["metadata"]["labels"]["team"], "blue");
}

#[tokio::test]
async fn o15_a_pod_that_ended_for_good_is_put_away_and_made_again() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    let object = world.object(&follower(&before));
    world.kubelet.end_member(&follower(&before));
    let mut pod = world.server.get("pods", &object).unwrap();
    pod["status"] = json!({ "phase": "Failed", "reason": "Evicted" });
    world.server.put("pods", &pod);
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(world.writes(), [format!("DELETE pods/{object}"), format!("POST pods/{object}")]);
}

#[tokio::test]
async fn o16_etcd_member_lost_with_its_volume_is_replaced_by_a_learner() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    // The leader, which is the worst one to lose.
    let lost = leader(&before);
    let id = before.members.iter().flatten().find(|member| member.name == lost).unwrap().id;
    world.lose_home(&lost);
    let after = world.until_done().await;
    assert_eq!(after.members.as_ref().unwrap().len(), 3);
    assert!(!ids(&after).contains(&id), "a member without its data is another member");
    assert_eq!(ids(&after).iter().filter(|id| ids(&before).contains(id)).count(), 2);
    let order: Vec<_> = world.steps.iter().map(std::mem::discriminant).collect();
    let expected = [
        Step::RemoveMember { id, name: lost.clone() },
        Step::AddLearner { name: lost.clone() },
        Step::CreatePod { name: lost, start: gohub_operator::etcd::plan::Start::Existing },
        Step::Promote { id },
    ];
    assert_eq!(order, expected.iter().map(std::mem::discriminant).collect::<Vec<_>>(), "{:?}", world.steps);
}

#[tokio::test]
async fn o17_nothing_is_done_without_a_majority_and_members_that_return_heal_it() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    world.put("0", "/gohub/kept", "yes").await;
    // Two nodes are cut off: their processes are gone, their pods still stand there.
    let (first, second) = ("1", "2");
    let pods = [first, second].map(|member| world.server.get("pods", &world.object(member)).unwrap());
    for (member, pod) in [first, second].iter().zip(&pods) {
        let mut pod = pod.clone();
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        world.server.put("pods", &pod);
        world.kubelet.end_member(member);
    }
    for _ in 0..3 {
        let seen = world.look().await;
        let step = gohub_operator::etcd::next(&seen);
        assert_eq!(step, Step::Wait(Waiting::QuorumLost), "{seen:?}");
        // Not even on request: a decision of better times is not carried out.
        let id = ids(&before)[1];
        for stale in [
            Step::RemoveMember { id, name: first.to_owned() },
            Step::DeleteHome { name: first.to_owned() },
            Step::RestartPod { name: "0".to_owned() },
        ] {
            assert!(matches!(world.execute(&stale).await, Performed::NotYet(_)), "{stale:?}");
        }
    }
    assert_eq!(world.writes(), Vec::<String>::new());
    // The nodes are back, and kubelet ends what was marked.
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(world.read("1", "/gohub/kept").await, "yes");
}

#[tokio::test]
async fn o18_all_pods_lost_and_volumes_kept_is_the_same_cluster_again() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    world.put("0", "/gohub/kept", "yes").await;
    let cluster = world.cluster_id("0").await;
    for member in ["0", "1", "2"] {
        world.lose_pod(member);
    }
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before));
    assert_eq!((world.cluster_id("0").await, world.read("2", "/gohub/kept").await), (cluster, "yes".to_owned()));
    assert!(!world.steps.iter().any(|step| matches!(step, Step::Bootstrap { .. })));
}

#[tokio::test]
async fn o18_no_cluster_is_begun_where_one_has_lived() {
    let mut world = World::running(1).await;
    world.lose_home("0");
    for _ in 0..3 {
        let (_, step) = world.reconcile().await;
        assert_eq!(step, Step::Wait(Waiting::DataLost));
    }
    let bootstrap = Step::Bootstrap { name: "0".to_owned() };
    assert!(matches!(world.execute(&bootstrap).await, Performed::NotYet(_)));
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test]
async fn two_members_lost_of_five_are_replaced_one_after_the_other() {
    let mut world = World::running(5).await;
    world.lose_home("3");
    world.lose_home("4");
    let seen = world.until_done().await;
    assert_eq!(voters(&seen), "0 1 2 3 4");
}

#[tokio::test]
async fn o7_a_namesakes_volume_is_about_to_be_collected_and_no_member_counts_on_it() {
    let mut world = World::new(1);
    let mut old = serde_json::to_value(etcd_member::volume(world.plan.etcd_cluster().unwrap(), "0")).unwrap();
    let owner = json!({
        "apiVersion": "gohub.io/v1alpha1", "kind": "GoHub", "name": "chat", "uid": "uid-of-the-first", "controller": true,
    });
    old["metadata"]["ownerReferences"] = json!([owner]);
    world.server.put("persistentvolumeclaims", &old);
    let clean_up = Step::DeleteHome { name: "0".to_owned() };
    let seen = world.until("only that is left", |_, step| *step == clean_up).await;
    assert_eq!(voters(&seen), "1", "the cluster began beside it");
    let done = world.execute(&clean_up).await;
    assert!(matches!(&done, Performed::NotYet(why) if why.contains("about to go")), "{done:?}");
    assert!(world.server.get("persistentvolumeclaims", &world.object("0")).is_some());
    // Kubernetes collects it.
    world.server.remove("persistentvolumeclaims", &world.object("0"));
    world.until_done().await;
    assert_eq!(world.steps, [Step::Bootstrap { name: "1".to_owned() }]);
}
