//! Rooms: entering with and without the past, leaving, and the limits.

use std::collections::VecDeque;

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, GapReason, Offset};
use gohub_settings::ByteSize;
use gohub_test_client::{Client, Connect, json, padded, settings, start, until};

use crate::slow::{reluctant, tight};

async fn say(client: &mut Client, room: &str, text: &str) -> Offset {
    client.publish(ClientRequest::room_message(room, json(text))).await
}

#[tokio::test]
async fn a_member_gets_what_is_said_from_its_joining_to_its_leaving() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut bob = Client::connect(&hub, "bob").await;
    say(&mut alice, "r", "0").await;
    let at = bob.join("r").await;
    assert_eq!(bob.join("r").await, at, "joining twice is fine");
    say(&mut alice, "r", "1").await;
    assert_eq!(bob.text().await, "1");
    assert_eq!(bob.ack(ClientRequest::leave("r")).await, None);
    assert_eq!(bob.ack(ClientRequest::leave("r")).await, None, "and leaving too");
    say(&mut alice, "r", "2").await;
    assert_eq!(bob.settle().await, []);
}

#[tokio::test]
async fn joining_with_an_offset_replays_what_came_after_it() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let first = say(&mut alice, "r", "0").await;
    say(&mut alice, "other", "9").await;
    say(&mut alice, "r", "1").await;
    let mut bob = Client::connect(&hub, "bob").await;
    assert_eq!(bob.ack(ClientRequest::join("r").from_offset(first)).await, Some(first));
    assert_eq!(bob.text().await, "1");
    say(&mut alice, "r", "2").await;
    assert_eq!(bob.text().await, "2");
    assert_eq!(bob.ack(ClientRequest::join("r").from_offset(Offset::ZERO)).await, Some(Offset::ZERO));
    assert_eq!(bob.texts(3).await, ["0", "1", "2"], "a member may ask again");
    assert_eq!(bob.settle().await, []);
}

#[tokio::test]
async fn a_replay_longer_than_a_page_begins_with_a_gap() {
    let mut settings = settings();
    settings.limits.max_page = 3;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut offsets = Vec::new();
    for number in 0..5 {
        offsets.push(say(&mut alice, "r", &number.to_string()).await);
    }
    let mut bob = Client::connect(&hub, "bob").await;
    bob.ack(ClientRequest::join("r").from_offset(Offset::ZERO)).await;
    let (from, to, room) = (offsets[0], offsets[1], Some("r".to_owned()));
    assert_eq!(
        bob.frame().await,
        ServerFrame::Gap { from, to, count: Some(2), reason: GapReason::Expired, room, offset: None }
    );
    assert_eq!(bob.texts(3).await, ["2", "3", "4"]);
}

#[tokio::test]
async fn replays_that_nobody_has_read_yet_are_bounded() {
    let mut settings = settings();
    settings.limits.max_page = 1;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let rooms: Vec<String> = (0..20).map(|number| format!("room-{number}")).collect();
    for room in &rooms {
        say(&mut alice, room, "1").await;
    }
    let mut bob = Client::connect(&hub, "bob").await;
    let joins = rooms.iter().map(|room| ClientRequest::join(room).from_offset(Offset::ZERO).reference(room));
    bob.send_together(joins).await;
    let frames = bob.settle().await;
    let is_refused = |frame: &&ServerFrame| matches!(frame, ServerFrame::Error { code: ErrorCode::Overloaded, .. });
    let refused = frames.iter().filter(is_refused).count();
    let replayed = frames.iter().filter(|frame| matches!(frame, ServerFrame::Publication(..))).count();
    assert_eq!((replayed, refused), (9, 11), "eight pages and one more: {frames:?}");
    bob.ack(ClientRequest::join("room-19").from_offset(Offset::ZERO)).await;
    assert_eq!(bob.text().await, "1");
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_a_gap_of_that_room() {
    let mut settings = settings();
    settings.retention.max_bytes = ByteSize::from_kib(64);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let first = say(&mut alice, "r", "0").await;
    for _ in 0..100 {
        alice.publish(ClientRequest::unicast("alice", padded("x", 1000))).await;
    }
    let last = say(&mut alice, "r", "1").await;
    let mut bob = Client::connect(&hub, "bob").await;
    let acked = bob.ack(ClientRequest::join("r").from_offset(first)).await.unwrap();
    match bob.frame().await {
        ServerFrame::Gap { from, to, count: None, reason: GapReason::Expired, room, .. } => {
            assert_eq!((from, to, room.as_deref()), (first, acked, Some("r")));
            assert!(to < last);
        }
        other => panic!("unexpected {other:?}"),
    }
    assert_eq!(bob.text().await, "1");
}

#[tokio::test]
async fn a_replay_that_is_trimmed_before_it_is_taken_is_a_gap_too() {
    let mut settings = tight();
    settings.retention.max_bytes = ByteSize::from_kib(256);
    settings.slow_client.max_pending = ByteSize::from_kib(256);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut owed = VecDeque::new();
    for number in 0..120 {
        owed.push_back(alice.publish(ClientRequest::room_message("r", padded(&number.to_string(), 1000))).await);
    }
    // Bob asks for it all, reads nothing, and the log moves on with what is not for him.
    let mut bob = reluctant(&hub, "bob").open().await;
    bob.send(&ClientRequest::join("r").from_offset(Offset::ZERO).reference("j")).await;
    let delivered = || hub.metrics().shards().iter().map(|shard| shard.deliveries.get()).sum::<u64>();
    until("the replay has begun", || delivered() > 0).await;
    for _ in 0..300 {
        alice.publish(ClientRequest::unicast("alice", padded("x", 1000))).await;
    }
    owed.push_back(alice.publish(ClientRequest::room_message("r", padded("120", 1000))).await);
    // Each comes, in order, or lies in a gap.
    let mut missed = 0;
    while !owed.is_empty() {
        match bob.frame().await {
            ServerFrame::Publication(_, offset) => assert_eq!(owed.pop_front(), Some(offset)),
            ServerFrame::Gap { from, to, room: None, .. } => {
                assert!(from <= owed[0] && owed[0] <= to, "{from} to {to}, but {owed:?}");
                let before = owed.len();
                owed.retain(|offset| *offset > to);
                missed += before - owed.len();
            }
            ServerFrame::Ack { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(missed > 0);
    say(&mut alice, "r", "121").await;
    assert_eq!(bob.text().await, "121");
}

#[tokio::test]
async fn a_connection_is_in_so_many_rooms_and_the_hub_has_so_many() {
    let mut settings = settings();
    settings.limits.max_rooms_per_connection = 3;
    settings.limits.max_rooms = 4;
    let hub = start(settings).await;
    let mut alice = Connect::to(&hub).id("alice").rooms(&["a", "b", "c", "d"]).open().await;
    assert_eq!(alice.welcome.rooms.len(), 3, "what is over the limit is missing from the welcome");
    let code = |frame| match frame {
        ServerFrame::Error { code, .. } => code,
        other => panic!("unexpected {other:?}"),
    };
    assert_eq!(code(alice.request(ClientRequest::join("e")).await), ErrorCode::TooManyRooms);
    let mut bob = Connect::to(&hub).id("bob").rooms(&["a", "x", "y"]).open().await;
    let rooms: Vec<&str> = bob.welcome.rooms.iter().map(|room| room.as_str()).collect();
    assert_eq!(rooms, ["a", "x"], "the hub has four, and a is one of them");
    assert_eq!(code(bob.request(ClientRequest::join("z")).await), ErrorCode::TooManyRooms);
    bob.join("c").await;
    alice.ack(ClientRequest::leave("b")).await;
    bob.ack(ClientRequest::leave("x")).await;
    bob.join("z").await;
}
