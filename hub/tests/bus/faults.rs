//! etcd is slow, silent, full or gone; the lease is lost.

use std::time::Duration;

use gohub::bus::{MessageBus, PublishError, is_local_only};
use gohub::protocol::Mode;

use crate::etcd::proxy::Proxy;
use crate::etcd::{Cluster, Wanted};
use crate::hub::{Hub, broadcast, room, settings, unicast, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s89_a_lost_lease_is_replaced_and_nothing_is_published_behind_it() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    until("a is registered", || a.metrics.registrations.get() == 1).await;
    let mut client = cluster.client().await;
    let lease = client.get("/gohub/nodes/a", None).await.unwrap().kvs()[0].lease();
    // What etcd does to a hub that was stopped for longer than its lease.
    client.lease_revoke(lease).await.unwrap();
    assert!(client.get("/gohub/nodes/a", None).await.unwrap().kvs().is_empty());
    // Its next transaction finds the fence gone, and goes out under a new lease.
    a.publish(broadcast("back")).await.unwrap();
    b.heard("back").await;
    until("a is registered again", || a.metrics.registrations.get() == 2).await;
    let entry = client.get("/gohub/nodes/a", None).await.unwrap();
    assert_ne!(entry.kvs()[0].lease(), lease);
    assert_eq!(b.texts(), ["back"]);
    // And a hub that publishes nothing notices by its keep-alive.
    let lease = client.get("/gohub/nodes/b", None).await.unwrap().kvs()[0].lease();
    client.lease_revoke(lease).await.unwrap();
    until("b is registered again", || b.metrics.registrations.get() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s89_a_lost_lease_of_unicast_keys_is_replaced() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    a.publish(unicast("bob", "one")).await.unwrap();
    let mut client = cluster.client().await;
    let lease = client.get("/gohub/unicast/bob", None).await.unwrap().kvs()[0].lease();
    client.lease_revoke(lease).await.unwrap();
    a.publish(unicast("bob", "two")).await.unwrap();
    assert_eq!(a.texts(), ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s91_two_seconds_slow_etcd_delays_and_loses_nothing() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    a.publish(broadcast("fast")).await.unwrap();
    proxy.delay(Duration::from_secs(1));
    // One second each way. What others publish still comes, late.
    b.publish(broadcast("from b")).await.unwrap();
    let mut accepted = Vec::new();
    for number in 0..5 {
        match a.publish(broadcast(&number.to_string())).await {
            Ok(_) => accepted.push(number.to_string()),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    a.heard("from b").await;
    proxy.delay(Duration::ZERO);
    a.mode(Mode::Normal).await;
    a.publish_until_accepted("end").await;
    for hub in [&a, &b] {
        hub.heard("end").await;
        assert!(accepted.iter().all(|text| hub.texts().contains(text)), "{accepted:?} {:?}", hub.texts());
    }
    assert_eq!(a.delivered(), b.delivered());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s91_without_etcd_publishers_are_told_by_the_policy_of_their_room() {
    let mut cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let before = a.publish(broadcast("before")).await.unwrap();
    cluster.kill(0);
    a.mode(Mode::Degraded).await;
    assert!(matches!(a.publish(broadcast("closed")).await, Err(PublishError::Degraded(_))));
    assert!(matches!(a.publish(room("lobby", "closed")).await, Err(PublishError::Degraded(_))));
    let here = a.publish(room("here", "only here")).await.unwrap();
    assert!(is_local_only(here) && here > before);
    assert_eq!(a.metrics.degraded.get(), 1);
    cluster.restart_all().await;
    a.mode(Mode::Normal).await;
    let after = a.publish(broadcast("after")).await.unwrap();
    assert!(after > here && !is_local_only(after));
    assert_eq!(a.texts(), ["before", "only here", "after"]);
    assert_eq!(a.notices(), ["epoch", "degraded", "normal"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s91_what_waits_when_etcd_goes_is_resolved_in_bounded_time() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    // Stopped, not dead: its connections stay open and say nothing.
    cluster.pause(0);
    let (sent, here) = tokio::join!(a.publish(broadcast("sent")), async {
        a.mode(Mode::Degraded).await;
        a.publish(room("here", "here")).await
    });
    // On a busy machine the outage may be seen before the publication is on its way.
    let uncertain = match sent {
        Err(PublishError::Timeout) => 1,
        Err(PublishError::Unavailable(_)) => 0,
        sent => panic!("{sent:?}"),
    };
    assert!(is_local_only(here.unwrap()));
    cluster.resume(0);
    a.mode(Mode::Normal).await;
    a.publish_until_accepted("after").await;
    // What may have arrived did so at most once, and what was not published did not.
    assert!(a.texts().iter().filter(|text| *text == "sent").count() <= uncertain);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_a_hub_that_starts_before_etcd_is_degraded_and_then_works() {
    let port = crate::etcd::free_port();
    let a = Hub::connecting("a", settings(vec![format!("http://127.0.0.1:{port}")]));
    a.mode(Mode::Degraded).await;
    assert!(!a.bus.health().delivering && a.bus.health().last_error.is_some());
    assert!(matches!(a.publish(broadcast("x")).await, Err(PublishError::Degraded(_))));
    a.bus.close().await;
    let without = Hub::connecting("b", settings(Vec::new()));
    without.mode(Mode::Degraded).await;
    assert!(without.bus.health().last_error.unwrap().contains("endpoints"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s93_a_full_etcd_refuses_at_once_and_works_again_when_there_is_space() {
    let cluster = Cluster::start_with(1, Wanted { quota: Some(2 << 20), ..Wanted::default() }).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let large = "x".repeat(200_000);
    let mut refused = None;
    for _ in 0..100 {
        if let Err(error) = a.publish(broadcast(&large)).await {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(&refused, Some(PublishError::Unavailable(text)) if text.contains("space")), "{refused:?}");
    a.mode(Mode::Degraded).await;
    cluster.make_space().await;
    a.mode(Mode::Normal).await;
    a.publish_until_accepted("after").await;
    a.heard("after").await;
}
