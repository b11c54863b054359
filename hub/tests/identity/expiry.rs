//! Tokens that end on living connections, and new ones that come in time.

use std::time::{Duration, Instant};

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, ErrorCode};
use gohub::{Hub, Settings};
use gohub_settings::{Duration as Setting, Secret};
use gohub_test_client::{Client, Connect, settings, start};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::issuer::in_seconds;

const SECRET: &str = "a-secret-of-more-than-thirty-two-characters";

pub(crate) fn with_secret() -> Settings {
    let mut settings = settings();
    settings.auth.required = true;
    settings.auth.jwt.hmac_secrets = vec![Secret::new(SECRET)];
    settings.auth.jwt.leeway = Setting::ZERO;
    // Sweeps as often as they can be.
    settings.heartbeat.interval = Setting::from_millis(800);
    settings
}

pub(crate) fn sign(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

pub(crate) async fn connect(hub: &Hub, claims: &Value) -> Client {
    Connect::to(hub).query("token", &sign(claims)).open().await
}

/// The code of an error, its text, and the data of an ack.
pub(crate) fn answer(frame: ServerFrame) -> Result<Value, (ErrorCode, String)> {
    match frame {
        ServerFrame::Ack { data, .. } => {
            let Some(data) = data else { return Ok(Value::Null) };
            let gohub::protocol::Payload::Json(text) = data else { panic!("unexpected {data:?}") };
            Ok(serde_json::from_slice(&text).unwrap())
        }
        ServerFrame::Error { code, message, .. } => Err((code, message)),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn s35_a_token_that_ends_ends_the_connection_and_is_announced() {
    let hub = start(with_secret()).await;
    let exp = in_seconds(2);
    let mut alice = connect(&hub, &json!({"sub": "alice", "exp": exp})).await;
    let ServerFrame::Refresh { close_in_ms } = alice.frame().await else { panic!("no warning") };
    assert!((1..=2000).contains(&close_in_ms), "{close_in_ms}");
    let warned = Instant::now();
    let (frames, closed) = alice.until_closed().await;
    assert_eq!((frames, closed.code), (vec![], Some(CloseCode::TokenExpired.code())));
    assert!(warned.elapsed() <= Duration::from_millis(close_in_ms + 1500), "{:?}", warned.elapsed());
    assert!(in_seconds(0) >= exp, "not before its end");
}

#[tokio::test]
async fn a_new_token_keeps_the_connection() {
    let mut settings = with_secret();
    settings.auth.jwt.expiry_warning = Setting::ZERO;
    let hub = start(settings).await;
    let mut alice = connect(&hub, &json!({"sub": "alice", "exp": in_seconds(2)})).await;
    alice.join("lobby").await;
    let long = sign(&json!({"sub": "alice", "exp": in_seconds(3600)}));
    let renewed = answer(alice.request(ClientRequest::refresh(long)).await).unwrap();
    let left = renewed["expires_in_ms"].as_u64().unwrap();
    assert!((3_590_000..=3_600_000).contains(&left) && renewed.get("left").is_none(), "{renewed}");
    let first_end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < first_end {
        alice.publish(ClientRequest::room_message("lobby", gohub_test_client::json("1"))).await;
        assert_eq!(alice.text().await, "1");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_token_that_is_no_good_changes_nothing() {
    let hub = start(with_secret()).await;
    let mut alice = connect(&hub, &json!({"sub": "alice", "exp": in_seconds(3600)})).await;
    let cases = [
        (
            sign(&json!({"sub": "alice", "exp": in_seconds(-60)})),
            ErrorCode::Unauthorized,
            "token: the token is not valid",
        ),
        ("nonsense".to_owned(), ErrorCode::Unauthorized, "token: the token is not valid"),
        (sign(&json!({"sub": "bob", "exp": in_seconds(60)})), ErrorCode::Forbidden, "token: it is another client's"),
    ];
    for (token, code, message) in cases {
        let refused = answer(alice.request(ClientRequest::refresh(token)).await);
        assert_eq!(refused, Err((code, message.to_owned())));
    }
    let none = answer(alice.request(ClientRequest::new(6)).await);
    assert_eq!(none, Err((ErrorCode::BadRequest, "token is missing".to_owned())));
    let long = answer(alice.request(ClientRequest::refresh("x".repeat(8193))).await);
    assert_eq!(long, Err((ErrorCode::BadRequest, "token is longer than 8192 bytes".to_owned())));
    assert!(matches!(alice.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }));
}
