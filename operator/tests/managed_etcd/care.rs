//! Rolling over running members, and a database that is full.

use gohub_operator::etcd::plan::{Step, Waiting};

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
    while client.put("/gohub/large", vec![b'x'; 512 << 10], None).await.is_ok() {
        puts += 1;
        assert!(puts < 100, "the quota was never reached");
    }
    world.steps.clear();
    let alarm = Step::Wait(Waiting::Alarm("NOSPACE".to_owned()));
    let full = world.until("alarmed", |_, step| *step == alarm).await;
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
