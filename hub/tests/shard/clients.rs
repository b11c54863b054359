//! Clients: several connections of one, and what a second one may do.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, ErrorCode};
use gohub_settings::Duplicate;
use gohub_test_client::{Client, Connect, json, settings, start, until};

#[tokio::test]
async fn a_unicast_reaches_every_connection_of_the_client() {
    let hub = start(settings()).await;
    let mut bobs = [Client::connect(&hub, "bob").await, Client::connect(&hub, "bob").await];
    let mut alice = Client::connect(&hub, "alice").await;
    let offset = alice.publish(ClientRequest::unicast("bob", json("1"))).await;
    for bob in &mut bobs {
        assert_eq!(bob.publication().await.1, offset);
        assert_eq!(bob.settle().await.len(), 0);
    }
    assert_eq!(alice.settle().await, [], "the sender is not the receiver");
}

#[tokio::test]
async fn a_unicast_to_nobody_is_an_error() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    match alice.request(ClientRequest::unicast("nobody", json("1"))).await {
        ServerFrame::Error { code: ErrorCode::ClientUnknown, .. } => {}
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn whoever_left_a_moment_ago_finds_its_messages_when_it_resumes() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let bob = Client::connect(&hub, "bob").await;
    let (epoch, last) = (bob.epoch(), bob.last());
    bob.close().await;
    until("bob is gone", || hub.metrics().connections() == 1).await;
    alice.publish(ClientRequest::unicast("bob", json("1"))).await;
    let mut bob = Connect::to(&hub).id("bob").resume(&epoch, last).open().await;
    assert_eq!(bob.text().await, "1");
}

#[tokio::test]
async fn replace_closes_the_older_connection() {
    let mut settings = settings();
    settings.clients.duplicate = Duplicate::Replace;
    settings.limits.max_connections_per_client = 1;
    let hub = start(settings).await;
    let mut old = Client::connect(&hub, "bob").await;
    let mut new = Client::connect(&hub, "bob").await;
    assert_eq!(old.close_code().await, CloseCode::Replaced.code());
    drop(old);
    until("only the new one is left", || hub.metrics().connections() == 1).await;
    assert_eq!(new.settle().await, []);
}

#[tokio::test]
async fn refuse_answers_409_while_the_first_lives() {
    let mut settings = settings();
    settings.clients.duplicate = Duplicate::Refuse;
    let hub = start(settings).await;
    let first = Client::connect(&hub, "bob").await;
    assert_eq!(Connect::to(&hub).id("bob").try_open().await.unwrap_err().status, 409);
    let _alice = Client::connect(&hub, "alice").await;
    first.close().await;
    until("the first is gone", || hub.metrics().connections() == 1).await;
    Client::connect(&hub, "bob").await;
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_no_more() {
    let mut settings = settings();
    settings.limits.max_connections_per_client = 2;
    let hub = start(settings).await;
    let _both = (Client::connect(&hub, "bob").await, Client::connect(&hub, "bob").await);
    let declined = Connect::to(&hub).id("bob").try_open().await.unwrap_err();
    assert_eq!(declined.status, 429);
    assert!(declined.retry_after.is_some());
}
