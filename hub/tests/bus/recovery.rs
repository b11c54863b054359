//! Members die, history is compacted or replaced: everything flows again, and nothing is lost in silence.

use std::time::{Duration, Instant};

use gohub::bus::MessageBus;
use gohub::protocol::Mode;
use gohub_settings::{ByteSize, Etcd, EtcdWindow};

use crate::etcd::proxy::Proxy;
use crate::etcd::{Cluster, PATIENCE};
use crate::hub::{Hub, broadcast, settings, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_a_killed_leader_is_an_election_not_an_outage() {
    let mut cluster = Cluster::start(3).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    for round in 0..2 {
        let leader = cluster.leader().await;
        for number in 0..30 {
            if number == 10 {
                cluster.kill(leader);
            }
            a.publish_until_accepted(&format!("{round}-{number}")).await;
        }
        cluster.restart_all().await;
    }
    let expected: Vec<String> = (0..2).flat_map(|round| (0..30).map(move |n| format!("{round}-{n}"))).collect();
    for hub in [&a, &b] {
        hub.heard("1-29").await;
        assert_eq!(hub.texts(), expected);
    }
    assert_eq!(a.delivered(), b.delivered());
    assert!(a.gaps().is_empty() && b.gaps().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_a_member_that_hangs_is_left_for_another() {
    let cluster = Cluster::start(3).await;
    let hubs =
        [Hub::start("a", settings(cluster.endpoints())).await, Hub::start("b", settings(cluster.endpoints())).await];
    for member in 0..3 {
        cluster.pause(member);
        for hub in &hubs {
            hub.publish_until_accepted(&format!("{member}")).await;
        }
        cluster.resume(member);
        cluster.healthy().await;
    }
    for hub in &hubs {
        // One sender and one key for both hubs: the second one is a duplicate.
        hub.heard("2").await;
        assert_eq!(hub.texts(), ["0", "1", "2"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_etcd_down_for_20_seconds_then_everything_flows() {
    let mut cluster = Cluster::start(3).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    a.publish(broadcast("before")).await.unwrap();
    cluster.kill_all();
    let down = tokio::time::Instant::now();
    let mut refused = 0;
    while down.elapsed() < Duration::from_secs(20) {
        let error = a.publish(broadcast("lost")).await.expect_err("nobody can acknowledge it");
        assert!(error.is_retryable(), "{error}");
        refused += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(refused > 10);
    cluster.restart_all().await;
    for hub in [&a, &b] {
        hub.mode(Mode::Normal).await;
        hub.publish_until_accepted("after").await;
        hub.heard("after").await;
        assert!(hub.gaps().is_empty(), "nothing was lost, so nobody is told of a gap");
    }
    let without_lost = |hub: &Hub| hub.texts().into_iter().filter(|text| text != "lost").collect::<Vec<_>>();
    assert_eq!(without_lost(&a), ["before", "after"]);
    assert_eq!(a.delivered(), b.delivered());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s88_what_was_compacted_while_a_hub_was_away_is_a_gap() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    let seen = b.publish(broadcast("seen")).await.unwrap();
    a.heard("seen").await;
    // Cut off for longer than the history lasts.
    proxy.delay(Duration::from_secs(3600));
    proxy.cut();
    let missed = b.publish(broadcast("missed")).await.unwrap();
    let kept = b.publish(broadcast("kept")).await.unwrap();
    cluster.client().await.compact(kept.major as i64, None).await.unwrap();
    a.mode(Mode::Degraded).await;
    proxy.delay(Duration::ZERO);
    proxy.cut();
    a.heard("kept").await;
    assert_eq!(a.texts(), ["seen", "kept"]);
    let [(from, to)] = a.gaps()[..] else { panic!("{:?}", a.gaps()) };
    assert!(seen < from && from <= missed && missed <= to && to < kept);
    a.mode(Mode::Normal).await;
    assert_eq!(a.bus.epoch(), b.bus.epoch());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s88_a_quiet_bus_is_not_mistaken_for_a_loss() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    a.publish(broadcast("one")).await.unwrap();
    // Others write to the same etcd, nobody writes to the bus; then everything so far is compacted.
    let mut client = cluster.client().await;
    let mut head = 0;
    for number in 0..50 {
        head = client.put("/other", number.to_string(), None).await.unwrap().header().unwrap().revision();
    }
    until("progress was reported", || a.metrics.delivered_revision.get() >= head as u64).await;
    client.compact(head, None).await.unwrap();
    proxy.cut();
    until("the watch is open again", || a.metrics.watch_reconnects.get() > 0).await;
    a.publish_until_accepted("two").await;
    a.heard("two").await;
    assert_eq!((a.texts(), a.gaps()), (vec!["one".to_owned(), "two".to_owned()], Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s88_a_hub_that_starts_on_a_compacted_etcd_begins_with_what_is_left() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    a.publish(broadcast("gone")).await.unwrap();
    let kept = a.publish(broadcast("kept")).await.unwrap();
    cluster.client().await.compact(kept.major as i64, None).await.unwrap();
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    assert!(b.texts() == ["kept"] || b.texts().is_empty(), "{:?}", b.texts());
    assert_eq!(b.notices(), ["epoch"]);
    a.publish(broadcast("new")).await.unwrap();
    b.heard("new").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_a_wiped_etcd_is_another_epoch() {
    let mut cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    for number in 0..20 {
        a.publish(broadcast(&number.to_string())).await.unwrap();
    }
    cluster.wipe().await;
    for hub in [&a, &b] {
        until("the new epoch is announced", || hub.epochs().len() == 2).await;
        hub.mode(Mode::Normal).await;
    }
    a.publish_until_accepted("new life").await;
    for hub in [&a, &b] {
        hub.heard("new life").await;
        assert_eq!(hub.notices().iter().filter(|notice| *notice == "gap epoch_changed").count(), 1);
    }
    assert_eq!(a.epochs()[1], b.epochs()[1]);
    assert_ne!(a.epochs()[0], a.epochs()[1]);
    assert_eq!(a.bus.epoch(), a.epochs()[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_a_revision_that_goes_back_is_another_epoch() {
    let mut cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    for number in 0..20 {
        a.publish(broadcast(&number.to_string())).await.unwrap();
    }
    let mark = cluster.client().await.get("/gohub/epoch", None).await.unwrap().kvs()[0].value().to_vec();
    // While the hub is cut off, etcd comes back with an older state, as from a snapshot: same cluster, same epoch key.
    proxy.delay(Duration::from_secs(3600));
    proxy.cut();
    cluster.wipe().await;
    cluster.client().await.put("/gohub/epoch", mark, None).await.unwrap();
    proxy.delay(Duration::ZERO);
    proxy.cut();
    until("the new epoch is announced", || a.epochs().len() >= 2).await;
    a.publish_until_accepted("again").await;
    a.heard("again").await;
    let epochs = a.epochs();
    assert_ne!(epochs.first(), epochs.last());
    assert!(a.notices().iter().any(|notice| notice == "gap epoch_changed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_an_epoch_key_written_anew_reaches_every_hub() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    cluster.client().await.put("/gohub/epoch", "after a restore", None).await.unwrap();
    until("the new epoch is announced", || a.epochs().len() == 2).await;
    a.publish_until_accepted("on").await;
    a.heard("on").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_elected_hub_compacts_little_and_often_and_the_database_stays_small() {
    let cluster = Cluster::start(1).await;
    let window = EtcdWindow { max_age: gohub_settings::Duration::from_secs(60), max_bytes: ByteSize::from_mib(1) };
    let etcd = Etcd { window, compact: true, ..settings(cluster.endpoints()) };
    let a = Hub::start("a", etcd.clone()).await;
    let b = Hub::start("b", etcd.clone()).await;
    let text = "x".repeat(50_000);
    // Much more than the window holds.
    let deadline = Instant::now() + PATIENCE;
    let mut published = 0;
    while a.metrics.compactions.get() < 2 || published < 60 {
        assert!(Instant::now() < deadline, "nobody compacts");
        b.publish(broadcast(&text)).await.unwrap();
        published += 1;
    }
    assert_eq!(b.metrics.compactions.get(), 0, "only the elected hub compacts");
    assert!(a.gaps().is_empty() && b.gaps().is_empty());
    // A hub that starts now replays about a window's worth, not everything.
    let c = Hub::start("c", etcd).await;
    let replayed = c.texts().len();
    assert!((1..published).contains(&replayed), "{replayed} of {published}");
    // When the elected hub leaves, the next one goes on.
    a.bus.close().await;
    while b.metrics.compactions.get() == 0 {
        assert!(Instant::now() < deadline + PATIENCE, "nobody goes on");
        b.publish(broadcast(&text)).await.unwrap();
    }
}
