//! Clients to whom nothing is said: their position moves all the same, and never past what they have.

use gohub::Hub;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{GapReason, Offset};
use gohub_settings::{ByteSize, Duration as Setting};
use gohub_test_client::{Client, Connect, Received, json, padded, settings, start, within};

use crate::slow::{flood, reluctant, tight};

/// Keeps little, so that what is old is soon gone.
async fn forgetful() -> Hub {
    let mut settings = settings();
    settings.retention.max_bytes = ByteSize::from_kib(64);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    start(settings).await
}

async fn elsewhere(publisher: &mut Client) -> Offset {
    let mut last = Offset::ZERO;
    for _ in 0..200 {
        last = publisher.publish(ClientRequest::room_message("elsewhere", padded("x", 1000))).await;
    }
    last
}

async fn position(client: &mut Client) -> Option<Offset> {
    match client.request(ClientRequest::ping()).await {
        ServerFrame::Pong { offset, .. } => offset,
        other => panic!("no pong but {other:?}"),
    }
}

/// Pings until its shard has come to what was published on another.
async fn caught_up(client: &mut Client, newest: Offset) -> Offset {
    loop {
        if let Some(offset) = position(client).await.filter(|offset| *offset >= newest) {
            return offset;
        }
    }
}

#[tokio::test]
async fn who_pings_while_nothing_is_said_resumes_past_the_window_without_a_gap() {
    let hub = forgetful().await;
    let mut alice = Client::connect(&hub, "alice").await;
    for is_binary in [false, true] {
        let quiet = |id: &str| {
            let connect = Connect::to(&hub).id(id).rooms(&["quiet"]);
            if is_binary { connect.cbor() } else { connect }
        };
        let mut pings = quiet("pings").open().await;
        let silent = quiet("silent").open().await;
        let newest = elsewhere(&mut alice).await;
        let seen = within("the position moves", caught_up(&mut pings, newest)).await;
        let (epoch, silent_at) = (silent.epoch(), silent.last());
        pings.close().await;
        silent.close().await;
        alice.publish(ClientRequest::room_message("quiet", json("1"))).await;
        let mut pings = quiet("pings").resume(&epoch, seen).open().await;
        assert!(pings.welcome.recovered);
        assert_eq!(pings.text().await, "1", "and nothing is lost");
        let mut silent = quiet("silent").resume(&epoch, silent_at).open().await;
        assert!(!silent.welcome.recovered, "what the other one was spared");
        assert!(matches!(silent.frame().await, ServerFrame::Gap { reason: GapReason::Expired, .. }));
    }
}

#[tokio::test]
async fn the_hubs_own_ping_tells_it_to_those_who_never_ask() {
    let mut settings = settings();
    settings.heartbeat.app_interval = Setting::from_millis(200);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut quiet = Client::connect(&hub, "quiet").await;
    let newest = alice.publish(ClientRequest::room_message("elsewhere", json("1"))).await;
    loop {
        if let ServerFrame::Ping { offset } = quiet.frame().await {
            quiet.send(&ClientRequest::pong()).await;
            if offset.expect("nothing is on its way") >= newest {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_pong_is_never_ahead_of_what_was_written_before_it() {
    let hub = start(tight()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    let mut offsets = Vec::new();
    for round in 0..40 {
        // Its pings are read at once; what it does not take is not behind it.
        slow.send_together((0..5).map(|n| ClientRequest::ping().reference(format!("{round}.{n}")))).await;
        offsets.extend(flood(&mut alice, round * 10, 10).await);
    }
    let newest = *offsets.last().expect("some");
    let (mut reached, mut answers, mut behind) = (slow.welcome.offset, 0, 0);
    while reached < newest {
        match slow.receive().await {
            Received::Frame(ServerFrame::Publication(_, offset)) => {
                assert!(offset > reached, "{offset} comes behind a pong or message that said {reached}");
                reached = offset;
            }
            Received::Frame(ServerFrame::Gap { from, to, .. }) => {
                assert!(from > reached, "a gap from {from} comes behind {reached}");
                reached = to;
            }
            Received::Frame(ServerFrame::Pong { offset: Some(offset), .. }) => {
                let skipped = offsets.iter().find(|published| **published > reached && **published <= offset);
                assert_eq!(skipped, None, "the pong says {offset}, but only {reached} was reached");
                behind += usize::from(offset < newest);
                answers += 1;
                reached = reached.max(offset);
            }
            Received::Frame(ServerFrame::Pong { offset: None, .. }) | Received::Ping => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(answers > 0 && behind > 0, "{answers} pongs, {behind} of them before the end");
}

#[tokio::test]
async fn a_pong_says_nothing_while_older_messages_are_on_their_way() {
    let hub = start(tight()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let first = alice.publish(ClientRequest::room_message("r", padded("0", 1000))).await;
    for number in 1..100 {
        alice.publish(ClientRequest::room_message("r", padded(&number.to_string(), 1000))).await;
    }
    let mut late = reluctant(&hub, "late").open().await;
    late.send_together([
        ClientRequest::join("r").from_offset(first).reference("join"),
        ClientRequest::ping().reference("ping"),
    ])
    .await;
    let mut said = None;
    while said.is_none() {
        if let ServerFrame::Pong { offset, .. } = late.frame().await {
            said = Some(offset);
        }
    }
    assert_eq!(said, Some(None), "99 messages of 1,000 bytes were not written yet");
    late.texts(99).await;
    assert!(position(&mut late).await.is_some_and(|offset| offset > first));
}
