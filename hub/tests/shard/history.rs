//! History: a room's past, from the same log that delivers.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, Offset};
use gohub_settings::ByteSize;
use gohub_test_client::{Client, Connect, json, padded, settings, start, text_of};

async fn ask(client: &mut Client, request: ClientRequest) -> (Vec<String>, bool) {
    match client.request(request).await {
        ServerFrame::History { messages, complete, .. } => {
            (messages.iter().map(|(publication, _)| text_of(publication)).collect(), complete)
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn the_last_ones_or_those_since_an_offset() {
    let mut settings = settings();
    settings.limits.max_page = 6;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut offsets = Vec::new();
    for number in 0..10 {
        offsets.push(alice.publish(ClientRequest::room_message("r", json(number.to_string()))).await);
        alice.publish(ClientRequest::room_message("other", json("-1"))).await;
    }
    let mut cbor = Connect::to(&hub).id("cbor").cbor().open().await;
    for client in [&mut alice, &mut cbor] {
        let history = || ClientRequest::history("r");
        assert_eq!(ask(client, history().limit(3)).await, (numbers(7..10), true));
        assert_eq!(ask(client, history()).await, (numbers(4..10), false), "at most limits.max_page");
        assert_eq!(ask(client, history().from_offset(offsets[6])).await, (numbers(7..10), true));
        assert_eq!(ask(client, history().from_offset(offsets[1]).limit(2)).await, (numbers(2..4), false));
        assert_eq!(ask(client, history().from_offset(Offset::ZERO)).await, (numbers(0..6), false));
        let newest = Offset::new(offsets[9].major + 1, 0);
        assert_eq!(ask(client, history().from_offset(newest)).await, (numbers(0..0), true));
        let future = Offset::new(newest.major + 100, 0);
        assert_eq!(ask(client, history().from_offset(future)).await, (numbers(0..0), false), "not here yet");
        assert_eq!(ask(client, ClientRequest::history("nobody was here")).await, (numbers(0..0), true));
        match client.request(history().limit(0)).await {
            ServerFrame::Error { code: ErrorCode::BadRequest, .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_trimmed_makes_an_answer_incomplete() {
    let mut settings = settings();
    settings.retention.max_bytes = ByteSize::from_kib(64);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let first = alice.publish(ClientRequest::room_message("r", json("0"))).await;
    for number in 1..100 {
        alice.publish(ClientRequest::room_message("r", padded(&number.to_string(), 1000))).await;
    }
    let (messages, complete) = ask(&mut alice, ClientRequest::history("r").from_offset(first)).await;
    assert!(!complete && messages.len() < 70 && messages.last().is_some_and(|last| last == "99"), "{messages:?}");
    let (messages, complete) = ask(&mut alice, ClientRequest::history("r").limit(400)).await;
    assert!(!complete && messages.len() < 70);
}

#[tokio::test]
async fn pages_that_nobody_has_read_yet_are_bounded() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    for _ in 0..100 {
        alice.publish(ClientRequest::room_message("r", padded("x", 1000))).await;
    }
    // A page is longer than limits.out_buffer, so that none is made before the one before it was written.
    let mut bob = Client::connect(&hub, "bob").await;
    bob.send_together((0..200).map(|number| ClientRequest::history("r").limit(100).reference(number.to_string())))
        .await;
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < 200 {
        match bob.frame().await {
            ServerFrame::History { .. } => answered += 1,
            ServerFrame::Error { code: ErrorCode::Overloaded, .. } => refused += 1,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(answered >= 1 && refused >= 100, "{answered} answered, {refused} refused");
}
