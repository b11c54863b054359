//! A server that judges tokens: what it says, how often it is asked, and what counts while it is down.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gohub::Hub;
use gohub_settings::{Duration, Secret, Settings};
use gohub_test_client::{Connect, settings, start, within};
use tokio::net::TcpListener;

#[derive(Default)]
pub(crate) struct Server {
    status: AtomicU16,
    calls: AtomicU64,
    answer: Mutex<String>,
    signatures: Mutex<Vec<String>>,
}

impl Server {
    pub(crate) fn says(&self, status: u16, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

async fn judge(State(server): State<Arc<Server>>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    server.calls.fetch_add(1, Ordering::SeqCst);
    let signature = headers.get("x-gohub-signature").map_or("", |value| value.to_str().unwrap()).to_owned();
    server.signatures.lock().unwrap().push(signature);
    assert!(body.starts_with(r#"{"token":""#), "{body}");
    (StatusCode::from_u16(server.status.load(Ordering::SeqCst)).unwrap(), server.answer.lock().unwrap().clone())
}

pub(crate) async fn serve(change: impl FnOnce(&mut Settings)) -> (Arc<Server>, Hub) {
    let server = Arc::<Server>::default();
    let router = Router::new().route("/judge", post(judge)).with_state(Arc::clone(&server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings();
    settings.auth.required = true;
    settings.auth.hook.url = format!("http://{}/judge", listener.local_addr().unwrap());
    settings.auth.hook.secret = Secret::new("a-secret-of-the-hub");
    tokio::spawn(async move { axum::serve(listener, router).await });
    change(&mut settings);
    (server, start(settings).await)
}

/// The status of the handshake, and who the client is.
async fn knock(hub: &Hub, token: &str) -> (u16, String) {
    match Connect::to(hub).query("token", token).try_open().await {
        Ok(client) => {
            let id = client.id();
            client.close().await;
            (101, id)
        }
        Err(declined) => (declined.status, String::new()),
    }
}

#[tokio::test]
async fn a_server_judges_tokens_and_its_word_counts_for_a_while() {
    let (server, hub) = serve(|_| ()).await;
    server.says(200, r#"{"client_id": "alice"}"#);
    for _ in 0..3 {
        assert_eq!(knock(&hub, "opaque").await, (101, "alice".to_owned()));
    }
    server.says(401, "");
    assert_eq!(knock(&hub, "other").await.0, 401);
    assert_eq!(knock(&hub, "opaque").await.0, 101, "remembered");
    assert_eq!(server.calls(), 2);
    assert!(server.signatures.lock().unwrap().iter().all(|signature| signature.starts_with("sha256=")));
    assert_eq!(knock(&hub, &"x".repeat(9000)).await.0, 401);
    assert_eq!(server.calls(), 2, "no server is asked about what no token is");
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_and_those_it_let_in_come_back() {
    let (server, hub) = serve(|settings| {
        settings.auth.hook.cache = Duration::ZERO;
        settings.auth.hook.failures = 2;
        settings.auth.hook.pause = Duration::from_secs(600);
    })
    .await;
    server.says(200, r#"{"client_id": "alice"}"#);
    assert_eq!(knock(&hub, "opaque").await.0, 101);
    for (status, answer) in [(500, ""), (200, "nonsense")] {
        server.says(status, answer);
        assert_eq!(knock(&hub, "new").await.0, 503);
    }
    for _ in 0..5 {
        assert_eq!(knock(&hub, "new").await.0, 503);
        assert_eq!(knock(&hub, "opaque").await, (101, "alice".to_owned()), "by its older word");
    }
    assert_eq!(server.calls(), 3, "the server is left alone");
}

#[tokio::test]
async fn a_server_that_is_back_is_asked_again() {
    let (server, hub) = serve(|settings| {
        settings.auth.hook.failures = 1;
        settings.auth.hook.pause = Duration::from_millis(50);
    })
    .await;
    server.says(500, "");
    assert_eq!(knock(&hub, "opaque").await.0, 503);
    server.says(200, r#"{"client_id": "alice"}"#);
    within("it is asked again", async { while knock(&hub, "opaque").await.0 != 101 {} }).await;
}

#[tokio::test]
async fn s40_the_server_is_not_asked_about_the_tokens_of_who_only_guesses() {
    let (server, hub) = serve(|settings| settings.auth.lockout.wrong_tokens = 50).await;
    server.says(401, "");
    let mut statuses = Vec::new();
    for n in 0..300 {
        statuses.push(knock(&hub, &format!("guess-{n}")).await.0);
    }
    let asked = server.calls();
    assert!((50..150).contains(&asked), "{asked} calls");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count() as u64, 300 - asked);
    server.says(200, r#"{"client_id": "alice"}"#);
    assert_eq!(knock(&hub, "good").await.0, 429, "not even about a good one");
    assert_eq!(server.calls(), asked);
}
