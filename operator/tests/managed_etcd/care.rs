//! Rolling over running members, and a database that is full.

use gohub_operator::api::v1alpha1::PvcPolicy;
use gohub_operator::etcd::execute::execute;
use gohub_operator::etcd::plan::Step;

use super::interrupted::quantity;
use super::world::{World, ids, leader};

#[tokio::test]
async fn o20_a_new_template_is_rolled_over_one_member_at_a_time_and_the_leader_last() {
    let mut world = World::running(3).await;
    let before = world.look().await;
    world.edit(|managed| managed.resources.requests = Some([("cpu".to_owned(), quantity("10m"))].into()));
    let after = world.until_done().await;
    assert_eq!(ids(&after), ids(&before));
    assert!(after.is_rolled());
    let restarted: Vec<&str> = world
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::RestartPod { name } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(restarted.len(), 3, "{:?}", world.steps);
    let handed_on = world.steps.iter().position(|step| matches!(step, Step::MoveLeader { .. })).unwrap();
    let last = world.steps.iter().rposition(|step| matches!(step, Step::RestartPod { .. })).unwrap();
    assert!(handed_on < last);
    assert_eq!(restarted[2], leader(&before), "{:?}", world.steps);
}

#[tokio::test]
async fn o21_a_full_etcd_says_so_and_is_given_back_its_space_after_a_compaction() {
    let mut world = World::new(3);
    world.kubelet.more.push("--quota-backend-bytes=8388608".to_owned());
    world.until_done().await;
    let mut client = world.client("0").await;
    let mut puts = 0;
    loop {
        match client.put("/gohub/large", vec![b'x'; 512 << 10], None).await {
            Ok(_) => {}
            Err(error) if error.to_string().contains("database space exceeded") => break,
            // A machine that is busy; it may be written all the same.
            Err(error) => eprintln!("{error}"),
        }
        puts += 1;
        assert!(puts < 100, "the quota was never reached");
    }
    world.steps.clear();
    let full = world.until("alarmed", |_, step| *step == Step::Recount).await;
    assert_eq!((full.alarm.as_deref(), full.quota), (Some("NOSPACE"), 8 << 20));
    let restarts = |world: &World| world.steps.iter().any(|step| matches!(step, Step::RestartPod { .. }));
    assert!(!restarts(&world), "nothing is restarted for it");
    // What a hub does.
    let head = client.get("/gohub/large", None).await.unwrap().header().unwrap().revision();
    client.compact(head, None).await.unwrap();
    let after = world.until_done().await;
    assert_eq!(after.alarm, None);
    // A member may need it twice: its compaction may still be under way the first time.
    let name = |step: &Step| match step {
        Step::Defragment { name } => Some(name.clone()),
        _ => None,
    };
    let defragmented: std::collections::BTreeSet<String> = world.steps.iter().filter_map(name).collect();
    assert_eq!((defragmented.len(), world.steps.last()), (3, Some(&Step::Disarm)), "{:?}", world.steps);
    assert!(!restarts(&world));
    world.put("0", "/gohub/large", "takes writes again").await;
}

fn asked_for(world: &World, member: &str) -> serde_json::Value {
    let volume = world.server.get("persistentvolumeclaims", &world.object(member)).unwrap();
    volume["spec"]["resources"]["requests"]["storage"].clone()
}

#[tokio::test]
async fn o40_volumes_grow_before_members_are_restarted_for_the_larger_quota() {
    let mut world = World::running(3).await;
    world.edit(|managed| managed.storage.size = "2Gi".to_owned());
    let after = world.until_done().await;
    assert!(after.is_rolled());
    for member in ["0", "1", "2"] {
        assert_eq!(asked_for(&world, member), "2Gi");
    }
    let grown = |step: &Step| matches!(step, Step::GrowVolume { .. });
    assert_eq!(world.steps.iter().filter(|step| grown(step)).count(), 3, "{:?}", world.steps);
    assert!(world.steps[..3].iter().all(grown), "{:?}", world.steps);
    assert_eq!(after.quota, 1 << 30, "half of the volume");

    world.steps.clear();
    world.edit(|managed| managed.storage.size = "1Gi".to_owned());
    world.until_done().await;
    assert_eq!(asked_for(&world, "0"), "2Gi", "a smaller wish that slipped in takes no space back");
    assert!(!world.steps.iter().any(grown));
}

#[tokio::test]
async fn o40_a_volume_that_cannot_grow_is_told_of_in_the_servers_words_and_no_member_is_restarted() {
    let mut world = World::running(1).await;
    world.server.state().no_growth = Some("the storageclass that provisions the pvc must support resize".to_owned());
    world.edit(|managed| managed.storage.size = "2Gi".to_owned());
    let grow = Step::GrowVolume { name: "0".to_owned() };
    world.until("to grow", |_, step| *step == grow).await;
    for _ in 0..3 {
        let client = world.server.client();
        let told = execute(&client, world.plan.etcd_cluster().unwrap(), &grow, &world.connector()).await.unwrap_err();
        let told = told.to_string();
        assert!(told.contains("to 2Gi") && told.contains("must support resize"), "{told}");
    }
    assert_eq!(world.steps, [], "with a larger quota it would fill a volume that has not grown");
    // The same when it heals meanwhile, or the number of members changes: neither waits for it.
    world.lose_pod("0");
    world.until("back", |seen, _| seen.members.as_ref().is_some_and(|members| members[0].healthy)).await;
    world.server.state().no_growth = None;
    world.until_done().await;
    assert_eq!(asked_for(&world, "0"), "2Gi");
}

#[tokio::test]
async fn a_volume_is_kept_or_collected_as_the_spec_says_when_its_gohub_is_deleted_and_not_as_it_said_when_it_was_made()
{
    let mut world = World::running(1).await;
    let owners = |world: &World| {
        let volume = world.server.get("persistentvolumeclaims", &world.object("0")).unwrap();
        volume["metadata"]["ownerReferences"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(owners(&world), 0, "volumes are kept unless the spec says otherwise");
    world.edit(|managed| managed.storage.when_deleted = PvcPolicy::Delete);
    world.until_done().await;
    assert_eq!(owners(&world), 1);
    world.edit(|managed| managed.storage.when_deleted = PvcPolicy::Retain);
    world.until_done().await;
    assert_eq!(owners(&world), 0);
    let own = Step::OwnVolume { name: "0".to_owned() };
    assert_eq!(world.steps, [own.clone(), own], "and no member is restarted for it");
}
