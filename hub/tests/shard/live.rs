//! Settings that change under live connections.

use gohub::protocol::CloseCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::{Hub, Settings};
use gohub_settings::{ByteSize, Duplicate, Duration as Setting, SlowPolicy};
use gohub_test_client::{Client, Connect, Received, json, padded, settings, start, until};

use crate::slow::{flood, reluctant, tight};

async fn change(hub: &Hub, with: impl FnOnce(&mut Settings)) {
    let mut settings = (*hub.settings()).clone();
    with(&mut settings);
    hub.reload().replace(settings.clone()).unwrap();
    until("the settings are in force", || *hub.settings() == settings).await;
}

#[tokio::test]
async fn a_shorter_heartbeat_leaves_time_to_answer() {
    let hub = start(settings()).await;
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(Client::connect(&hub, &format!("c{number}")).await);
    }
    let silent_for = async |millis| {
        let started = std::time::Instant::now();
        while started.elapsed() < std::time::Duration::from_millis(millis) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    silent_for(1600).await;
    // Silent for longer than both together, and never asked before.
    change(&hub, |settings| {
        settings.heartbeat.interval = Setting::from_millis(100);
        settings.heartbeat.timeout = Setting::from_millis(1400);
    })
    .await;
    let pings = || hub.metrics().shards().iter().map(|shard| shard.pings.get()).sum::<u64>();
    until("all are asked", || pings() == 20).await;
    // An answer may take as long as a bad network needs.
    silent_for(300).await;
    for client in &mut clients {
        assert_eq!(client.receive().await, Received::Ping);
    }
    for client in &mut clients {
        assert!(matches!(client.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }));
    }
}

#[tokio::test]
async fn limits_and_policies_change_for_those_who_are_here() {
    let mut before = tight();
    before.slow_client.max_pending = ByteSize::from_mib(4);
    let hub = start(before).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut slow = reluctant(&hub, "slow").open().await;
    flood(&mut alice, 0, 200).await;
    change(&hub, |settings| {
        settings.slow_client.policy = SlowPolicy::Kick;
        settings.slow_client.max_pending = ByteSize::from_kib(64);
        settings.limits.max_message = ByteSize::from_kib(2);
        settings.clients.duplicate = Duplicate::Refuse;
        settings.limits.max_rooms_per_connection = 1;
    })
    .await;
    flood(&mut alice, 200, 30).await;
    assert_eq!(slow.close_code().await, CloseCode::SlowClient.code());
    assert_eq!(Connect::to(&hub).id("alice").try_open().await.unwrap_err().status, 409);
    alice.join("a").await;
    assert!(matches!(alice.request(ClientRequest::join("b")).await, ServerFrame::Error { .. }));
    alice.send(&ClientRequest::broadcast(padded("big", 4000))).await;
    assert_eq!(alice.close_code().await, CloseCode::MessageTooBig.code());
}

#[tokio::test]
async fn the_listener_moves_and_connections_stay() {
    let hub = start(settings()).await;
    let mut stays = Client::connect(&hub, "stays").await;
    let old = hub.address();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    change(&hub, |settings| settings.server.addr = free).await;
    until("it listens elsewhere", || hub.address() == free).await;
    let mut new = Client::connect(&hub, "new").await;
    new.publish(ClientRequest::unicast("stays", json("1"))).await;
    assert_eq!(stays.text().await, "1");
    let gone = async || tokio::net::TcpStream::connect(old).await.is_err();
    while !gone().await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_listener_moves_to_another_interface_with_the_same_port() {
    let hub = start(settings()).await;
    let mut stays = Client::connect(&hub, "stays").await;
    let port = hub.address().port();
    for wanted in [[0, 0, 0, 0], [127, 0, 0, 1]] {
        let wanted = std::net::SocketAddr::from((wanted, port));
        change(&hub, |settings| settings.server.addr = wanted).await;
        until("it has moved", || hub.address() == wanted).await;
        let mut new = Client::connect(&hub, "new").await;
        new.publish(ClientRequest::unicast("stays", json("1"))).await;
        assert_eq!(stays.text().await, "1");
    }
    // An address that this machine does not have: the old listener stays, and the reason is shown.
    change(&hub, |settings| settings.server.addr = std::net::SocketAddr::from(([192, 0, 2, 1], port))).await;
    until("it is complained of", || hub.reload().status().last_error.is_some()).await;
    assert!(hub.reload().status().last_error.unwrap().message.starts_with("server.addr: "));
    Client::connect(&hub, "late").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_tried_again_until_it_is_free() {
    let hub = start(settings()).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = taken.local_addr().unwrap();
    change(&hub, |settings| settings.server.addr = wanted).await;
    let complaint = || hub.reload().status().last_error;
    until("it is complained of", || complaint().is_some()).await;
    assert_eq!(complaint().unwrap().field.as_deref(), Some("server.addr"));
    Client::connect(&hub, "meanwhile").await;
    change(&hub, |settings| settings.limits.max_connections += 1).await;
    assert!(complaint().is_some(), "other settings do not make it true");
    assert_eq!(hub.metrics().config().stale.get(), 1);
    drop(taken);
    until("it has moved", || hub.address() == wanted).await;
    until("nothing is complained of any more", || complaint().is_none()).await;
    assert_eq!(hub.metrics().config().stale.get(), 0);
    Client::connect(&hub, "late").await;
}

#[tokio::test]
async fn less_retention_is_felt_by_the_next_one_who_resumes() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let first = alice.publish(ClientRequest::broadcast(json("0"))).await;
    for _ in 0..100 {
        alice.publish(ClientRequest::broadcast(padded("x", 1000))).await;
    }
    let again = || Connect::to(&hub).id("bob").resume(&alice.welcome.epoch.to_string(), first);
    assert!(again().open().await.welcome.recovered);
    change(&hub, |settings| {
        settings.retention.max_bytes = ByteSize::from_kib(64);
        settings.slow_client.max_pending = ByteSize::from_kib(64);
    })
    .await;
    let epoch = alice.epoch();
    alice.publish(ClientRequest::broadcast(json("1"))).await;
    let bob = Connect::to(&hub).id("bob").resume(&epoch, first).open().await;
    assert!(!bob.welcome.recovered);
}
