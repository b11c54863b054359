//! S39: what a client may do, by its token or by the settings, and what it gets when it does more.

use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::{Grant, Settings};
use gohub_test_client::{Client, Connect, json as payload, settings, start};
use serde_json::json;

use crate::expiry::{answer, connect, sign, with_secret};
use crate::issuer::in_seconds;

async fn refused(client: &mut Client, request: ClientRequest) -> String {
    let (code, message) = answer(client.request(request).await).expect_err("a refusal");
    assert_eq!(code, ErrorCode::Forbidden);
    message
}

#[tokio::test]
async fn s39_a_client_does_what_its_token_allows_and_nothing_more() {
    let mut settings = with_secret();
    let routes = "routes: [{id: 1000, to: broadcast}, {id: 1001, to: room, room: news}, {id: 1002, to: client}]";
    settings.routes = Settings::from_yaml(routes, std::iter::empty()).unwrap().routes;
    let hub = start(settings).await;
    let mut admin = connect(&hub, &json!({"sub": "admin", "exp": in_seconds(3600)})).await;
    for room in ["chat:7", "news", "chat:7:typing"] {
        admin.join(room).await;
    }
    let grant = json!({
        "rooms": [
            {"pattern": "chat:*", "allow": ["join", "publish", "presence"]},
            {"pattern": "news", "allow": ["join", "history"]},
        ],
        "clients": ["bob"],
    });
    let claims = json!({"sub": "alice", "exp": in_seconds(3600), "capabilities": grant});
    let mut alice = Connect::to(&hub)
        .query("token", &sign(&claims))
        .rooms(&["chat:7", "secret", "news", "chat:7:typing"])
        .open()
        .await;
    let rooms: Vec<&str> = alice.welcome.rooms.iter().map(gohub::protocol::RoomName::as_str).collect();
    assert_eq!(rooms, ["chat:7", "news"], "rooms of the query are judged too");

    let offset = alice.publish(ClientRequest::room_message("chat:7", payload("1"))).await;
    let no = |request: ClientRequest, message: &'static str| (request, message);
    let data = || payload("2");
    for (request, message) in [
        no(ClientRequest::join("secret"), "room: this client may not join it"),
        no(ClientRequest::join("chat:7").from_offset(offset), "room: this client may not ask what was said there"),
        no(ClientRequest::room_message("news", data()), "room: this client may not publish there"),
        no(ClientRequest::room_message("chat:7:typing", data()), "room: this client may not publish there"),
        no(ClientRequest::presence("news"), "room: this client may not ask who is in it"),
        no(ClientRequest::history("chat:7"), "room: this client may not ask what was said there"),
        no(ClientRequest::broadcast(data()), "this client may not send to everybody"),
        no(ClientRequest::unicast("admin", data()), "to: this client may not send to it"),
        no(ClientRequest::new(1000).data(data()), "this client may not send to everybody"),
        no(ClientRequest::new(1001).data(data()), "room: this client may not publish there"),
        no(ClientRequest::new(1002).to("admin").data(data()), "to: this client may not send to it"),
    ] {
        assert_eq!(refused(&mut alice, request).await, message);
    }
    assert!(matches!(alice.request(ClientRequest::presence("chat:7")).await, ServerFrame::Presence { .. }));
    assert!(matches!(alice.request(ClientRequest::history("news")).await, ServerFrame::History { .. }));
    let nobody = answer(alice.request(ClientRequest::unicast("bob", data())).await);
    assert_eq!(nobody.expect_err("bob is not there").0, ErrorCode::ClientUnknown);

    let frames = admin.settle().await;
    let [ServerFrame::Publication(publication, _)] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(publication.from.as_ref().map(|from| from.as_str()), Some("alice"), "what was refused went to nobody");
}

#[tokio::test]
async fn s39_who_has_no_grant_of_its_own_has_that_of_the_settings_and_it_is_hot() {
    let mut settings = settings();
    settings.auth.capabilities = Some(Grant::default());
    let hub = start(settings.clone()).await;
    let mut before = Client::connect(&hub, "before").await;
    assert_eq!(refused(&mut before, ClientRequest::join("lobby")).await, "room: this client may not join it");
    settings.auth.capabilities = None;
    hub.reload().replace(settings).unwrap();
    gohub_test_client::within("the new grant counts", async {
        loop {
            let mut after = Client::connect(&hub, "after").await;
            if answer(after.request(ClientRequest::join("lobby")).await).is_ok() {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_token_brings_its_own_rights_and_rooms_it_may_not_be_in_are_left() {
    let hub = start(with_secret()).await;
    let mut alice = connect(&hub, &json!({"sub": "alice", "exp": in_seconds(3600)})).await;
    alice.join("lobby").await;
    alice.join("news").await;
    let grant = json!({"rooms": [{"pattern": "news", "allow": ["join"]}]});
    let less = sign(&json!({"sub": "alice", "exp": in_seconds(3600), "capabilities": grant}));
    let renewed = answer(alice.request(ClientRequest::refresh(less)).await).unwrap();
    assert_eq!(renewed["left"], json!(["lobby"]));
    let mut bob = connect(&hub, &json!({"sub": "bob", "exp": in_seconds(3600)})).await;
    bob.publish(ClientRequest::room_message("lobby", payload("1"))).await;
    bob.publish(ClientRequest::room_message("news", payload("2"))).await;
    assert_eq!(alice.text().await, "2");
    assert_eq!(refused(&mut alice, ClientRequest::join("lobby")).await, "room: this client may not join it");
}
