//! Somebody who signs tokens and publishes the keys for them: a real HTTP server, which can be down.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A key pair with its id.
pub(crate) struct Signer {
    id: String,
    key: EncodingKey,
}

impl Signer {
    pub(crate) fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { id: id.to_owned(), key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap() }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).unwrap()
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(jwk).unwrap()
    }
}

/// Seconds since 1970, so many from now.
pub(crate) fn in_seconds(offset: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + offset
}

/// Claims of a token for this client that is good for a minute.
pub(crate) fn claims(client: &str) -> Value {
    json!({"sub": client, "exp": in_seconds(60)})
}

#[derive(Default)]
struct Shown {
    status: AtomicU16,
    fetches: AtomicU64,
    document: Mutex<String>,
}

/// The server.
pub(crate) struct Issuer {
    pub(crate) url: String,
    shown: Arc<Shown>,
}

impl Issuer {
    /// Publishes these keys.
    pub(crate) async fn start(keys: &[&Signer]) -> Self {
        let shown = Arc::<Shown>::default();
        let router = Router::new().route("/jwks", get(answer)).with_state(Arc::clone(&shown));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, shown };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn publish(&self, keys: &[&Signer]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.says(200, json!({"keys": keys}).to_string());
    }

    /// Answers every fetch with this.
    pub(crate) fn says(&self, status: u16, document: String) {
        *self.shown.document.lock().unwrap() = document;
        self.shown.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn fetches(&self) -> u64 {
        self.shown.fetches.load(Ordering::SeqCst)
    }
}

async fn answer(State(shown): State<Arc<Shown>>) -> (StatusCode, String) {
    shown.fetches.fetch_add(1, Ordering::SeqCst);
    let status = StatusCode::from_u16(shown.status.load(Ordering::SeqCst)).unwrap();
    (status, shown.document.lock().unwrap().clone())
}
