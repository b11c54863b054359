//! What one hub is told to revoke counts on all of them within a second, outlives the hub that was told, and goes by itself.

use std::time::{Duration, Instant};

use gohub::{Hub, Settings};
use gohub_settings::Secret;
use gohub_test_client::{Client, Connect};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::site::{Api, settings, start, start_all};

const SECRET: &str = "a-secret-of-more-than-thirty-two-characters";

fn with_tokens(node: &str, cluster: &Cluster) -> Settings {
    let mut settings = settings(node, cluster.endpoints());
    settings.auth.required = true;
    settings.auth.jwt.hmac_secrets = vec![Secret::new(SECRET)];
    settings
}

pub(crate) fn token(client: &str, id: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": client, "jti": id, "iat": now, "exp": now + 3600});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// Every key and value of etcd.
pub(crate) async fn dump(cluster: &Cluster) -> String {
    let everything = etcd_client::GetOptions::new().with_all_keys();
    let answer = cluster.client().await.get("", Some(everything)).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    answer.kvs().iter().map(|kv| format!("{} {}\n", text(kv.key()), text(kv.value()))).collect()
}

async fn open(hub: &Hub, token: &str) -> Result<Client, u16> {
    Connect::to(hub).query("token", token).try_open().await.map_err(|declined| declined.status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_counts_on_all_hubs_within_a_second_and_goes_by_itself() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = start_all(["a", "b"].map(|node| with_tokens(node, &cluster))).await;
        let api = Api::of(&hubs[0]);
        let stolen = token("alice", "stolen-id-of-alice");
        let mut there = open(&hubs[1], &stolen).await.unwrap();
        let mut bob = open(&hubs[1], &token("bob", "2")).await.unwrap();

        let asked = Instant::now();
        let (status, shown) = api.call(Method::POST, "revocations", json!({"token_id": "stolen-id-of-alice"})).await;
        assert_eq!(status, 200, "{shown}");
        assert_eq!(there.close_code().await, 4503);
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_eq!(open(&hubs[1], &stolen).await.err(), Some(401));
        assert!(bob.settle().await.is_empty());

        // A hub that starts later knows it, from etcd, where neither token nor id stand.
        let late = start(with_tokens("c", &cluster)).await;
        let late_api = Api::of(&late);
        let known = |list: &Value| list["items"] == json!([shown]);
        eventually("the late hub knows", || late_api.get("revocations"), known).await;
        assert_eq!(open(&late, &stolen).await.err(), Some(401));
        let stored = dump(&cluster).await;
        assert!(
            stored.contains("/voided/token/") && !stored.contains("stolen") && !stored.contains("alice"),
            "{stored}"
        );

        let query = "revocations?token_id=stolen-id-of-alice";
        assert_eq!(late_api.call(Method::DELETE, query, Value::Null).await.0, 204);
        let none = |list: &Value| list["items"] == json!([]);
        eventually("it is taken back everywhere", || api.get("revocations"), none).await;
        assert!(open(&hubs[1], &stolen).await.is_ok());

        let body = json!({"client": "bob", "for_seconds": 2});
        assert_eq!(api.call(Method::POST, "revocations", body).await.0, 200);
        assert_eq!(bob.close_code().await, 4503);
        let api = Api::of(&hubs[1]);
        eventually("it is over", || api.get("revocations"), none).await;
        assert!(open(&hubs[1], &token("bob", "3")).await.is_ok());
    })
    .await;
}
