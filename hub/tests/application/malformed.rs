//! S72, S73: messages that cannot be read, and data that would break those who read it.

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, ErrorCode};
use gohub_test_client::{Client, json, settings, start};
use tokio_tungstenite::tungstenite::Message;

async fn refusal(client: &mut Client, text: &str) -> (ErrorCode, Option<String>, String) {
    client.send_raw(Message::text(text)).await;
    match client.frame().await {
        ServerFrame::Error { code, reference, retryable: false, message } => (code, reference, message),
        other => panic!("{text:.80}: {other:?}"),
    }
}

#[tokio::test]
async fn s72_what_cannot_be_read_is_an_error_that_names_the_field() {
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    for (text, code, reference, named) in [
        ("hello", ErrorCode::BadRequest, None, ""),
        ("[]", ErrorCode::BadRequest, None, ""),
        ("null", ErrorCode::BadRequest, None, ""),
        (r#"{"ref":"r","data":1}"#, ErrorCode::BadRequest, Some("r"), "message_id"),
        (r#"{"message_id":"20","ref":"r"}"#, ErrorCode::BadRequest, None, "message_id"),
        (r#"{"ref":"r","message_id":-1}"#, ErrorCode::BadRequest, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":4294967296}"#, ErrorCode::BadRequest, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":10,"room":7}"#, ErrorCode::BadRequest, Some("r"), "room"),
        (r#"{"ref":"r","message_id":20,"message_id":20}"#, ErrorCode::BadRequest, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":20,"data":1,"data":2}"#, ErrorCode::BadRequest, Some("r"), "data"),
        (r#"{"ref":"r","message_id":999}"#, ErrorCode::UnknownMessage, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":5000}"#, ErrorCode::UnknownMessage, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":3}"#, ErrorCode::UnknownMessage, Some("r"), "message_id"),
        (r#"{"ref":"r","message_id":22,"data":1}"#, ErrorCode::BadRoom, Some("r"), "room"),
        (r#"{"ref":"r","message_id":21,"data":1}"#, ErrorCode::BadClient, Some("r"), "to"),
        (
            r#"{"ref":"r","message_id":10,"room":"x","from_offset":"x"}"#,
            ErrorCode::BadRequest,
            Some("r"),
            "from_offset",
        ),
    ] {
        let (got, answered, message) = refusal(&mut client, text).await;
        assert_eq!(got, code, "{text}: {message}");
        assert!(message.contains(named), "{text}: {message}");
        if reference.is_some() {
            assert_eq!(answered.as_deref(), reference, "{text}: {message}");
        }
    }
    assert!(matches!(client.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }), "still there");
}

#[tokio::test]
async fn s72_too_many_errors_close_and_say_stop() {
    let mut settings = settings();
    settings.limits.errors_before_close = 5;
    let hub = start(settings).await;
    for text in ["{", r#"{"message_id":999}"#, r#"{"message_id":22,"room":""}"#] {
        let mut client = Client::connect(&hub, "a").await;
        for _ in 0..4 {
            refusal(&mut client, text).await;
        }
        assert!(matches!(client.request(ClientRequest::unicast("nobody", json("1"))).await, ServerFrame::Error { .. }));
        assert!(
            matches!(client.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }),
            "bad luck is no error"
        );
        client.send_raw(Message::text(text)).await;
        let (frames, closed) = client.until_closed().await;
        assert_eq!((frames.len(), closed.code), (1, Some(CloseCode::TooManyErrors.code())), "{text}");
    }
}

#[tokio::test]
async fn s73_data_that_breaks_parsers_is_refused_before_it_reaches_any() {
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    let mut other = Client::connect(&hub, "b").await;
    let deep = |open: &str, close: &str, levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
    for data in [
        deep("[", "]", 20_000),
        deep("[", "]", 101),
        deep(r#"{"a":"#, "}", 10_000),
        "[".repeat(60_000),
        "1e400".to_owned(),
        "-1e999999999".to_owned(),
        "9".repeat(400),
        r#""\ud800""#.to_owned(),
        r#""\udc00\ud800""#.to_owned(),
        r#"{"\ud83d": 1}"#.to_owned(),
    ] {
        let (code, ..) = refusal(&mut client, &format!(r#"{{"message_id":20,"data":{data}}}"#)).await;
        assert_eq!(code, ErrorCode::BadRequest, "{data:.60}");
    }
    let fine = deep("[", "]", 100);
    client.publish(ClientRequest::broadcast(json(fine.as_str()))).await;
    assert_eq!(other.text().await, fine);
}
