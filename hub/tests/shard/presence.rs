//! Presence: who is in a room, on all shards, by pages; and who came and went.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, MessageId};
use gohub_test_client::{Client, Connect, json, settings, start, text_of, until};

async fn page(client: &mut Client, request: ClientRequest) -> (Vec<String>, Option<String>, u64) {
    match client.request(request).await {
        ServerFrame::Presence { clients, next, total, .. } => {
            (clients.iter().map(ToString::to_string).collect(), next, total)
        }
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_name_a_client_once() {
    let hub = start(settings()).await;
    let mut clients = Vec::new();
    for name in ["d", "b", "a", "c", "e", "a"] {
        clients.push(Connect::to(&hub).id(name).rooms(&["r"]).open().await);
    }
    let asker = &mut clients[0];
    let ask = || ClientRequest::presence("r").limit(2);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(page(asker, ask()).await, (names(&["a", "b"]), Some("b".to_owned()), 5));
    assert_eq!(page(asker, ask().after("b")).await, (names(&["c", "d"]), Some("d".to_owned()), 5));
    assert_eq!(page(asker, ask().after("d")).await, (names(&["e"]), None, 5));
    assert_eq!(page(asker, ask().after("zz")).await, (names(&[]), None, 5));
    assert_eq!(page(asker, ClientRequest::presence("nowhere")).await, (names(&[]), None, 0));
    match asker.request(ClientRequest::new(MessageId::Presence.id())).await {
        ServerFrame::Error { code: ErrorCode::BadRoom, message, .. } => assert_eq!(message, "room is missing"),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn a_room_that_reports_changes_says_who_came_and_went() {
    let mut settings = settings();
    settings.rooms.defaults.presence_changes = true;
    let hub = start(settings).await;
    let mut alice = Connect::to(&hub).id("alice").rooms(&["r"]).open().await;
    assert_eq!(alice.text().await, r#"{"joined":"alice"}"#);
    let first = Connect::to(&hub).id("bob").rooms(&["r"]).open().await;
    let (publication, _) = alice.publication().await;
    assert_eq!((publication.id, text_of(&publication)), (12, r#"{"joined":"bob"}"#.to_owned()));
    let mut second = Client::connect(&hub, "bob").await;
    second.join("r").await;
    first.close().await;
    until("one of bob's is gone", || hub.metrics().connections() == 2).await;
    assert_eq!(alice.settle().await, [], "bob is still there");
    second.ack(ClientRequest::leave("r")).await;
    assert_eq!(alice.text().await, r#"{"left":"bob"}"#);
    second.join("r").await;
    assert_eq!(alice.text().await, r#"{"joined":"bob"}"#);
    drop(second);
    assert_eq!(alice.text().await, r#"{"left":"bob"}"#);
    alice.publish(ClientRequest::room_message("r", json("1"))).await;
}

#[tokio::test]
async fn questions_of_one_read_are_bounded() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    alice.join("r").await;
    alice.send_together((0..200).map(|number| ClientRequest::presence("r").reference(number.to_string()))).await;
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < 200 {
        match alice.frame().await {
            ServerFrame::Presence { .. } => answered += 1,
            ServerFrame::Error { code: ErrorCode::Overloaded, .. } => refused += 1,
            other => panic!("unexpected {other:?}"),
        }
    }
    // Each read may start sixteen; the burst comes in one or a few.
    assert!(answered >= 16 && refused >= 100, "{answered} answered, {refused} refused");
}
