//! S78, S79: one peer that sends more than its share, in messages and in bytes.

use std::time::{Duration, Instant};

use futures::SinkExt;
use gohub::protocol::Format;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::ByteSize;
use gohub_test_client::{Client, json, padded, settings, start, within};
use tokio_tungstenite::tungstenite::Message;

/// Sends as much as is taken within `time`; how many messages that were.
async fn flood(client: &mut Client, request: &ClientRequest, time: Duration) -> usize {
    let text = String::from_utf8(request.encode(Format::Json)).unwrap();
    let started = Instant::now();
    let mut sent = 0;
    while let Some(left) = time.checked_sub(started.elapsed()) {
        match tokio::time::timeout(left, client.socket().feed(Message::text(text.as_str()))).await {
            Ok(result) => result.unwrap(),
            Err(_) => break,
        }
        sent += 1;
        if sent % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    sent
}

async fn round_trips(client: &mut Client, time: Duration) -> Vec<Duration> {
    let started = Instant::now();
    let mut times = Vec::new();
    while started.elapsed() < time {
        let asked = Instant::now();
        assert!(matches!(client.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }));
        times.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    times.sort();
    times
}

#[tokio::test]
async fn s78_a_peer_over_its_rate_is_not_read_and_delays_nobody() {
    let mut settings = settings();
    settings.limits.message_rate = 1000;
    settings.limits.message_burst = 1000;
    settings.server.shards = 1;
    let hub = start(settings).await;
    let mut loud = Client::connect(&hub, "loud").await;
    let mut quiet = Client::connect(&hub, "quiet").await;
    let time = Duration::from_secs(2);
    let shout = ClientRequest::room_message("nobody", json("1"));
    let (sent, times) = tokio::join!(flood(&mut loud, &shout, time), round_trips(&mut quiet, time));
    let handled: u64 =
        hub.metrics().shards().iter().map(|shard| shard.messages_in.iter().map(|c| c.get()).sum::<u64>()).sum();
    let shouted = handled - times.len() as u64;
    assert!(sent > 5000, "the kernel's buffers hold what the hub does not read: {sent}");
    assert!(shouted < 5500, "1,000 at once, 2,000 in two seconds, and one read more: {shouted}");
    // The tail is the machine's as much as the hub's; a hub that read on would be late for every single one.
    let median = times[times.len() / 2];
    assert!(median < Duration::from_millis(250), "median {median:?} of {}", times.len());
}

#[tokio::test]
async fn s79_bytes_to_be_multiplied_are_bounded_for_each_sender() {
    let mut settings = settings();
    settings.limits.byte_rate = ByteSize::from_kib(256);
    settings.slow_client.max_pending = ByteSize::from_mib(16);
    let hub = start(settings).await;
    let mut loud = Client::connect(&hub, "loud").await;
    let mut readers = Vec::new();
    for number in 0..20 {
        readers.push(Client::connect(&hub, &format!("reader-{number}")).await);
    }
    let time = Duration::from_secs(2);
    flood(&mut loud, &ClientRequest::broadcast(padded("x", 60_000)), time).await;
    let taken: u64 = hub.metrics().shards().iter().map(|shard| shard.bytes_in.get()).sum();
    assert!(taken < 4 * 256 * 1024, "256 KiB at once, 512 in two seconds, one read more: {taken}");
    // And everybody has what was let through.
    let mut counts = Vec::new();
    for reader in &mut readers {
        let frames = reader.settle().await;
        counts.push(frames.iter().filter(|frame| matches!(frame, ServerFrame::Publication(..))).count());
    }
    assert!(counts[0] >= 4, "{counts:?}");
}

#[tokio::test]
async fn s79_who_is_over_its_messages_is_held_to_its_bytes_as_well() {
    let mut settings = settings();
    settings.limits.message_rate = 100;
    settings.limits.message_burst = 10;
    settings.limits.byte_rate = ByteSize::from_kib(64);
    let hub = start(settings).await;
    let mut loud = Client::connect(&hub, "loud").await;
    flood(&mut loud, &ClientRequest::room_message("nobody", padded("x", 8000)), Duration::from_secs(3)).await;
    let taken: u64 = hub.metrics().shards().iter().map(|shard| shard.bytes_in.get()).sum();
    assert!(taken < 6 * 64 * 1024, "64 KiB at once, 192 in three seconds, one read more: {taken}");
}

#[tokio::test]
async fn s78_a_peer_over_its_rate_is_told_to_wait_for_the_whole_of_its_debt() {
    let mut settings = settings();
    settings.limits.message_rate = 10;
    settings.limits.message_burst = 10;
    let hub = start(settings).await;
    let mut loud = Client::connect(&hub, "loud").await;
    loud.send_together((0..60).map(|_| ClientRequest::room_message("nobody", json("1")))).await;
    let ServerFrame::Retry { after_ms, .. } = loud.frame().await else { panic!("no retry") };
    assert!((4_500..=5_000).contains(&after_ms), "fifty messages at ten a second: {after_ms}");
}

/// Sends so many pings at once and reads their pongs; how often it was told to wait.
async fn ping_together(client: &mut Client, count: usize) -> usize {
    client.send_together((0..count).map(|n| ClientRequest::ping().reference(format!("p{n}")))).await;
    let (mut pongs, mut told) = (0, 0);
    while pongs < count {
        match client.frame().await {
            ServerFrame::Pong { reference, .. } => {
                assert_eq!(reference, Some(format!("p{pongs}")), "all are answered, in order");
                pongs += 1;
            }
            ServerFrame::Retry { reason, .. } => {
                assert_eq!(reason, "rate_limited");
                told += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    told
}

async fn several(hub: &gohub::Hub, names: [&str; 4]) -> Vec<Client> {
    let mut clients = Vec::new();
    for name in names {
        clients.push(Client::connect(hub, name).await);
    }
    clients
}

/// Four connections send 1,600 pings at once where 400 a second may come; how long until all are answered, and how often somebody was told to wait.
async fn flood_together(clients: &mut [Client]) -> (Duration, usize) {
    let started = Instant::now();
    let flood = clients.iter_mut().map(|client| ping_together(client, 400));
    let told: usize = within("all are answered", futures::future::join_all(flood)).await.into_iter().sum();
    (started.elapsed(), told)
}

fn debts(hub: &gohub::Hub) -> Vec<&'static str> {
    let mut whose: Vec<_> = hub.metrics().shards().iter().flat_map(|shard| shard.shared_debts.counts()).collect();
    whose.sort_unstable();
    whose.dedup_by_key(|(whose, _)| *whose);
    whose.into_iter().map(|(whose, _)| whose).collect()
}

#[tokio::test]
async fn a_client_with_many_connections_has_the_rate_of_one_and_loses_nothing() {
    let mut settings = settings();
    // Small reads: what one of them brings is handled whatever it costs.
    settings.server.read_buffer = ByteSize::from_kib(4);
    settings.limits.message_rate_per_client = 400;
    let hub = start(settings.clone()).await;
    let mut quiet = Client::connect(&hub, "quiet").await;
    let mut loud = several(&hub, ["loud"; 4]).await;
    let (took, told) = flood_together(&mut loud).await;
    // 800 at once, and the other 800 at 400 a second; a read that runs into debt is handled to its end.
    assert!(took >= Duration::from_millis(900), "{took:?}");
    assert!(told > 0, "they are told to wait");
    assert_eq!(debts(&hub), ["client"]);
    let asked = Instant::now();
    assert_eq!(ping_together(&mut quiet, 50).await, 0, "nobody else waits");
    assert!(asked.elapsed() < took, "{:?}", asked.elapsed());

    settings.limits.message_rate_per_client = 0;
    hub.reload().replace(settings).unwrap();
    gohub_test_client::until("the limit is gone", || hub.settings().limits.message_rate_per_client == 0).await;
    within("nobody waits any more", async { while flood_together(&mut loud).await.1 > 0 {} }).await;
}

#[tokio::test]
async fn all_clients_of_an_address_share_its_rates_in_messages_and_in_bytes() {
    let mut settings = settings();
    settings.server.read_buffer = ByteSize::from_kib(4);
    settings.limits.message_rate_per_ip = 400;
    let hub = start(settings.clone()).await;
    let mut crowd = several(&hub, ["a", "b", "c", "d"]).await;
    let (took, told) = flood_together(&mut crowd).await;
    assert!(took >= Duration::from_millis(900) && told > 0, "{took:?}, told {told} times");
    assert_eq!(debts(&hub), ["address"]);

    (settings.limits.message_rate_per_ip, settings.limits.byte_rate_per_ip) = (0, ByteSize::from_kib(64));
    let hub = start(settings).await;
    let mut crowd = several(&hub, ["a", "b", "c", "d"]).await;
    let started = Instant::now();
    // 240,000 bytes, of which 128 KiB may come at once.
    let large = ClientRequest::room_message("nobody", padded("x", 20_000));
    let send = crowd.iter_mut().map(async |client| {
        for _ in 0..3 {
            client.publish(large.clone()).await;
        }
    });
    within("all are acknowledged", futures::future::join_all(send)).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert_eq!(debts(&hub), ["address"]);
}
