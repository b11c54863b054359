//! The application behind a webhook: a real HTTP server that keeps what it was sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::net::TcpListener;

/// One call as it came.
pub(crate) struct Call {
    pub(crate) signature: String,
    pub(crate) body: String,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    body: &'static str,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// A server on a port of its own, for as long as the test's runtime.
pub(crate) struct Application {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Application {
    /// Answers every call with this.
    pub(crate) async fn answering(status: u16, body: &'static str) -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), body, calls: Arc::clone(&calls) };
        let router = Router::new().route("/hook", post(take)).with_state(answer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, calls }
    }

    /// Takes the connection and never says a word.
    pub(crate) async fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                held.push(socket);
            }
        });
        Self { url, calls: Arc::default() }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

async fn take(State(answer): State<Answer>, headers: HeaderMap, body: String) -> (StatusCode, &'static str) {
    let signature = headers.get("x-gohub-signature").map_or("", |value| value.to_str().unwrap()).to_owned();
    answer.calls.lock().unwrap().push(Call { signature, body });
    (answer.status, answer.body)
}
