//! Delivery: one order for everybody.

use gohub::protocol::client::ClientRequest;
use gohub_test_client::{Client, json, settings, start};

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
