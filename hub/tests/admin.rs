//! The admin listener over real HTTP, with a hub behind it that is told what to say.

#[path = "admin/stub.rs"]
mod stub;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gohub::admin::{Admin, Control, Server};
use gohub::lifecycle::{Lifecycle, Phase, Tasks};
use gohub::metrics::Metrics;
use gohub::protocol::Payload;
use gohub::reload::{Reload, Source};
use gohub::telemetry::Telemetry;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use stub::Stub;

const KEY: &str = "an-api-key-of-the-test";

/// An admin listener on a port of its own.
struct Running {
    stub: Arc<Stub>,
    lifecycle: Lifecycle,
    reload: Arc<Reload>,
    telemetry: Telemetry,
    metrics: Metrics,
    tasks: Tasks,
    local: tokio::sync::watch::Receiver<std::net::SocketAddr>,
    client: reqwest::Client,
    directory: TempDir,
}

impl Running {
    async fn start() -> Self {
        Self::with(&format!("admin: {{addr: '127.0.0.1:0', api_keys: [{KEY}], max_body: 4KiB}}\n")).await
    }

    async fn with(settings: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("config.yaml");
        fs::write(&path, settings).unwrap();
        let (stub, lifecycle, metrics) = (Arc::new(Stub::default()), Lifecycle::default(), Metrics::default());
        lifecycle.advance(Phase::Ready);
        let source = Source::new(Some(path), Vec::new());
        let reload = Arc::new(Reload::open(source, Box::new(|_| Ok(())), Arc::clone(metrics.config())).unwrap());
        let telemetry = Telemetry::detached();
        let admin = Admin {
            control: Arc::clone(&stub) as Arc<dyn Control>,
            lifecycle: lifecycle.clone(),
            reload: Arc::clone(&reload),
            telemetry: telemetry.clone(),
            metrics: metrics.clone(),
        };
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let server = Server::bind(admin).await.unwrap();
        let local = server.local_addr();
        tasks.spawn("admin", server.run(tasks.clone(), tasks.token()));
        let following = Arc::clone(&reload);
        let stop = tasks.token();
        tasks.spawn("reload", async move { following.run(stop).await });
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { stub, lifecycle, reload, telemetry, metrics, tasks, local, client, directory }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", *self.local.borrow())
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(KEY)
    }

    /// The status and the JSON of a call that has the key.
    async fn call(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        answer(self.request(method, path).body(body)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text:?} is no JSON")))
}

/// Every call of the API, with a body that would do.
const API: [(&str, &str, &str); 22] = [
    ("POST", "/api/v1/broadcast", "{}"),
    ("POST", "/api/v1/rooms/lobby/messages", "{}"),
    ("POST", "/api/v1/clients/alice/messages", "{}"),
    ("POST", "/api/v1/batch", r#"{"messages": [{}]}"#),
    ("GET", "/api/v1/clients", ""),
    ("GET", "/api/v1/rooms", ""),
    ("GET", "/api/v1/nodes", ""),
    ("GET", "/api/v1/rooms/lobby/members", ""),
    ("GET", "/api/v1/rooms/lobby/history", ""),
    ("GET", "/api/v1/clients/alice/why", ""),
    ("DELETE", "/api/v1/clients/alice", ""),
    ("POST", "/api/v1/clients/alice/refresh", r#"{"within_seconds": 5}"#),
    ("PUT", "/api/v1/clients/alice/rooms/lobby", ""),
    ("DELETE", "/api/v1/clients/alice/rooms/lobby", ""),
    ("POST", "/api/v1/revocations", r#"{"client": "alice"}"#),
    ("GET", "/api/v1/revocations", ""),
    ("DELETE", "/api/v1/revocations?client=alice", ""),
    ("GET", "/api/v1/config", ""),
    ("POST", "/api/v1/config/check", "{}"),
    ("GET", "/api/v1/log-level", ""),
    ("PUT", "/api/v1/log-level", r#"{"level": "info"}"#),
    ("POST", "/api/v1/drain", ""),
];

#[tokio::test]
async fn s41_no_call_of_the_api_works_without_the_right_key() {
    let running = Running::start().await;
    let document = gohub::admin::openapi();
    let documented: usize = document
        .paths
        .paths
        .iter()
        .filter(|(path, _)| path.starts_with("/api/"))
        .map(|(_, item)| [&item.get, &item.put, &item.post, &item.delete].into_iter().filter(|o| o.is_some()).count())
        .sum();
    assert_eq!(documented, API.len(), "a new call must be added to this test");
    for (method, path, body) in API {
        let method: Method = method.parse().unwrap();
        let bare = || running.client.request(method.clone(), running.url(path)).body(body);
        for request in [
            bare(),
            bare().bearer_auth("an-api-key-of-the-tesT"),
            bare().header("X-API-Key", ""),
            bare().basic_auth("admin", Some(KEY)),
        ] {
            let (status, problem) = answer(request).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(problem["code"], "unauthorized");
            assert!(!problem.to_string().contains(KEY));
        }
        for request in [bare().bearer_auth(KEY), bare().header("X-API-Key", KEY)] {
            let status = request.send().await.unwrap().status();
            assert!(status.is_success(), "{method} {path}: {status}");
        }
    }
    assert!(running.metrics.net().api_refused.get() >= API.len() as u64);
}

#[tokio::test]
async fn s41_a_scoped_key_opens_its_part_of_the_api_alone() {
    let scopes = [("publish", 4), ("read", 6), ("manage", 7), ("operate", 5)];
    let keys = scopes.map(|(scope, _)| format!("{{key: 'the-key-to-{scope}-000', scopes: [{scope}]}}")).join(", ");
    let settings = format!("admin: {{addr: '127.0.0.1:0', open_metrics: false, scoped_keys: [{keys}]}}\n");
    let running = Running::with(&settings).await;
    for (scope, calls) in scopes {
        let key = format!("the-key-to-{scope}-000");
        let mut opened = 0;
        for (method, path, body) in API {
            let request = running.client.request(method.parse().unwrap(), running.url(path)).body(body);
            let status = request.bearer_auth(&key).send().await.unwrap().status();
            assert!(status.is_success() || status == StatusCode::FORBIDDEN, "{scope}: {method} {path} {status}");
            opened += usize::from(status.is_success());
        }
        assert_eq!(opened, calls, "{scope}");
        let metrics = running.client.get(running.url("/metrics")).bearer_auth(&key).send().await.unwrap();
        assert_eq!(metrics.status(), StatusCode::OK, "any key opens the metrics");
    }
}

#[tokio::test]
async fn s41_without_a_configured_key_nobody_uses_the_api() {
    let running = Running::with("admin: {addr: '127.0.0.1:0'}\n").await;
    let (status, problem) = running.call(Method::GET, "/api/v1/clients", "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(problem["message"].as_str().unwrap().contains("admin.api_keys"), "{problem}");
}

#[tokio::test]
async fn s41_metrics_are_open_unless_the_settings_close_them() {
    let open = Running::start().await;
    let text = open.client.get(open.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("# TYPE gohub_connections gauge"), "{text}");

    let closed =
        Running::with(&format!("admin: {{addr: '127.0.0.1:0', open_metrics: false, api_keys: [{KEY}]}}\n")).await;
    let bare = closed.client.get(closed.url("/metrics")).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(closed.request(Method::GET, "/metrics").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn s41_what_does_not_exist_is_404_in_the_same_shape() {
    let running = Running::start().await;
    for path in ["/debug", "/config", "/", "/api/v1", "/api/v2/clients", "/metrics/", "/api/v1/../../etc/passwd"] {
        let (status, problem) = running.call(Method::GET, path, "").await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{path}");
    }
    let (status, problem) = running.call(Method::GET, "/api/v1/broadcast", "").await;
    assert_eq!((status, &problem["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("method_not_allowed")));
}

#[tokio::test]
async fn probes_tell_the_phase_and_the_reason() {
    let running = Running::start().await;
    let probe = async |path: &str| answer(running.client.get(running.url(path))).await;
    assert_eq!(probe("/readyz").await, (StatusCode::OK, json!({"ok": true, "phase": "ready"})));
    let (status, full) = probe("/accepting").await;
    assert_eq!((status, &full["reason"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("100000 of 100000 connections")));

    running.stub.cut_off.store(true, Relaxed);
    let (status, cut_off) = probe("/readyz").await;
    assert_eq!((status, &cut_off["reason"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("no canary for 10s")));
    assert_eq!(probe("/livez").await.0, StatusCode::OK, "a store that is down is no reason to restart the pod");

    running.stub.cut_off.store(false, Relaxed);
    running.lifecycle.advance(Phase::Draining);
    let (status, draining) = probe("/readyz").await;
    assert_eq!((status, &draining["reason"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("the hub is draining")));
    assert_eq!(probe("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_published_message_reaches_the_hub_as_it_was_written() {
    let running = Running::start().await;
    let data = r#"{"b" : 1,  "a":[1.0, null]}"#;
    let body = format!(r#"{{"message_type": "chat", "data": {data}, "key": "k1"}}"#);
    let (status, answer) = running.call(Method::POST, "/api/v1/rooms/caf%C3%A9/messages", body).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"offset": "1-0"})));
    let published = running.stub.published.lock().unwrap().pop().unwrap();
    assert_eq!(published.room().unwrap().as_str(), "café");
    assert_eq!(
        (published.id, published.message_type.as_deref(), published.key.as_deref()),
        (22, Some("chat"), Some("k1"))
    );
    assert_eq!(published.data, Some(Payload::json(data.to_owned()).unwrap()), "data is carried, not re-serialised");
    assert_eq!(published.from, None);

    let body = r#"{"message_id": 1000, "data": "aGk=", "encoding": "base64"}"#;
    assert_eq!(running.call(Method::POST, "/api/v1/clients/alice/messages", body).await.0, StatusCode::OK);
    let published = running.stub.published.lock().unwrap().pop().unwrap();
    assert_eq!((published.id, published.data), (1000, Some(Payload::Binary("hi".into()))));
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_named_and_nothing_is_published() {
    let running = Running::start().await;
    let deep = format!(r#"{{"data": {}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let long = format!(r#"{{"key": "{}"}}"#, "k".repeat(200));
    for (path, body, status, code, field) in [
        ("/api/v1/broadcast", "{", 400, "bad_request", None),
        ("/api/v1/broadcast", r#"{"dta": 1}"#, 400, "bad_request", Some("dta")),
        ("/api/v1/broadcast", r#"{"data": 1, "data": 2}"#, 400, "bad_request", Some("data")),
        ("/api/v1/broadcast", r#"{"message_id": 21}"#, 400, "bad_request", Some("message_id")),
        ("/api/v1/broadcast", &deep, 400, "bad_request", Some("data")),
        ("/api/v1/broadcast", &long, 400, "bad_request", Some("key")),
        ("/api/v1/broadcast", r#"{"data": "?", "encoding": "base64"}"#, 400, "bad_request", Some("data")),
        ("/api/v1/rooms/a%2Fb/messages", "{}", 400, "bad_room", Some("room")),
        ("/api/v1/rooms/a%0Ab/messages", "{}", 400, "bad_room", Some("room")),
        ("/api/v1/clients/..%2F..%2Fetc/messages", "{}", 400, "bad_client", Some("id")),
        ("/api/v1/clients/nobody/messages", "{}", 404, "client_unknown", None),
        ("/api/v1/batch", r#"{"messages": []}"#, 400, "bad_request", Some("messages")),
        ("/api/v1/batch", r#"{"messages": [{}, {"room": ""}]}"#, 400, "bad_room", Some("messages[1].room")),
        ("/api/v1/batch", r#"{"messages": [{"room": "a", "to": "b"}]}"#, 400, "bad_request", Some("messages[0].to")),
    ] {
        let (got, problem) = running.call(Method::POST, path, body.to_owned()).await;
        assert_eq!((got.as_u16(), problem["code"].as_str()), (status, Some(code)), "{path} {body:.80}: {problem}");
        assert_eq!(problem.get("field").and_then(Value::as_str), field, "{path} {body:.80}: {problem}");
    }
    assert_eq!(running.stub.published.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_a_bus_that_is_down_is_503_with_retry_after() {
    let running = Running::start().await;
    let (status, problem) = running.call(Method::POST, "/api/v1/broadcast", vec![b' '; 5000]).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));

    running.stub.cut_off.store(true, Relaxed);
    let response = running.request(Method::POST, "/api/v1/broadcast").body("{}").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("bus_unavailable"), &json!(true)));
}

#[tokio::test]
async fn a_batch_keeps_its_order_and_answers_one_by_one() {
    let running = Running::start().await;
    let body = r#"{"messages": [{"room": "a"}, {"to": "nobody"}, {"to": "alice"}, {"data": 1}]}"#;
    let (status, answer) = running.call(Method::POST, "/api/v1/batch", body).await;
    assert_eq!((status, &answer["failed"]), (StatusCode::OK, &json!(1)));
    let offsets: Vec<_> =
        answer["results"].as_array().unwrap().iter().map(|result| result["offset"].as_str()).collect();
    assert_eq!(offsets, [Some("1-0"), None, Some("2-0"), Some("3-0")]);
    assert_eq!(answer["results"][1]["error"]["code"], "client_unknown");
    let ids: Vec<_> = running.stub.published.lock().unwrap().iter().map(|publication| publication.id).collect();
    assert_eq!(ids, [22, 21, 20]);
}

#[tokio::test]
async fn a_list_passes_on_its_page_and_names_the_hubs_that_did_not_answer() {
    let running = Running::start().await;
    let path = "/api/v1/clients?node=n1&limit=5&after=abe&room=lobby";
    let (status, listing) = running.call(Method::GET, path, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(listing["missing"], json!([{"node": "n2", "error": "no answer within 2s"}]));
    assert_eq!((&listing["items"][0]["connection"], &listing["next"]), (&json!("17"), &json!("alice")));
    let asked = running.stub.asked.lock().unwrap().pop().unwrap();
    for part in ["Node(\"n1\")", "lobby", "limit: 5", "after: Some(\"abe\")"] {
        assert!(asked.contains(part), "{asked}");
    }
    for bad in ["limit=0", "limit=1001", "limit=x", "lmit=1", "room=%00"] {
        let (status, problem) = running.call(Method::GET, &format!("/api/v1/clients?{bad}"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}: {problem}");
    }
    assert_eq!(running.call(Method::GET, "/api/v1/rooms?node=n9", "").await.0, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn a_kick_says_how_many_and_a_stranger_is_404() {
    let running = Running::start().await;
    let kick = async |path: &str| running.call(Method::DELETE, path, "").await;
    assert_eq!(kick("/api/v1/clients/alice").await, (StatusCode::OK, json!({"connections": 1, "missing": []})));
    assert_eq!(kick("/api/v1/clients/alice?connection=18").await.0, StatusCode::NOT_FOUND);
    assert_eq!(kick("/api/v1/clients/nobody").await.1["code"], "client_unknown");
}

#[tokio::test]
async fn a_client_is_put_into_a_room_and_taken_out_and_who_refuses_is_named() {
    let running = Running::start().await;
    let call = async |method: Method, path: &str| running.call(method, path, "").await;
    let (status, placed) = call(Method::PUT, "/api/v1/clients/alice/rooms/lobby?node=n1&connection=17").await;
    assert_eq!((status, placed), (StatusCode::OK, json!({"connections": 2, "refused": [], "missing": []})));
    let asked = running.stub.asked.lock().unwrap().pop().unwrap();
    for part in ["Node(\"n1\")", "alice", "Some(17)", "lobby", "In"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert_eq!(call(Method::DELETE, "/api/v1/clients/alice/rooms/lobby").await.0, StatusCode::OK);
    assert!(running.stub.asked.lock().unwrap().pop().unwrap().ends_with("Out"));
    let (status, problem) = call(Method::PUT, "/api/v1/clients/alice/rooms/full").await;
    assert_eq!((status, &problem["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too_many_rooms")));
    let (status, problem) = call(Method::PUT, "/api/v1/clients/nobody/rooms/lobby").await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("client_unknown")));
    let (status, placed) = call(Method::PUT, "/api/v1/clients/hidden/rooms/lobby").await;
    assert_eq!((status, &placed["missing"][0]["node"]), (StatusCode::OK, &json!("n2")), "nobody can say: {placed}");
    let (status, problem) = call(Method::PUT, "/api/v1/clients/alice/rooms/a%2Fb").await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("bad_room")));
}

#[tokio::test]
async fn a_client_gets_other_rights_or_has_to_bring_a_token() {
    let running = Running::start().await;
    let refresh = async |id: &str, body: &'static str| {
        running.call(Method::POST, &format!("/api/v1/clients/{id}/refresh"), body).await
    };
    let body = r#"{"within_seconds": 30, "capabilities": {"rooms": [{"pattern": "chat:*", "allow": ["join"]}]}}"#;
    assert_eq!(refresh("alice", body).await, (StatusCode::OK, json!({"connections": 1, "missing": []})));
    let asked = running.stub.asked.lock().unwrap().pop().unwrap();
    assert!(asked.contains("30s") && asked.contains("chat:*") && asked.contains("Join"), "{asked}");
    for (body, field) in [
        ("{}", "within_seconds"),
        (r#"{"within_seconds": 0}"#, "within_seconds"),
        (r#"{"within_seconds": 86401}"#, "within_seconds"),
        (r#"{"capabilities": {"romos": []}}"#, "romos"),
    ] {
        let (status, problem) = refresh("alice", body).await;
        assert_eq!((status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{body}: {problem}");
    }
    assert_eq!(refresh("nobody", r#"{"within_seconds": 5}"#).await.0, StatusCode::NOT_FOUND);
    assert_eq!(running.stub.asked.lock().unwrap().len(), 1, "what is wrong does not reach the hub");
}

#[tokio::test]
async fn a_rooms_members_and_its_history_are_paged() {
    let running = Running::start().await;
    let get = async |path: &str| running.call(Method::GET, path, "").await;
    let (_, page) = get("/api/v1/rooms/lobby/members?limit=2").await;
    let missing = json!([{"node": "n2", "error": "no answer within 2s"}]);
    let first = json!({"room": "lobby", "clients": ["alice", "bob"], "next": "bob", "total": 3, "missing": missing});
    assert_eq!(page, first);
    let (_, page) = get("/api/v1/rooms/lobby/members?limit=2&after=bob").await;
    assert_eq!((&page["clients"], page.get("next")), (&json!(["carol"]), None));

    let response = running.request(Method::GET, "/api/v1/rooms/lobby/history?limit=5&since=17-0").send().await.unwrap();
    let text = response.text().await.unwrap();
    let whole = r#"{"room":"lobby","epoch":"e1","offset":"17-1","messages":[{"message_id":22,"data":{ "a" : 1.0 }}],"complete":false}"#;
    assert_eq!(text, whole, "messages are carried, not re-serialised");
    assert!(running.stub.asked.lock().unwrap().pop().unwrap().contains("Since"));
    for bad in ["history?limit=0", "history?limit=100000", "history?since=yesterday", "members?limit=0", "members?x=1"]
    {
        let (status, problem) = get(&format!("/api/v1/rooms/lobby/{bad}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}: {problem}");
    }
}

#[tokio::test]
async fn the_log_level_is_read_and_changed() {
    let running = Running::start().await;
    let put = async |body: &'static str| running.call(Method::PUT, "/api/v1/log-level", body).await;
    assert_eq!(put(r#"{"level": "info,gohub::bus=debug"}"#).await.0, StatusCode::OK);
    let (_, level) = running.call(Method::GET, "/api/v1/log-level", "").await;
    assert_eq!(level, json!({"level": "info,gohub::bus=debug"}));
    let (status, problem) = put(r#"{"level": "loud"}"#).await;
    assert_eq!((status, &problem["field"]), (StatusCode::BAD_REQUEST, &json!("level")));
    assert_eq!(running.telemetry.level(), "info,gohub::bus=debug");
}

#[tokio::test]
async fn s42_the_configuration_is_shown_without_its_secrets_and_a_file_is_judged() {
    let running = Running::start().await;
    let (status, config) = running.call(Method::GET, "/api/v1/config", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(config["status"]["loaded_hash"], running.reload.status().loaded_hash);
    let text = config.to_string();
    assert!(text.contains("***") && !text.contains(KEY), "{text}");

    let check = async |body: &'static str| running.call(Method::POST, "/api/v1/config/check", body).await;
    let (status, checked) = check("server: {shards: 7}\n").await;
    assert_eq!((status, &checked["restart_required"]), (StatusCode::OK, &json!(["server.shards"])));
    let (status, problem) = check("admin: {api_keys: [short-secret]}\n").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(problem["field"].as_str().unwrap().starts_with("admin.api_keys"), "{problem}");
    assert!(!problem.to_string().contains("short-secret"), "{problem}");
}

#[tokio::test]
async fn a_drain_is_begun_once() {
    let running = Running::start().await;
    let drain = async || running.call(Method::POST, "/api/v1/drain", "").await;
    assert_eq!(drain().await, (StatusCode::ACCEPTED, json!({"began": true})));
    assert_eq!(drain().await, (StatusCode::ACCEPTED, json!({"began": false})));
}

#[tokio::test]
async fn the_listener_follows_its_address_and_rotated_keys() {
    let mut running = Running::start().await;
    let old = *running.local.borrow_and_update();
    // A free port, which nothing else takes in the moment between.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!("admin: {{addr: '{free}', api_keys: [another-key-of-the-test]}}\n");
    fs::write(running.directory.path().join("config.yaml"), text).unwrap();
    running.reload.nudge();
    tokio::time::timeout(Duration::from_secs(20), running.local.changed()).await.unwrap().unwrap();
    assert_eq!(*running.local.borrow(), free);
    let fresh = reqwest::Client::builder().no_proxy().build().unwrap();
    let status =
        async |key: &str| fresh.get(running.url("/api/v1/log-level")).bearer_auth(key).send().await.unwrap().status();
    assert_eq!(status("another-key-of-the-test").await, StatusCode::OK);
    assert_eq!(status(KEY).await, StatusCode::UNAUTHORIZED, "a rotated key must stop working");
    assert!(tokio::net::TcpStream::connect(old).await.is_err(), "the old address must be closed");
}

#[tokio::test]
async fn a_taken_address_is_complained_of_and_had_once_it_is_free() {
    let mut running = Running::start().await;
    running.local.mark_unchanged();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = taken.local_addr().unwrap();
    fs::write(running.directory.path().join("config.yaml"), format!("admin: {{addr: '{wanted}'}}\n")).unwrap();
    running.reload.nudge();
    let mut status = running.reload.watch_status();
    let mut complaint = async |is_there: bool| {
        let found = status.wait_for(|status| status.last_error.is_some() == is_there);
        let found = tokio::time::timeout(Duration::from_secs(20), found).await.expect("in time").unwrap();
        found.last_error.as_ref().and_then(|refusal| refusal.field.clone())
    };
    assert_eq!(complaint(true).await.as_deref(), Some("admin.addr"));
    drop(taken);
    tokio::time::timeout(Duration::from_secs(20), running.local.changed()).await.unwrap().unwrap();
    assert_eq!(*running.local.borrow(), wanted);
    complaint(false).await;
}

#[tokio::test]
async fn a_stop_ends_the_listener_although_a_caller_keeps_its_connection() {
    let running = Running::start().await;
    running.call(Method::GET, "/api/v1/log-level", "").await;
    // The client's pool holds that connection open.
    running.tasks.stop(Duration::from_secs(20)).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_never_finishes_its_head_is_cut() {
    let running = Running::start().await;
    let mut socket = tokio::net::TcpStream::connect(*running.local.borrow()).await.unwrap();
    socket.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let started = Instant::now();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(25), socket.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open after {:?}", started.elapsed());
}
