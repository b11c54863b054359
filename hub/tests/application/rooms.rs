//! S75: rooms without end, by number and by churn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gohub::Hub;
use gohub::dispatcher::HubEvent;
use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_test_client::{Client, settings, start, until};

#[tokio::test]
async fn s75_joins_without_end_stop_at_the_limit_of_the_connection() {
    const JOINS: usize = 20_000;
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    let max = hub.settings().limits.max_rooms_per_connection as usize;
    let (mut entered, mut refused) = (0, 0);
    for batch in 0..JOINS / 100 {
        for number in 0..100 {
            client.send(&ClientRequest::join(format!("room-{batch}-{number}")).reference("j")).await;
        }
        for _ in 0..100 {
            match client.frame().await {
                ServerFrame::Ack { .. } => entered += 1,
                ServerFrame::Error { code: ErrorCode::TooManyRooms, .. } => refused += 1,
                ServerFrame::Retry { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }
    assert_eq!((entered, refused), (max, JOINS - max));
}

#[tokio::test]
async fn s75_a_room_nobody_is_in_is_free_again() {
    let mut settings = settings();
    settings.limits.max_rooms = 10;
    let (occupied, vacated) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (came, went) = (Arc::clone(&occupied), Arc::clone(&vacated));
    let observer = move |event: &HubEvent| match event {
        HubEvent::RoomOccupied { .. } => drop(came.fetch_add(1, Ordering::Relaxed)),
        HubEvent::RoomVacated { .. } => drop(went.fetch_add(1, Ordering::Relaxed)),
        _ => {}
    };
    let hub = Hub::builder(settings).observer(observer).start().await.unwrap();
    let mut client = Client::connect(&hub, "a").await;
    for number in 0..3000 {
        let room = format!("room-{number}");
        client.join(&room).await;
        client.ack(ClientRequest::leave(room)).await;
    }
    for number in 0..10 {
        client.join(&format!("kept-{number}")).await;
    }
    drop(client);
    let counts = || (occupied.load(Ordering::Relaxed), vacated.load(Ordering::Relaxed));
    until("all rooms are empty", || counts() == (3010, 3010)).await;
    let mut other = Client::connect(&hub, "b").await;
    for number in 0..10 {
        other.join(&format!("new-{number}")).await;
    }
}
