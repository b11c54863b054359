//! Operators that die between two steps, act on what is no longer so, or act at the same time.

use etcd_client::MemberAddOptions;
use gohub_operator::etcd::connect::Addresses;
use gohub_operator::etcd::execute::{self, Performed};
use gohub_operator::etcd::plan::{Start, Step};

use super::world::{World, voters};

#[tokio::test]
async fn o2_an_operator_that_died_after_adding_a_member_goes_on_with_that_member() {
    let mut world = World::running(1).await;
    world.edit(|managed| managed.replicas = 3);
    assert_eq!(world.execute(&Step::AddLearner { name: "1".to_owned() }).await, Performed::Changed);
    // The next operator knows nothing of it but what it sees.
    let (_, step) = world.reconcile().await;
    assert_eq!(step, Step::CreatePod { name: "1".to_owned(), start: Start::Existing });
    assert_eq!(voters(&world.until_done().await), "0 1 2");
    let added = world.steps.iter().filter(|step| matches!(step, Step::AddLearner { .. })).count();
    assert_eq!(added, 1, "the first was used, and one more added: {:?}", world.steps);
}

#[tokio::test]
async fn o3_a_member_whose_addition_was_not_noticed_is_not_added_again() {
    let mut world = World::running(1).await;
    world.edit(|managed| managed.replicas = 3);
    let url = world.kubelet.network.peer_url("1");
    let learner = Some(MemberAddOptions::new().with_is_learner());
    world.client("0").await.member_add([url], learner).await.unwrap();
    let again = world.execute(&Step::AddLearner { name: "1".to_owned() }).await;
    assert!(matches!(again, Performed::NotYet(_)), "{again:?}");
    assert_eq!(world.look().await.members.unwrap().len(), 2);
}

#[tokio::test]
async fn o4_removing_a_member_that_somebody_else_removes_counts_as_done() {
    let mut world = World::running(3).await;
    world.edit(|managed| managed.replicas = 1);
    let mut step = gohub_operator::etcd::next(&world.look().await);
    while matches!(step, Step::MoveLeader { .. }) {
        world.reconcile().await;
        step = gohub_operator::etcd::next(&world.look().await);
    }
    assert!(matches!(step, Step::RemoveMember { .. }), "{step:?}");
    let (client, connector) = (world.server.client(), world.connector());
    let remove = || gohub_operator::etcd::execute::execute(&client, &world.plan, &step, &connector);
    let (one, other) = futures::join!(remove(), remove());
    // A slow machine may answer one of them too late: it says so, and the next look finds it done.
    let is_late = |outcome: &Result<_, _>| matches!(outcome, Err(execute::Error::TimedOut { .. }));
    for outcome in [&one, &other] {
        assert!(outcome.is_ok() || is_late(outcome), "{outcome:?}");
    }
    assert_eq!(world.look().await.members.unwrap().len(), 2);
}

#[tokio::test]
async fn o35_what_is_deleted_is_named_by_uid_and_version() {
    let mut world = World::running(3).await;
    world.edit(|managed| managed.replicas = 1);
    world.until("a home to delete", |_, step| matches!(step, Step::DeleteHome { .. })).await;
    let (_, step) = world.reconcile().await;
    assert!(matches!(step, Step::DeleteHome { .. } | Step::MoveLeader { .. } | Step::RemoveMember { .. }), "{step:?}");
    world.until_done().await;
    let state = world.server.state();
    assert_eq!(state.preconditions.len(), 4, "two pods and two volumes");
    for precondition in &state.preconditions {
        assert!(precondition["uid"].is_string() && precondition["resourceVersion"].is_string(), "{precondition}");
    }
}

#[tokio::test]
async fn o35_what_changed_since_the_live_read_is_not_deleted() {
    let mut world = World::running(3).await;
    world.edit(|managed| managed.resources.requests = Some([("cpu".to_owned(), quantity("10m"))].into()));
    let step = gohub_operator::etcd::next(&world.look().await);
    assert!(matches!(step, Step::RestartPod { .. }), "{step:?}");
    world.server.state().touch_before_deletion = true;
    assert!(matches!(world.execute(&step).await, Performed::NotYet(_)));
    assert!(world.server.list("pods").iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_null()));
    // The same step with what is there now.
    assert_eq!(world.execute(&step).await, Performed::Changed);
}

pub(super) fn quantity(text: &str) -> k8s_openapi::apimachinery::pkg::api::resource::Quantity {
    k8s_openapi::apimachinery::pkg::api::resource::Quantity(text.to_owned())
}

/// A learner's pod names all members it joins. If one of them goes before it has joined, etcd refuses it for ever.
#[tokio::test]
async fn a_learner_whose_pod_knows_other_members_gets_a_new_pod() {
    let mut world = World::running(1).await;
    world.edit(|managed| managed.replicas = 3);
    assert_eq!(world.execute(&Step::AddLearner { name: "1".to_owned() }).await, Performed::Changed);
    world.give_home("1", &["0", "1", "2"]);
    assert_eq!(voters(&world.until_done().await), "0 1 2");
    assert!(world.steps.contains(&Step::RestartPod { name: "1".to_owned() }), "{:?}", world.steps);
}
