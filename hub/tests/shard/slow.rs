//! Slow clients: how far behind is too far, what they are told, and that nobody else notices.

use std::time::{Duration, Instant};

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, ErrorCode, GapReason, Offset};
use gohub::{Hub, Settings};
use gohub_settings::{ByteSize, Duration as Setting, SlowPolicy};
use gohub_test_client::{Client, Connect, Received, padded, settings, start, text_of, until};

const SIZE: usize = 1000;

/// Small buffers everywhere, so that a client that does not read is blocked after some messages.
pub(crate) fn tight() -> Settings {
    let mut settings = settings();
    settings.server.send_buffer = ByteSize::from_kib(8);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    settings
}

pub(crate) fn reluctant(hub: &Hub, client: &str) -> Connect {
    Connect::to(hub).id(client).receive_buffer(4096)
}

/// Publishes `count` numbered messages, reading its own copies on the way; their offsets.
pub(crate) async fn flood(publisher: &mut Client, from: usize, count: usize) -> Vec<Offset> {
    let mut offsets = Vec::new();
    for number in from..from + count {
        offsets.push(publisher.publish(ClientRequest::broadcast(padded(&number.to_string(), SIZE))).await);
        assert_eq!(publisher.text().await, number.to_string());
    }
    offsets
}

/// Reads until message `last`: every number is there or counted by a gap that names the right offsets. How many were missed.
pub(crate) async fn account(client: &mut Client, offsets: &[Offset], last: usize) -> u64 {
    let (mut expected, mut missed) = (0, 0);
    while expected <= last {
        match client.frame().await {
            ServerFrame::Publication(publication, offset) => {
                assert_eq!((text_of(&publication), offset), (expected.to_string(), offsets[expected]));
                expected += 1;
            }
            ServerFrame::Gap { from, to, count, reason, room, offset: None } => {
                let count = count.expect("everything was still in the log");
                assert_eq!((reason, room), (GapReason::SlowClient, None));
                assert_eq!((from, to), (offsets[expected], offsets[expected + count as usize - 1]));
                expected += count as usize;
                missed += count;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    missed
}

#[tokio::test]
async fn a_slow_client_is_told_exactly_what_it_missed_and_goes_on() {
    let hub = start(tight()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    let mut offsets = flood(&mut alice, 0, 400).await;
    let missed = account(&mut slow, &offsets, 399).await;
    assert!(missed > 0, "400 KB do not fit into small buffers and 64 KiB of patience");
    // From now on it reads, and gets everything again.
    offsets.extend(flood(&mut alice, 400, 20).await);
    for (number, offset) in offsets.iter().enumerate().skip(400) {
        let (publication, at) = slow.publication().await;
        assert_eq!((text_of(&publication), at), (number.to_string(), *offset));
    }
}

#[tokio::test]
async fn the_gap_counts_only_what_was_for_the_client() {
    let hub = start(tight()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").rooms(&["mine"]).open().await;
    let mut mine = Vec::new();
    for number in 0..600 {
        let room = if number % 2 == 0 { "mine" } else { "other" };
        let offset = alice.publish(ClientRequest::room_message(room, padded(&number.to_string(), SIZE))).await;
        mine.extend((number % 2 == 0).then_some((number, offset)));
    }
    let mut expected = mine.iter();
    let mut missed = 0;
    while expected.len() > 0 {
        match slow.frame().await {
            ServerFrame::Publication(publication, offset) => {
                assert_eq!(expected.next(), Some(&(text_of(&publication).parse().unwrap(), offset)));
            }
            ServerFrame::Gap { count, .. } => {
                let count = count.unwrap() as usize;
                missed += count;
                expected.nth(count - 1).unwrap();
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(missed > 0);
}

#[tokio::test]
async fn a_client_too_old_in_its_reading_is_moved_on() {
    let mut settings = tight();
    settings.slow_client.max_pending = ByteSize::from_mib(8);
    settings.slow_client.max_age = Setting::from_millis(200);
    settings.server.write_timeout = Setting::from_secs(30);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    let offsets = flood(&mut alice, 0, 200).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(700) {
        alice.request(ClientRequest::ping()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(account(&mut slow, &offsets, 199).await > 0, "what had waited for more than 200 ms is gone");
}

#[tokio::test]
async fn with_the_kick_policy_a_slow_client_is_closed_and_resumes_without_loss() {
    let mut settings = tight();
    settings.slow_client.policy = SlowPolicy::Kick;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    let offsets = flood(&mut alice, 0, 400).await;
    let (frames, closed) = slow.until_closed().await;
    assert_eq!(closed.code, Some(CloseCode::SlowClient.code()), "{closed:?}");
    let got = frames.len();
    assert!(got < 400);
    let mut again = Connect::to(&hub).id("slow").resume(&slow.epoch(), slow.last()).open().await;
    assert!(again.welcome.recovered);
    for (number, offset) in offsets.iter().enumerate().skip(got) {
        let (publication, at) = again.publication().await;
        assert_eq!((text_of(&publication), at), (number.to_string(), *offset));
    }
}

#[tokio::test]
async fn s61_one_that_does_not_read_delays_nobody() {
    let mut settings = tight();
    settings.slow_client.max_pending = ByteSize::from_mib(16);
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut bob = Client::connect(&hub, "bob").await;
    let mut round_trips = async |from: usize| {
        let started = Instant::now();
        flood(&mut alice, from, 200).await;
        let numbers: Vec<String> = (from..from + 200).map(|number| number.to_string()).collect();
        assert_eq!(bob.texts(200).await, numbers);
        started.elapsed()
    };
    let alone = round_trips(0).await;
    let _slow = reluctant(&hub, "slow").open().await;
    let beside = round_trips(200).await;
    assert!(beside < alone * 4 + Duration::from_millis(500), "alone {alone:?}, beside a slow one {beside:?}");
}

#[tokio::test]
async fn s62_a_hundred_that_stall_at_once_leave_nothing_behind() {
    let mut settings = tight();
    settings.slow_client.policy = SlowPolicy::Kick;
    settings.server.close_timeout = Setting::from_millis(300);
    let hub = start(settings).await;
    let mut alice = Connect::to(&hub).id("alice").rooms(&["lobby"]).open().await;
    let mut stalled = Vec::new();
    for number in 0..100 {
        stalled.push(reluctant(&hub, &format!("stalled-{number}")).rooms(&["lobby"]).open().await);
    }
    flood(&mut alice, 0, 150).await;
    until("all that stalled are gone", || hub.metrics().connections() == 1).await;
    match alice.request(ClientRequest::presence("lobby")).await {
        ServerFrame::Presence { clients, total, .. } => {
            assert_eq!((clients.len(), clients[0].as_str(), total), (1, "alice", 1));
        }
        other => panic!("unexpected {other:?}"),
    }
    drop(stalled);
}

#[tokio::test]
async fn a_client_that_takes_answers_late_is_not_read_from_meanwhile() {
    let mut settings = tight();
    settings.limits.out_buffer = ByteSize::from_kib(4);
    settings.limits.max_page = 500;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    for number in 0..40 {
        alice.publish(ClientRequest::room_message("hall", padded(&number.to_string(), SIZE))).await;
    }
    let mut greedy = reluctant(&hub, "greedy").open().await;
    const ASKED: usize = 40;
    let ask = ClientRequest::history("hall").limit(40);
    for number in 0..ASKED {
        greedy.send(&ask.clone().reference(number.to_string())).await;
    }
    // Then it reads, and every question has its answer, in order; what was asked while too much waited is refused and may be asked again.
    let mut pages = 0;
    for number in 0..ASKED {
        let expected = Some(number.to_string());
        match greedy.receive().await {
            Received::Frame(ServerFrame::History { reference, messages, complete, .. }) => {
                assert_eq!((reference, messages.len(), complete), (expected, 40, true));
                pages += 1;
            }
            Received::Frame(ServerFrame::Error { reference, code: ErrorCode::Overloaded, retryable: true, .. }) => {
                assert_eq!(reference, expected);
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(pages > 0);
}
