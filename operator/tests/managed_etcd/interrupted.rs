//! Operators that die between two steps, act on what is no longer so, or act at the same time.

use std::sync::{Arc, Mutex};

use etcd_client::MemberAddOptions;
use gohub_operator::etcd::connect::{Addresses, Connector};
use gohub_operator::etcd::execute::{Performed, execute};
use gohub_operator::etcd::next;
use gohub_operator::etcd::plan::{Start, Step};

use super::world::{World, leader, voters};

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

/// Members that somebody else removes just before they are asked for the last time: after the look that the removal follows from.
#[derive(Debug)]
struct Late {
    network: Arc<dyn Addresses>,
    before: Mutex<Option<(usize, Connector, String, u64)>>,
}

impl Addresses for Late {
    fn client_url(&self, member: &str) -> String {
        let mut before = self.before.lock().unwrap();
        match before.as_mut() {
            Some((0, ..)) => {
                let (_, connector, by, id) = before.take().unwrap();
                let remove = async move { connector.client(&by).await.unwrap().member_remove(id).await.unwrap() };
                // A thread of its own, because this is asked for in the middle of a task.
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                std::thread::spawn(move || runtime.block_on(remove)).join().unwrap();
            }
            Some((looks, ..)) => *looks -= 1,
            None => {}
        }
        self.network.client_url(member)
    }

    fn peer_url(&self, member: &str) -> String {
        self.network.peer_url(member)
    }

    fn member_at(&self, peer_url: &str) -> Option<String> {
        self.network.member_at(peer_url)
    }
}

/// Three members of which one is to go and does not lead.
async fn with_one_to_remove() -> (World, Step, u64) {
    let mut world = World::running(3).await;
    world.edit(|managed| managed.replicas = 1);
    loop {
        match next(&world.look().await) {
            Step::RemoveMember { id, name } => return (world, Step::RemoveMember { id, name }, id),
            _ => drop(world.reconcile().await),
        }
    }
}

#[tokio::test]
async fn o4_removing_a_member_that_is_not_found_counts_as_done() {
    let (world, step, id) = with_one_to_remove().await;
    let leader = leader(&world.look().await);
    let before = Mutex::new(Some((3, world.connector(), leader, id)));
    let late = Late { network: world.kubelet.network.clone(), before };
    let connector = Connector::over(Arc::new(late), &world.certificates);
    let performed = execute(&world.server.client(), world.plan.etcd_cluster().unwrap(), &step, &connector).await;
    assert_eq!(performed.unwrap(), Performed::Already);
    assert_eq!(world.look().await.members.unwrap().len(), 2);
}

#[tokio::test]
async fn o4_two_that_remove_the_same_member_at_once_are_both_done() {
    let (world, step, _) = with_one_to_remove().await;
    let (client, connector) = (world.server.client(), world.connector());
    let remove = || execute(&client, world.plan.etcd_cluster().unwrap(), &step, &connector);
    let (one, other) = futures::join!(remove(), remove());
    for outcome in [one, other] {
        assert!(outcome.is_ok(), "{outcome:?}");
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
    let step = next(&world.look().await);
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
