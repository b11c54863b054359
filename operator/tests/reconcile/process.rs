//! The binary as the chart starts it, against the API server over HTTP: waiting for rights, ready, leading, told to stop.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

use crate::api_server::{Answer, ApiServer};
use crate::scene::{GOHUB, gohub};

const DEADLINE: Duration = Duration::from_secs(120);

struct Process {
    child: Child,
    admin: String,
    _tasks: JoinSet<()>,
    _directory: tempfile::TempDir,
}

/// Serves the API server over HTTP and starts the operator with a kubeconfig that names it.
async fn start(server: &ApiServer) -> Process {
    let mut tasks = JoinSet::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let behind = server.clone();
    let router = Router::new().fallback(move |request: Request| {
        let service = behind.service();
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let request = http::Request::from_parts(head, kube::client::Body::from(bytes.to_vec()));
            service.oneshot(request).await.unwrap().map(Body::new)
        }
    });
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let directory = tempfile::tempdir().unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": format!("http://{addr}") } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": "ops" } }],
        "users": [{ "name": "test", "user": {} }],
    });
    let path = directory.path().join("config");
    std::fs::write(&path, config.to_string()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_gohub-operator"))
        .args(["run", "--admin-addr", "127.0.0.1:0"])
        .env("KUBECONFIG", &path)
        .env("POD_NAME", "operator-1")
        .env("POD_NAMESPACE", "")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let admin = timeout(DEADLINE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not a log line: {line}"));
            if line["message"] == "operator started" {
                return line["addr"].as_str().unwrap().to_owned();
            }
        }
        panic!("it ended before it started");
    });
    let admin = admin.await.unwrap();
    // Read on, or the process would wait for room.
    tasks.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Process { child, admin, _tasks: tasks, _directory: directory }
}

impl Process {
    /// An answer; none if the process has ended.
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://{}{path}", self.admin)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    async fn until(&self, what: &str, path: &str, holds: impl Fn(u16, &str) -> bool) -> Option<()> {
        let begun = Instant::now();
        loop {
            let (status, text) = self.get(path).await?;
            if holds(status, &text) {
                return Some(());
            }
            assert!(begun.elapsed() < DEADLINE, "{what}: {status} {text}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Leads, works and is told to stop; `None` if it ended before, as it must where a machine is so slow that it cannot renew its lease.
async fn lead_work_and_stop(server: &ApiServer) -> Option<ExitStatus> {
    let mut process = start(server).await;
    process.until("it leads", "/metrics", |_, text| text.contains("gohub_operator_leading 1")).await?;
    process.until("it is ready", "/readyz", |status, _| status == 200).await?;
    process
        .until("its watches hear", "/metrics", |_, text| text.contains(r#"age_seconds{kind="deployments"}"#))
        .await?;
    process.until("it works", "/metrics", |_, text| text.contains(r#"reconcile_seconds_count{result="ok"}"#)).await?;
    assert_eq!(process.get("/livez").await?.0, 200);
    let holder = server.at("leases", "gohub-operator", "/spec/holderIdentity");
    assert!(holder.as_str()?.starts_with("operator-1_"), "{holder}");
    let pid = process.child.id()?.to_string();
    Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    timeout(DEADLINE, process.child.wait()).await.unwrap().ok().filter(ExitStatus::success)
}

#[tokio::test]
async fn it_leads_works_and_gives_the_lease_back_when_told_to_stop() {
    let server = ApiServer::new();
    server.put(GOHUB, gohub());
    for _ in 0..3 {
        if lead_work_and_stop(&server).await.is_some() {
            assert!(server.get("deployments", "chat").is_some());
            let holder = server.at("leases", "gohub-operator", "/spec/holderIdentity");
            assert!(holder.is_null(), "the next one need not wait: {holder}");
            return;
        }
    }
    panic!("it ended by itself three times");
}

#[tokio::test]
async fn o31_it_is_not_ready_while_a_right_is_missing_and_says_which() {
    let server = ApiServer::new();
    server.fault(|call| {
        let asked = &call.body["spec"]["resourceAttributes"];
        (asked["verb"] == "watch" && asked["resource"] == "deployments").then(|| {
            let mut review = call.body.clone();
            review["status"] = json!({ "allowed": false });
            Answer::Json(201, review)
        })
    });
    let process = start(&server).await;
    process
        .until("it says so", "/readyz", |status, text| status == 503 && text.contains("watch deployments.apps"))
        .await;
    assert_eq!(process.get("/livez").await.unwrap().0, 200, "a restart would not grant it");
}
