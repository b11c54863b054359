//! Configured routes: ids from 1000 without a line of Rust, with a real HTTP server at the end of the webhooks.

#[path = "routes/application.rs"]
mod application;

use application::Application;
use gohub::Hub;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, Target};
use gohub_settings::{Duration, Route, Settings};
use gohub_test_client::{Client, json, settings, start, text_of};

async fn hub(routes: &str) -> Hub {
    let Settings { routes, .. } = Settings::from_yaml(&format!("routes: {routes}"), std::iter::empty()).unwrap();
    start(Settings { routes, ..settings() }).await
}

fn refused(frame: ServerFrame) -> (ErrorCode, String) {
    match frame {
        ServerFrame::Error { code, message, .. } => (code, message.to_string()),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn a_route_sends_to_everybody_to_a_room_or_to_a_client() {
    let hub = hub("[{id: 1000, to: broadcast}, {id: 1001, to: room, room: news}, {id: 1002, to: room}, {id: 1003, to: client, client: bob}]").await;
    let (mut alice, mut bob) = (Client::connect(&hub, "alice").await, Client::connect(&hub, "bob").await);
    bob.join("news").await;
    bob.join("sport").await;
    let requests = [
        ClientRequest::new(1000).data(json("0")),
        ClientRequest::new(1001).data(json("1")),
        ClientRequest::new(1002).room("sport").data(json("2")),
        ClientRequest::new(1003).data(json("3")),
    ];
    for (number, request) in requests.into_iter().enumerate() {
        let offset = alice.publish(request).await;
        let (publication, at) = bob.publication().await;
        assert_eq!(
            (publication.id, at, text_of(&publication)),
            (1000 + number as u32, offset, number.to_string().as_str().into())
        );
    }
    assert_eq!(
        refused(alice.request(ClientRequest::new(1002)).await),
        (ErrorCode::BadRoom, "room is missing".to_owned())
    );
    assert_eq!(refused(alice.request(ClientRequest::new(1004)).await).0, ErrorCode::UnknownMessage);
    assert!(matches!(alice.publication().await.0.target, Target::Broadcast));
}

#[tokio::test]
async fn a_webhook_gets_the_message_signed_and_its_answer_is_the_ack() {
    let application = Application::answering(200, r#"{"ok": [1.0]}"#).await;
    let hub =
        hub(&format!("[{{id: 1000, to: webhook, url: '{}', secret: a-secret-of-the-hub}}]", application.url)).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let answer = alice.request(ClientRequest::new(1000).room("lobby").key("k").data(json(r#"{"a": 1.0}"#))).await;
    let ServerFrame::Ack { data: Some(data), .. } = answer else { panic!("unexpected {answer:?}") };
    assert_eq!(data, json(r#"{"ok": [1.0]}"#));
    let call = application.calls().pop().expect("one call");
    assert!(call.signature.starts_with("sha256=") && call.signature.len() == 71, "{}", call.signature);
    assert!(call.body.contains(r#""data":{"a": 1.0}"#), "data is sent as it was written: {}", call.body);
    let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!(
        (&body["message_id"], &body["from"], &body["room"], &body["key"]),
        (&1000.into(), &"alice".into(), &"lobby".into(), &"k".into())
    );
}

#[tokio::test]
async fn a_webhook_that_fails_is_an_error_that_may_be_tried_again_and_tells_no_address() {
    let cases = [(500, "", "the application refused"), (200, "not json", "the application's answer is not JSON")];
    for (status, body, expected) in cases {
        let application = Application::answering(status, body).await;
        let hub = hub(&format!("[{{id: 1000, to: webhook, url: '{}'}}]", application.url)).await;
        let mut alice = Client::connect(&hub, "alice").await;
        assert_eq!(
            refused(alice.request(ClientRequest::new(1000)).await),
            (ErrorCode::HandlerFailed, expected.to_owned())
        );
        assert_eq!(application.calls().pop().expect("one call").signature, "", "without a secret nothing is signed");
    }
    let hub = hub(
        "[{id: 1000, to: webhook, url: 'http://127.0.0.1:1/'}, {id: 1001, to: webhook, url: 'https://127.0.0.1:1/'}]",
    )
    .await;
    let mut alice = Client::connect(&hub, "alice").await;
    for id in [1000, 1001] {
        let (code, message) = refused(alice.request(ClientRequest::new(id)).await);
        assert_eq!((code, message.as_str()), (ErrorCode::HandlerFailed, "the application could not be reached"));
    }
}

#[tokio::test]
async fn a_webhook_that_says_nothing_is_given_up_in_time() {
    let application = Application::silent().await;
    let mut settings = settings();
    let route = format!("{{id: 1000, to: webhook, url: '{}'}}", application.url);
    let routes = Settings::from_yaml(&format!("routes: [{route}]"), std::iter::empty()).unwrap().routes;
    settings.routes = routes.into_iter().map(|route| Route { timeout: Duration::from_millis(200), ..route }).collect();
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let (code, message) = refused(alice.request(ClientRequest::new(1000)).await);
    assert_eq!((code, message.as_str()), (ErrorCode::HandlerFailed, "the application did not answer in time"));
}

#[tokio::test]
async fn webhooks_of_one_read_are_bounded() {
    let application = Application::silent().await;
    let mut settings = settings();
    settings.limits.max_inflight_publishes = 4;
    let routes = format!("routes: [{{id: 1000, to: webhook, url: '{}', timeout: 2s}}]", application.url);
    settings.routes = Settings::from_yaml(&routes, std::iter::empty()).unwrap().routes;
    let hub = start(settings).await;
    let mut alice = Client::connect(&hub, "alice").await;
    alice.send_together((0..100).map(|number| ClientRequest::new(1000).reference(number.to_string()))).await;
    let mut codes = Vec::new();
    while codes.len() < 100 {
        codes.push(refused(alice.frame().await).0);
    }
    let called = codes.iter().filter(|code| **code == ErrorCode::HandlerFailed).count();
    assert_eq!(codes.iter().filter(|code| **code == ErrorCode::Overloaded).count(), 100 - called);
    // The read that brought the first ones may have ended before all had come; then the rest waited for their answers.
    assert!((4..50).contains(&called), "{called}");
}
