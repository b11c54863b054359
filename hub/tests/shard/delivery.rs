//! Delivery: one order for everybody, whatever shard, form and room.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, Offset, Payload, Publication, Target};
use gohub_test_client::{Client, Closed, Connect, json, settings, start, text_of};

#[tokio::test]
async fn a_broadcast_reaches_everybody_and_its_sender() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut bob = Client::connect(&hub, "bob").await;
    let offset = alice.publish(ClientRequest::broadcast(json("[1]"))).await;
    for client in [&mut alice, &mut bob] {
        let (publication, at) = client.publication().await;
        assert_eq!((at, publication.from.map(|from| from.to_string())), (offset, Some("alice".to_owned())));
    }
}

/// What a receiver of `publication` should see of it, given who it is and where it is.
fn is_for(publication: &Publication, client: &str, rooms: &[&str]) -> bool {
    match &publication.target {
        Target::Broadcast => true,
        Target::Room(room) => rooms.contains(&room.as_str()),
        Target::Client(to) => to.as_str() == client,
    }
}

#[tokio::test]
async fn everybody_sees_the_same_order_whoever_publishes_to_whom() {
    const ROUNDS: usize = 60;
    let hub = start(settings()).await;
    let rooms: [&[&str]; 4] = [&["red", "blue"], &["red"], &["blue"], &[]];
    let mut receivers = Vec::new();
    for (index, rooms) in rooms.iter().enumerate() {
        let connect = Connect::to(&hub).id(&format!("reader-{index}")).rooms(rooms);
        receivers.push(if index % 2 == 0 { connect.open().await } else { connect.cbor().open().await });
    }
    let publish = |name: &'static str| {
        let connect = Connect::to(&hub).id(name);
        async move {
            let mut client = connect.open().await;
            let mut sent = Vec::new();
            for round in 0..ROUNDS {
                let data = json(format!("\"{name} {round}\""));
                let request = match round % 4 {
                    0 => ClientRequest::broadcast(data),
                    1 => ClientRequest::room_message("red", data),
                    2 => ClientRequest::room_message("blue", data),
                    _ => ClientRequest::unicast(format!("reader-{}", round / 4 % 4), data),
                };
                sent.push(client.publish(request).await);
            }
            assert!(sent.is_sorted(), "what one connection publishes keeps its order");
        }
    };
    tokio::join!(publish("x"), publish("y"), publish("z"));
    let mut log: Vec<(Offset, Publication)> = Vec::new();
    let mut seen = Vec::new();
    for receiver in &mut receivers {
        let frames = receiver.settle().await;
        let publications = frames.into_iter().map(|frame| match frame {
            ServerFrame::Publication(publication, offset) => (offset, publication),
            other => panic!("no publication but {other:?}"),
        });
        let publications: Vec<_> = publications.collect();
        assert!(publications.is_sorted_by(|(a, _), (b, _)| a < b), "in order, and none twice");
        log.extend(publications.iter().cloned());
        seen.push(publications);
    }
    log.sort_by_key(|(offset, _)| *offset);
    log.dedup();
    assert_eq!(log.len(), 3 * ROUNDS, "every publication had a reader, and is the same to all");
    for (index, publications) in seen.iter().enumerate() {
        let client = format!("reader-{index}");
        let mine: Vec<_> =
            log.iter().filter(|(_, publication)| is_for(publication, &client, rooms[index])).cloned().collect();
        assert_eq!(*publications, mine, "{client}");
    }
}

#[tokio::test]
async fn data_is_the_same_in_both_forms() {
    let hub = start(settings()).await;
    let mut text = Client::connect(&hub, "text").await;
    let mut binary = Connect::to(&hub).id("binary").cbor().open().await;
    let odd = r#"{"a": [1.0, 2e3, "\u00e9"],  "b":null}"#;
    text.publish(ClientRequest::broadcast(json(odd)).message_type("odd \"one\"").key("k1")).await;
    let bytes = Payload::Binary(vec![0, 255, 1].into());
    binary.publish(ClientRequest::unicast("text", bytes.clone())).await;
    let (first, offset) = text.publication().await;
    assert_eq!(binary.publication().await, (first.clone(), offset));
    assert_eq!(text_of(&first), odd);
    assert_eq!(text.publication().await.0.data, Some(bytes));
}

#[tokio::test]
async fn the_other_kind_of_frame_closes_the_connection() {
    let hub = start(settings()).await;
    let mut text = Client::connect(&hub, "text").await;
    text.send_raw(tokio_tungstenite::tungstenite::Message::binary(vec![1])).await;
    assert_eq!(text.close_code().await, CloseCode::UnsupportedData.code());
    let mut binary = Connect::to(&hub).cbor().open().await;
    binary.send_raw(tokio_tungstenite::tungstenite::Message::text("{}")).await;
    assert_eq!(binary.close_code().await, CloseCode::UnsupportedData.code());
}

#[tokio::test]
async fn a_close_is_answered_with_its_own_code() {
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode as Code};
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    let frame = CloseFrame { code: Code::Library(4999), reason: "bye".into() };
    client.socket().close(Some(frame)).await.unwrap();
    let (_, closed) = client.until_closed().await;
    assert_eq!(closed, Closed { code: Some(4999), reason: String::new() });
    gohub_test_client::until("the connection is gone", || hub.metrics().connections() == 0).await;
}

#[tokio::test]
async fn a_repeated_key_is_delivered_once_and_acked_with_the_first_offset() {
    let hub = start(settings()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let request = ClientRequest::broadcast(json("1")).key("order-7");
    let first = alice.publish(request.clone()).await;
    assert_eq!(alice.publish(request).await, first);
    assert_eq!(alice.publication().await.1, first);
    assert_eq!(alice.settle().await, []);
}
