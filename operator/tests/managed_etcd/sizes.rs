//! Every size is reached from every other by one member at a time, and nothing that was written is lost.

use gohub_operator::etcd::plan::Step;

use super::world::{World, ids, leader, voters};

#[tokio::test]
async fn o19_one_to_three_to_five_to_three_to_one_by_one_member_at_a_time() {
    let mut world = World::new(1);
    world.until_done().await;
    world.put("0", "/gohub/kept", "from the first member").await;
    let cluster = world.cluster_id("0").await;

    world.edit(|managed| managed.replicas = 3);
    let seen = world.until_done().await;
    assert_eq!(voters(&seen), "0 1 2");
    assert!(seen.bootstrapped && seen.is_rolled());

    world.edit(|managed| managed.replicas = 5);
    assert_eq!(voters(&world.until_done().await), "0 1 2 3 4");

    // The leader is among those who go: it hands on the lead before.
    let seen = world.look().await;
    let last = seen.members.as_ref().unwrap().iter().find(|member| member.name == "4").unwrap().id;
    let lead = leader(&seen);
    world.client(&lead).await.move_leader(last).await.unwrap();
    world.edit(|managed| managed.replicas = 3);
    world.steps.clear();
    let seen = world.until_done().await;
    assert_eq!(voters(&seen), "0 1 2");
    assert!(matches!(world.steps[0], Step::MoveLeader { from, .. } if from == last), "{:?}", world.steps);

    world.edit(|managed| managed.replicas = 1);
    let seen = world.until_done().await;
    assert_eq!((voters(&seen).as_str(), seen.homes.len()), ("0", 1), "pods and volumes of those who went are gone");
    assert_eq!(world.read("0", "/gohub/kept").await, "from the first member");
    assert_eq!(world.cluster_id("0").await, cluster);
}

#[tokio::test]
async fn o19_a_wish_that_turns_round_takes_the_learner_away_again() {
    let mut world = World::running(1).await;
    world.edit(|managed| managed.replicas = 3);
    world.until("a learner", |seen, _| seen.members.iter().flatten().any(|member| member.learner)).await;
    world.edit(|managed| managed.replicas = 1);
    let seen = world.until_done().await;
    assert_eq!((voters(&seen).as_str(), seen.homes.len()), ("0", 1));
}

/// etcd by itself refuses changes of members until all have been connected for five seconds; these refusals are waited out.
#[tokio::test]
async fn two_members_join_one_that_is_strict_about_changes() {
    let mut world = World::new(1);
    world.kubelet.more.retain(|argument| !argument.contains("strict"));
    world.until_done().await;
    world.edit(|managed| managed.replicas = 3);
    let seen = world.until_done().await;
    assert_eq!(voters(&seen), "0 1 2");
    assert_eq!(ids(&seen).len(), 3);
}

#[tokio::test]
async fn a_member_answers_its_probes_without_tls_on_a_port_of_their_own() {
    let world = World::running(1).await;
    let port = world.kubelet.network.metrics_port("0");
    for path in ["livez", "readyz", "metrics"] {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/{path}")).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}
