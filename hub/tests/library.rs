//! gohub as a library: the server of `hub/examples/custom_server.rs` does what it says, with the settings of a test.

use std::sync::{Arc, Mutex};

use gohub::dispatcher::HubEvent;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ClientId, ErrorCode, RoomName, Target};
use gohub_test_client::{Client, settings, text_of, until};

#[path = "../examples/custom_server.rs"]
#[expect(dead_code, reason = "its `main` is the example's; the test starts the same server with settings of its own")]
mod custom_server;

#[tokio::test]
async fn the_example_rolls_a_die_for_the_room() {
    let hub = custom_server::start(settings(), |_: &HubEvent| {}).await.unwrap();
    let (mut alice, mut bob) = (Client::connect(&hub, "alice").await, Client::connect(&hub, "bob").await);
    alice.join("table").await;
    bob.join("table").await;
    let offset = alice.publish(ClientRequest::new(1000).room("table")).await;
    for client in [&mut alice, &mut bob] {
        let (rolled, at) = client.publication().await;
        assert_eq!((rolled.id, at), (1000, offset));
        assert_eq!(rolled.target, Target::Room(RoomName::parse("table").unwrap()));
        assert_eq!(rolled.from, Some(ClientId::parse("alice").unwrap()));
        let pips: u8 = text_of(&rolled).parse().unwrap();
        assert!((1..=6).contains(&pips), "{pips}");
    }
}

#[tokio::test]
async fn a_handlers_refusal_is_the_clients_error() {
    let hub = custom_server::start(settings(), |_: &HubEvent| {}).await.unwrap();
    let mut alice = Client::connect(&hub, "alice").await;
    let answer = alice.request(ClientRequest::new(1000)).await;
    assert!(matches!(answer, ServerFrame::Error { code: ErrorCode::BadRoom, .. }), "{answer:?}");
}

#[tokio::test]
async fn an_observer_is_told_who_comes_and_goes_and_which_rooms_fill_and_empty() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&told);
    let hub = custom_server::start(settings(), move |event: &HubEvent| ears.lock().unwrap().push(event.clone()));
    let hub = hub.await.unwrap();
    let mut alice = Client::connect(&hub, "alice").await;
    alice.join("table").await;
    let mut bob = Client::connect(&hub, "bob").await;
    bob.join("table").await;
    bob.ack(ClientRequest::leave("table")).await;
    bob.close().await;
    let gone = || told.lock().unwrap().iter().filter(|event| matches!(event, HubEvent::Gone { .. })).count();
    until("bob is gone", || gone() == 1).await;
    alice.close().await;
    until("alice is gone", || gone() == 2).await;

    let told = told.lock().unwrap();
    let words: Vec<String> = told
        .iter()
        .map(|event| match event {
            HubEvent::Connected { client, .. } => format!("{client} connected"),
            HubEvent::Gone { client, .. } => format!("{client} gone"),
            HubEvent::RoomOccupied { room } => format!("{room} occupied"),
            HubEvent::RoomVacated { room } => format!("{room} vacated"),
        })
        .collect();
    let expected = ["alice connected", "table occupied", "bob connected", "bob gone", "table vacated", "alice gone"];
    assert_eq!(words, expected, "bob found the room occupied and left somebody in it");
}
