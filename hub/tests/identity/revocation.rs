//! Tokens that count no more before their end, on one hub; on several: `cluster_hubs/revocation.rs`.

use gohub::Hub;
use gohub::protocol::client::ClientRequest;
use gohub::protocol::{CloseCode, ErrorCode};
use gohub_settings::{Secret, Settings, Token};
use gohub_test_client::{Connect, start, within};
use reqwest::Method;
use serde_json::{Value, json};

use crate::expiry::{answer, connect, sign, with_secret};
use crate::issuer::in_seconds;

const API_KEY: &str = "api-key-of-the-tests";
const STATIC: &str = "a-static-token-of-a-device";

fn settings() -> Settings {
    let mut settings = with_secret();
    settings.admin.api_keys = vec![Secret::new(API_KEY)];
    let token = Secret::new(STATIC);
    settings.auth.tokens = vec![Token { token, client_id: "device".to_owned(), capabilities: None }];
    settings
}

async fn call(hub: &Hub, method: Method, query: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("http://{}/api/v1/revocations{query}", hub.admin_address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.request(method, url).bearer_auth(API_KEY);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = within("the admin listener answers", request.send()).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn revoke(hub: &Hub, body: Value) -> Value {
    let (status, shown) = call(hub, Method::POST, "", Some(body)).await;
    assert_eq!(status, 200, "{shown}");
    shown
}

fn claims(client: &str, id: &str, issued: i64) -> Value {
    json!({"sub": client, "exp": in_seconds(3600), "jti": id, "iat": issued})
}

async fn status(hub: &Hub, token: &str) -> u16 {
    match Connect::to(hub).query("token", token).try_open().await {
        Ok(client) => {
            client.close().await;
            101
        }
        Err(declined) => declined.status,
    }
}

#[tokio::test]
async fn a_token_is_revoked_by_its_id_where_it_is_used_and_where_it_comes() {
    let hub = start(settings()).await;
    let now = in_seconds(0);
    let mut stolen = connect(&hub, &claims("alice", "stolen", now)).await;
    let mut other = connect(&hub, &claims("alice", "other", now)).await;
    let shown = revoke(&hub, json!({"token_id": "stolen"})).await;
    assert_eq!(stolen.close_code().await, CloseCode::Unauthorized.code());
    assert_eq!(status(&hub, &sign(&claims("alice", "stolen", now))).await, 401);
    let refused = answer(other.request(ClientRequest::refresh(sign(&claims("alice", "stolen", now)))).await);
    assert_eq!(refused, Err((ErrorCode::Unauthorized, "token: the token is not valid".to_owned())));
    assert!(!shown.to_string().contains("stolen"), "the id itself is shown to nobody: {shown}");

    let (_, all) = call(&hub, Method::GET, "", None).await;
    assert_eq!(all, json!({"items": [shown]}));
    assert_eq!(call(&hub, Method::DELETE, "?token_id=stolen", None).await.0, 204);
    assert_eq!(call(&hub, Method::DELETE, "?token_id=stolen", None).await.0, 404);
    assert_eq!(status(&hub, &sign(&claims("alice", "stolen", now))).await, 101);
}

#[tokio::test]
async fn what_a_client_had_before_is_revoked_and_what_it_gets_after_is_not() {
    let hub = start(settings()).await;
    let now = in_seconds(0);
    let mut old = connect(&hub, &claims("alice", "1", now - 10)).await;
    let mut ageless = connect(&hub, &json!({"sub": "alice", "exp": in_seconds(3600)})).await;
    let mut new = connect(&hub, &claims("alice", "2", now)).await;
    let mut bob = connect(&hub, &claims("bob", "3", now - 10)).await;
    let mut device = Connect::to(&hub).query("token", STATIC).open().await;
    revoke(&hub, json!({"client": "alice", "issued_before": now - 5, "for_seconds": 3600})).await;
    for gone in [&mut old, &mut ageless] {
        assert_eq!(gone.close_code().await, CloseCode::Unauthorized.code());
    }
    assert!(new.settle().await.is_empty() && bob.settle().await.is_empty());
    assert_eq!(status(&hub, &sign(&claims("alice", "4", now - 5))).await, 401);
    assert_eq!(status(&hub, &sign(&claims("alice", "4", now - 4))).await, 101);
    revoke(&hub, json!({"client": "device"})).await;
    assert_eq!(device.close_code().await, CloseCode::Unauthorized.code());
    assert_eq!(status(&hub, STATIC).await, 401);
}

#[tokio::test]
async fn a_revocation_ends_by_itself() {
    let hub = start(settings()).await;
    let token = sign(&claims("alice", "1", in_seconds(0)));
    revoke(&hub, json!({"client": "alice", "for_seconds": 1})).await;
    assert_eq!(status(&hub, &token).await, 401);
    within("it is over", async { while status(&hub, &token).await != 101 {} }).await;
    assert_eq!(call(&hub, Method::GET, "", None).await.1, json!({"items": []}));
}

#[tokio::test]
async fn a_revocation_names_one_thing_and_a_time() {
    let hub = start(settings()).await;
    for (body, field) in [
        (json!({}), "token_id"),
        (json!({"token_id": "a", "client": "b"}), "token_id"),
        (json!({"token_id": ""}), "token_id"),
        (json!({"client": "a/b"}), "client"),
        (json!({"client": "a", "for_seconds": 0}), "for_seconds"),
        (json!({"client": "a", "for_seconds": 31_536_001}), "for_seconds"),
        (json!({"client": "a", "more": 1}), "more"),
    ] {
        let (status, problem) = call(&hub, Method::POST, "", Some(body.clone())).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{body} {problem}");
    }
}
