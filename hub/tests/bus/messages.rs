//! What is published arrives everywhere, once, in one order.

use std::time::Duration;

use etcd_client::{PutOptions, Txn, TxnOp};
use gohub::bus::{MessageBus, PublishError, Receipt};
use gohub::protocol::{Mode, Offset, Publication, Target};

use crate::etcd::Cluster;
use crate::etcd::proxy::Proxy;
use crate::hub::{Hub, broadcast, room, settings, unicast, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_bus_that_connects_is_news_and_not_the_past() {
    let cluster = Cluster::start(1).await;
    for number in 0..20 {
        let hub = Hub::connecting(&format!("hub-{number}"), settings(cluster.endpoints()));
        let offset = hub.publish(broadcast("early")).await.unwrap();
        assert!(hub.past() < offset, "bus {number}: {offset} counts as said before, up to {}", hub.past());
        hub.bus.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hubs_deliver_everything_once_in_the_same_order() {
    let cluster = Cluster::start(3).await;
    let mut hubs = Vec::new();
    for node in ["a", "b", "c"] {
        hubs.push(Hub::start(node, settings(cluster.endpoints())).await);
    }
    for number in 0..300 {
        for (name, hub) in ["a", "b", "c"].iter().zip(&hubs) {
            let text = format!("{name}{number}");
            let publication = match number % 3 {
                0 => broadcast(&text),
                1 => room("lobby", &text),
                _ => unicast(&format!("client{}", number % 7), &text),
            };
            hub.bus.publish(publication, Receipt::none());
        }
    }
    for hub in &hubs {
        until("all 900 are delivered", || hub.delivered().len() >= 900).await;
    }
    let first = hubs[0].delivered();
    assert!(first.windows(2).all(|pair| pair[0].0 < pair[1].0), "offsets grow");
    for hub in &hubs {
        assert_eq!(hub.delivered(), first);
        assert_eq!(hub.bus.epoch(), hubs[0].bus.epoch());
    }
    for name in ["a", "b", "c"] {
        let of_one: Vec<_> =
            first.iter().map(|(_, text)| text).filter(|text| text.starts_with(name)).cloned().collect();
        let published: Vec<_> = (0..300).map(|number| format!("{name}{number}")).collect();
        assert_eq!(of_one, published, "the order of one publisher holds across keys");
    }
    let batches = hubs[0].metrics.batches.get();
    assert!(batches < 300, "publications that came during a transaction share the next one: {batches}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_has_the_offset_at_which_every_hub_delivers() {
    let cluster = Cluster::start(1).await;
    let (a, b) =
        (Hub::start("a", settings(cluster.endpoints())).await, Hub::start("b", settings(cluster.endpoints())).await);
    let offset = a.publish(broadcast("hello")).await.unwrap();
    b.heard("hello").await;
    assert_eq!(b.delivered(), [(offset, "hello".to_owned())]);
    let health = a.bus.health();
    assert!(health.delivering && health.lag_revisions < 10, "{health:?}");
    assert!(format!("{:?}", a.bus).contains("delivering: true"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_keeps_within_the_bounds_of_etcd() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    // More clients than a transaction has operations, and more bytes than a batch may have.
    for number in 0..400 {
        a.bus.publish(unicast(&format!("client{number}"), "hi"), Receipt::none());
    }
    let large = "x".repeat(100_000);
    for _ in 0..20 {
        a.bus.publish(broadcast(&large), Receipt::none());
    }
    until("all are delivered", || a.delivered().len() == 420).await;
    assert!(a.metrics.published_bytes.get() / a.metrics.batches.get() <= 256 << 10);
    let limit = match a.publish(broadcast(&"x".repeat(300_000))).await {
        Err(PublishError::TooLarge { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert!(limit < 256 << 10);
    // Every unicast key is on a lease of less than two minutes: etcd does not fill up with them (S93).
    let mut client = cluster.client().await;
    let found = client.get("/gohub/unicast/client7", None).await.unwrap();
    assert_ne!(found.kvs()[0].lease(), 0);
    assert!(client.lease_time_to_live(found.kvs()[0].lease(), None).await.unwrap().granted_ttl() <= 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_put_by_hand_is_delivered_on_every_hub() {
    let cluster = Cluster::start(1).await;
    let (a, b) =
        (Hub::start("a", settings(cluster.endpoints())).await, Hub::start("b", settings(cluster.endpoints())).await);
    let mut client = cluster.client().await;
    client.put("/gohub/broadcast", r#"{"message_id":20,"data":"hi"}"#, None).await.unwrap();
    client.put("/gohub/unicast/bob", r#"{"message_id":21,"data":"you"}"#, None).await.unwrap();
    client.put("/gohub/broadcast", r#"{"message_id":22,"room":"lobby","data":"room"}"#, None).await.unwrap();
    let both = [
        TxnOp::put("/gohub/broadcast", r#"{"message_id":1000,"data":"one"}"#, None),
        TxnOp::put("/gohub/unicast/bob", r#"{"message_id":1001,"data":"two"}"#, None),
    ];
    client.txn(Txn::new().and_then(both)).await.unwrap();
    for hub in [&a, &b] {
        hub.heard("two").await;
        assert_eq!(hub.texts(), ["hi", "you", "room", "one", "two"]);
        let offsets: Vec<Offset> = hub.delivered().into_iter().map(|(offset, _)| offset).collect();
        assert_eq!((offsets[3].minor, offsets[4].minor), (0, 1));
        assert_eq!(offsets[3].major, offsets[4].major);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s87_corrupt_value_skipped_and_counted_and_later_messages_flow() {
    let cluster = Cluster::start_with(
        1,
        crate::etcd::Wanted { arguments: vec!["--max-request-bytes=4194304".to_owned()], ..Default::default() },
    )
    .await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let mut client = cluster.client().await;
    let two_megabytes = format!(r#"{{"message_id":20,"data":"{}"}}"#, "x".repeat(2 << 20));
    let bad: &[(&str, &[u8])] = &[
        ("/gohub/broadcast", b"\x01\x01garbage that only looks like a batch"),
        ("/gohub/broadcast", b"\x01\x63a batch of a later version"),
        ("/gohub/broadcast", b""),
        ("/gohub/broadcast", b"\xff\xfe"),
        ("/gohub/broadcast", br#"{"message_id":31}"#),
        ("/gohub/broadcast", br#"{"message_id":20,"data":{"a":}}"#),
        ("/gohub/broadcast", two_megabytes.as_bytes()),
        ("/gohub/unicast/a/b", br#"{"message_id":21}"#),
        ("/gohub/rubbish", b"?"),
    ];
    for (key, value) in bad {
        client.put(*key, *value, None).await.unwrap();
    }
    // Not even a broken neighbour in the same transaction takes a good message with it.
    let mixed = [
        TxnOp::put("/gohub/broadcast", "\u{1}\u{1}broken", None),
        TxnOp::put("/gohub/unicast/bob", r#"{"message_id":21,"data":"good"}"#, None),
    ];
    client.txn(Txn::new().and_then(mixed)).await.unwrap();
    a.publish(broadcast("after")).await.unwrap();
    assert_eq!(a.texts(), ["good", "after"]);
    assert_eq!(a.metrics.skipped.get(), bad.len() as u64 + 1);
    assert_eq!(a.notices(), ["epoch"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s90_the_same_key_is_delivered_once_on_every_hub() {
    let cluster = Cluster::start(1).await;
    let (a, b) =
        (Hub::start("a", settings(cluster.endpoints())).await, Hub::start("b", settings(cluster.endpoints())).await);
    let once = Publication { key: Some("k".into()), ..broadcast("once") };
    // At the same moment on two hubs: only the order of etcd can tell which is first.
    let (first, second) = tokio::join!(a.publish(once.clone()), b.publish(once.clone()));
    assert_eq!(first.as_ref().unwrap(), second.as_ref().unwrap());
    assert_eq!(a.publish(once.clone()).await, first);
    let other = Publication { from: None, ..once };
    assert_ne!(b.publish(other).await, first);
    for hub in [&a, &b] {
        until("both are delivered", || hub.delivered().len() >= 2).await;
        assert_eq!(hub.delivered()[0], (*first.as_ref().unwrap(), "once".to_owned()));
        assert_eq!(hub.delivered().len(), 2);
    }
    assert!(a.metrics.duplicates.get() + b.metrics.duplicates.get() >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s90_a_batch_whose_answer_is_lost_is_repeated_and_delivered_once() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    for number in 0..20 {
        let text = number.to_string();
        // Many cuts in a row are an outage, which is another test's matter.
        a.mode(Mode::Normal).await;
        let (receipt, answer) = Receipt::channel();
        // The request is on its way when the connection goes: etcd may have done it or not.
        proxy.delay(Duration::from_millis(5));
        a.bus.publish(broadcast(&text), receipt);
        tokio::time::sleep(Duration::from_millis(number % 15)).await;
        proxy.cut();
        proxy.delay(Duration::ZERO);
        let offset = tokio::time::timeout(crate::etcd::PATIENCE, answer).await.unwrap().unwrap();
        b.heard(&text).await;
        assert!(b.delivered().contains(&(offset, text)));
    }
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(b.texts(), expected);
    until("hub a has all", || a.texts() == expected).await;
    assert_eq!(a.delivered(), b.delivered());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_shows_a_hub_for_as_long_as_it_lives() {
    let cluster = Cluster::start(1).await;
    let mut client = cluster.client().await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    until("it is registered", || a.metrics.registrations.get() == 1).await;
    let entry = client.get("/gohub/nodes/a", None).await.unwrap();
    assert!(entry.kvs()[0].value_str().unwrap().contains("a:9191"));
    a.bus.publish(broadcast("last"), Receipt::none());
    a.bus.close().await;
    assert_eq!(a.texts(), ["last"], "what was accepted is delivered before the bus is closed");
    assert!(client.get("/gohub/nodes/a", None).await.unwrap().kvs().is_empty());
    assert_eq!(a.publish(broadcast("late")).await, Err(PublishError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_bounded_and_says_so() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::start(&cluster.endpoints()[0]).await;
    let etcd = gohub_settings::Etcd { queue: 10, ..settings(vec![proxy.url()]) };
    let a = Hub::start("a", etcd).await;
    proxy.delay(Duration::from_millis(300));
    let mut answers = Vec::new();
    for number in 0..50 {
        let (receipt, answer) = Receipt::channel();
        a.bus.publish(broadcast(&number.to_string()), receipt);
        answers.push(answer);
    }
    let results = futures::future::join_all(answers).await;
    let full = results.iter().filter(|result| **result == Err(PublishError::QueueFull)).count();
    // Ten fit into the queue; how many of the first ten the publisher had taken out by then is its own affair.
    assert!((30..=40).contains(&full), "{full}");
    until("the others are delivered", || a.delivered().len() == 50 - full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_starts_later_replays_the_window() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let mut client = cluster.client().await;
    // The elected hub wrote where its window begins.
    let mut found = false;
    while !found {
        found = !client.get("/gohub/window", None).await.unwrap().kvs().is_empty();
    }
    for text in ["one", "two", "three"] {
        a.publish(broadcast(text)).await.unwrap();
    }
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    assert_eq!(b.delivered(), a.delivered());
    assert_eq!(b.bus.epoch(), a.bus.epoch());
    assert_eq!(b.notices(), ["epoch"]);
    // A value put with a lease of its own is a message like any other.
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let options = PutOptions::new().with_lease(lease);
    client.put("/gohub/unicast/bob", r#"{"message_id":21,"data":"four"}"#, Some(options)).await.unwrap();
    b.heard("four").await;
    assert!(matches!(unicast("bob", "").target, Target::Client(_)));
}
