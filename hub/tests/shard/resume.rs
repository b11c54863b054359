//! Resuming: a client that comes back goes on where it was, or is told honestly that it cannot.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{GapReason, Offset};
use gohub_settings::{ByteSize, Duration as Setting};
use gohub_test_client::{Client, Connect, json, padded, settings, start, text_of, until};

async fn say(client: &mut Client, room: &str, number: usize) -> Offset {
    client.publish(ClientRequest::room_message(room, json(number.to_string()))).await
}

#[tokio::test]
async fn nothing_is_missing_and_nothing_comes_twice() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    for format_is_binary in [false, true] {
        let connect = || {
            let connect = Connect::to(&hub).id("bob").rooms(&["r"]);
            if format_is_binary { connect.cbor() } else { connect }
        };
        let mut bob = connect().open().await;
        say(&mut alice, "r", 1).await;
        assert_eq!(bob.text().await, "1");
        let (epoch, last) = (bob.epoch(), bob.last());
        bob.close().await;
        say(&mut alice, "r", 2).await;
        alice.publish(ClientRequest::unicast("bob", json("3"))).await;
        say(&mut alice, "elsewhere", 0).await;
        alice.publish(ClientRequest::broadcast(json("4"))).await;
        let mut bob = connect().resume(&epoch, last).open().await;
        assert!(bob.welcome.recovered);
        assert_eq!((bob.welcome.offset, bob.epoch()), (last, epoch));
        assert_eq!(bob.texts(3).await, ["2", "3", "4"]);
        say(&mut alice, "r", 5).await;
        assert_eq!(bob.text().await, "5");
        assert_eq!(bob.settle().await, []);
        bob.close().await;
    }
}

#[tokio::test]
async fn messages_that_come_meanwhile_follow_in_order() {
    let hub = start(settings()).await;
    let mut alice = Connect::to(&hub).id("alice").open().await;
    let mut bob = Connect::to(&hub).id("bob").rooms(&["r"]).open().await;
    let mut next = 0;
    let mut expected = 0;
    for _ in 0..30 {
        let publishing = async {
            for _ in 0..20 {
                say(&mut alice, "r", next).await;
                next += 1;
            }
        };
        let coming_back = async {
            let (epoch, mut last) = (bob.epoch(), bob.last());
            for _ in 0..3 {
                bob = Connect::to(&hub).id("bob").rooms(&["r"]).resume(&epoch, last).open().await;
                assert!(bob.welcome.recovered);
                for _ in 0..3 {
                    let (publication, offset) = bob.publication().await;
                    assert_eq!(text_of(&publication), expected.to_string());
                    expected += 1;
                    last = offset;
                }
            }
        };
        tokio::join!(publishing, coming_back);
    }
    while expected < next {
        assert_eq!(bob.text().await, expected.to_string());
        expected += 1;
    }
}

#[tokio::test]
async fn what_is_too_old_is_a_gap_and_not_recovered() {
    let mut settings = settings();
    settings.retention.max_bytes = ByteSize::from_kib(64);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let start = alice.publish(ClientRequest::broadcast(json("0"))).await;
    for _ in 0..100 {
        alice.publish(ClientRequest::broadcast(padded("x", 1000))).await;
    }
    let newest = alice.publish(ClientRequest::broadcast(json("1"))).await;
    let mut bob = Connect::to(&hub).id("bob").resume(&alice.epoch(), start).open().await;
    assert!(!bob.welcome.recovered);
    assert_eq!(bob.welcome.offset, newest);
    let gap = bob.frame().await;
    let reason = GapReason::Expired;
    assert_eq!(gap, ServerFrame::Gap { from: start, to: newest, count: None, reason, room: None, offset: None });
    alice.publish(ClientRequest::broadcast(json("2"))).await;
    assert_eq!(bob.text().await, "2");
}

#[tokio::test]
async fn what_has_grown_old_while_nothing_was_said_is_gone_too() {
    let mut settings = settings();
    settings.retention.max_age = Setting::from_millis(300);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let before = alice.welcome.offset;
    alice.publish(ClientRequest::broadcast(json("0"))).await;
    let held = || hub.metrics().shards().iter().map(|shard| shard.log_entries.get()).max();
    until("a sweep has looked", || held() == Some(0) && hub.metrics().connections() == 1).await;
    let mut lost = Connect::to(&hub).id("bob").resume(&alice.epoch(), before).open().await;
    while lost.welcome.recovered {
        lost = Connect::to(&hub).id("bob").resume(&alice.epoch(), before).open().await;
    }
    assert!(matches!(lost.frame().await, ServerFrame::Gap { reason: GapReason::Expired, .. }));
}

#[tokio::test]
async fn another_epoch_is_a_gap_from_the_beginning() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let newest = alice.publish(ClientRequest::broadcast(json("0"))).await;
    let mut bob = Connect::to(&hub).id("bob").resume("another-life", Offset::new(3, 0)).open().await;
    assert!(!bob.welcome.recovered);
    let reason = GapReason::EpochChanged;
    let gap = ServerFrame::Gap { from: Offset::ZERO, to: newest, count: None, reason, room: None, offset: None };
    assert_eq!(bob.frame().await, gap);
    assert_eq!(bob.settle().await, []);
}

#[tokio::test]
async fn a_client_ahead_of_the_hub_waits_until_the_hub_has_come_there() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let now = alice.publish(ClientRequest::broadcast(json("0"))).await;
    let ahead = Offset::new(now.major + 2, 0);
    let mut bob = Connect::to(&hub).id("bob").resume(&alice.epoch(), ahead).open().await;
    assert!(bob.welcome.recovered);
    for number in 1..=4 {
        alice.publish(ClientRequest::broadcast(json(number.to_string()))).await;
    }
    assert_eq!(bob.texts(2).await, ["3", "4"], "1 and 2 it has seen elsewhere");
    assert_eq!(bob.settle().await, []);
}
