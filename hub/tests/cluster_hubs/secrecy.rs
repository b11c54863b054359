//! S37: what a client shows to be let in is seen by the hub and by nobody who looks at the hub.

use std::time::Duration;

use gohub::protocol::client::ClientRequest;
use gohub_settings::{Secret, Token};
use gohub_test_client::{Connect, json};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::site::settings;

/// A word that stands in every secret here and nowhere else.
const MARK: &str = "Qm9uaWZheg";
const HMAC: &str = "a-secret-Qm9uaWZheg-of-more-than-thirty-two-characters";

/// A token whose mark stays readable in base64.
fn jwt(client: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let header = Header { kid: Some("key".to_owned()), ..Header::default() };
    let claims = serde_json::json!({"sub": client, "exp": now + 3600});
    encode(&header, &claims, &EncodingKey::from_secret(HMAC.as_bytes())).unwrap()
}

/// Every key and value of etcd, in every version that it still has.
async fn dump(cluster: &Cluster) -> String {
    let everything = etcd_client::GetOptions::new().with_all_keys();
    let answer = cluster.client().await.get("", Some(everything)).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    answer.kvs().iter().map(|kv| format!("{} {}\n", text(kv.key()), text(kv.value()))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s37_a_token_stands_in_no_log_no_metric_no_answer_and_no_value_of_etcd() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let mut settings = settings("a", cluster.endpoints());
        settings.auth.required = true;
        let fixed = format!("a-fixed-token-{MARK}-0001");
        settings.auth.tokens =
            vec![Token { token: Secret::new(fixed.as_str()), client_id: "fixed".to_owned(), capabilities: None }];
        settings.auth.jwt.hmac_secrets = vec![Secret::new(HMAC)];
        let hub = Process::start_at(settings, "trace").await;

        // What is let in, in each way there is to show it, and works.
        let signed = jwt("alice");
        let mut alice = Connect::to_address(hub.address).query("token", &signed).open().await;
        let bearer = format!("Bearer {fixed}");
        let mut fixed_client = Connect::to_address(hub.address).header("authorization", &bearer).open().await;
        alice.join("lobby").await;
        alice.publish(ClientRequest::room_message("lobby", json("1"))).await;
        fixed_client.publish(ClientRequest::unicast("alice", json("2"))).await;
        let renewed = jwt("alice");
        alice.ack(ClientRequest::refresh(renewed.as_str())).await;
        // What is not: wrong, of somebody else, two that disagree, over the limit, in a place where no token belongs.
        let wrong = [
            ("token", format!("wrong-{MARK}")),
            ("token", format!("{signed}{MARK}")),
            ("token", format!("%zz{MARK}")),
            ("token", format!("{MARK}{}", "x".repeat(9000))),
            ("token", format!("{fixed}&client_id=bob")),
            ("token", format!("{fixed}&token={fixed}")),
        ];
        for (name, value) in &wrong {
            assert!(Connect::to_address(hub.address).query(name, value).try_open().await.is_err());
        }
        let both = Connect::to_address(hub.address).query("token", &signed).header("authorization", &bearer);
        assert!(both.try_open().await.is_err());
        assert!(Connect::to_address(hub.address).path("/elsewhere").query("token", &fixed).try_open().await.is_err());
        drop(alice.request(ClientRequest::refresh(format!("wrong-{MARK}"))).await);
        drop(fixed_client.request(ClientRequest::refresh(signed.as_str())).await);

        let api = hub.api();
        let mut shown = vec![("metrics", api.metrics().await), ("etcd", dump(&cluster).await)];
        for path in [
            "clients",
            "clients/alice",
            "clients/alice/why",
            "rooms",
            "rooms/lobby",
            "rooms/lobby/presence",
            "nodes",
            "config",
            "revocations",
            "log-level",
            "openapi.json",
            "traces",
        ] {
            shown.push((path, api.get(path).await.to_string()));
        }
        let bad = serde_json::json!({"token_id": "7"});
        shown.push(("revocations", format!("{:?}", api.call(Method::POST, "revocations", bad).await)));
        alice.close().await;
        fixed_client.close().await;
        let closed = || std::future::ready(hub.said("connection closed"));
        eventually("both ends are in the log", closed, |closed| *closed >= 2).await;
        let log = hub.log();
        assert!(log.iter().any(|line| line.contains(r#""level":"TRACE""#) || line.contains(r#""level":"trace""#)));
        assert!(hub.said("handshake refused") >= wrong.len(), "the refused ones were logged");
        shown.push(("log", log.join("\n")));
        let signatures = [&signed, &renewed].map(|token| token.rsplit('.').next().unwrap().to_owned());
        for (place, text) in shown {
            for secret in signatures.iter().map(String::as_str).chain([MARK]) {
                let at = text.lines().find(|line| line.contains(secret));
                assert!(at.is_none(), "{place}: {at:?}");
            }
        }
    })
    .await;
}
