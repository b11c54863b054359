//! The controller as a whole: what it hears of, and what it does when it hears nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use gohub_operator::controller::{Controller, Scope};
use gohub_operator::health::Health;
use gohub_operator::reconcile::context::Apis;
use gohub_operator::reconcile::observe::Hubs;
use gohub_operator::reconcile::observed::Report;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api_server::{ApiServer, status};
use crate::scene::{FakeHubs, GOHUB, context, gohub};

struct Running {
    server: ApiServer,
    health: Health,
    _task: tokio::task::JoinSet<()>,
}

fn start(server: ApiServer) -> Running {
    start_with(server, &FakeHubs::default())
}

fn start_with(server: ApiServer, hubs: &(impl Hubs + Clone + 'static)) -> Running {
    let (apis, health) = (watch::Sender::new(Apis::default()), Health::default());
    let context = context(server.client(), hubs, &apis);
    let controller = Controller {
        context: Arc::clone(&context),
        scope: Scope::Cluster,
        health: health.clone(),
        apis,
        apis_every: Duration::from_secs(30),
    };
    let mut task = tokio::task::JoinSet::new();
    task.spawn(controller.run());
    Running { server, health, _task: task }
}

/// Waits for a condition; how long it took by the paused clock.
async fn until(within: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

async fn running() -> Running {
    let server = ApiServer::new();
    server.put(GOHUB, gohub());
    let running = start(server);
    until(Duration::from_secs(10), "the Deployment", || running.server.get("deployments", "chat").is_some()).await;
    until(Duration::from_secs(10), "the status", || !running.server.at("gohubs", "chat", "/status").is_null()).await;
    running
}

#[tokio::test(start_paused = true)]
async fn o11_a_change_of_a_child_is_heard_of_and_taken_back_within_ten_seconds() {
    let running = running().await;
    running.server.edit("services", "chat", "kubectl-edit", "/spec/ports/0/port", json!(81));
    until(Duration::from_secs(10), "the port", || running.server.at("services", "chat", "/spec/ports/0/port") == 80)
        .await;
    running.server.delete("configmaps", "chat-config");
    until(Duration::from_secs(10), "the ConfigMap", || running.server.get("configmaps", "chat-config").is_some()).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_users_own_config_map_is_heard_of() {
    let running = running().await;
    let map = |interval: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "theirs", "namespace": "demo" },
            "data": { "config.yaml": format!("heartbeat: {{ interval: {interval} }}\n") },
        })
    };
    running.server.put("/api/v1/namespaces/demo/configmaps/theirs", map("20s"));
    running.server.change("gohubs", "chat", |gohub| {
        gohub["spec"]["configFrom"] = json!({ "name": "theirs", "key": "config.yaml" });
    });
    let hash = || running.server.at("gohubs", "chat", "/status/config/hash");
    let first = hash();
    until(Duration::from_secs(5), "the hash", || hash() != first).await;
    let second = hash();
    running.server.put("/api/v1/namespaces/demo/configmaps/theirs", map("30s"));
    until(Duration::from_secs(5), "the next hash", || hash() != second).await;
}

/// A Secret of a user's with these keys.
fn secret(server: &ApiServer, name: &str, keys: &[(&str, &str)]) {
    let data: serde_json::Map<_, _> = keys.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": "demo" }, "data": data,
    });
    server.put(&format!("/api/v1/namespaces/demo/secrets/{name}"), secret);
}

#[tokio::test(start_paused = true)]
async fn o38_a_secret_that_is_missing_wrong_or_rotated_is_heard_of_and_what_runs_is_left_alone() {
    let running = running().await;
    let server = &running.server;
    let ready = |reason: &str, words: &str| {
        let conditions = server.at("gohubs", "chat", "/status/conditions");
        let ready = conditions.as_array().unwrap().iter().find(|one| one["type"] == "Ready").cloned().unwrap();
        ready["reason"] == reason && ready["message"].as_str().unwrap().contains(words)
    };
    let soon = Duration::from_secs(5);
    server.change("gohubs", "chat", |gohub| gohub["spec"]["hub"]["tlsSecret"] = json!("theirs"));
    until(soon, "it is missed", || ready("ReferenceMissing", "Secret \"theirs\" with the keys tls.crt")).await;
    let mounted = || server.at("deployments", "chat", "/spec/template/spec/volumes").to_string().contains("theirs");
    assert!(!mounted(), "no hub is stopped for a pod that could not start");

    secret(server, "theirs", &[("tls.crt", "QQ=="), ("cert.key", "QQ==")]);
    until(soon, "its key is missed", || ready("ReferenceMissing", "no key \"tls.key\"")).await;
    assert!(!mounted());

    secret(server, "theirs", &[("tls.crt", "QQ=="), ("tls.key", "QQ==")]);
    until(soon, "it is used", mounted).await;
    let template = server.at("deployments", "chat", "/spec/template");
    server.play_deployment("chat");
    let told = || server.at("pods", "chat-pod-0", "/metadata/annotations/gohub.io~1secrets-nudge");
    until(soon, "kubelet is told to look", || !told().is_null()).await;
    let first = told();

    secret(server, "theirs", &[("tls.crt", "Qg=="), ("tls.key", "Qg==")]);
    until(soon, "kubelet is told to look again", || told() != first).await;
    server.delete("secrets", "theirs");
    until(soon, "it is missed again", || ready("ReferenceMissing", "does not exist")).await;
    assert_eq!(server.at("deployments", "chat", "/spec/template"), template, "no hub is restarted for any of it");
}

#[tokio::test(start_paused = true)]
async fn o38_the_secret_of_an_etcd_of_somebody_elses_is_heard_of() {
    let running = running().await;
    running.server.change("gohubs", "chat", |gohub| {
        gohub["spec"]["etcd"] = json!({
            "mode": "External", "external": { "endpoints": ["https://etcd:2379"], "tlsSecret": "etcd-client" },
        });
    });
    let said = || running.server.at("gohubs", "chat", "/status/conditions").to_string();
    let soon = Duration::from_secs(5);
    until(soon, "it is missed", || said().contains("etcd-client")).await;
    secret(&running.server, "etcd-client", &[("tls.crt", "QQ=="), ("tls.key", "QQ==")]);
    until(soon, "its key is missed", || said().contains("no key \\\"ca.crt\\\"")).await;
    secret(&running.server, "etcd-client", &[("ca.crt", "QQ=="), ("tls.crt", "QQ=="), ("tls.key", "QQ==")]);
    until(soon, "nothing is missed", || !said().contains("ReferenceMissing")).await;
}

#[tokio::test(start_paused = true)]
async fn o29_watches_that_were_cut_miss_nothing() {
    let running = running().await;
    for forget in [false, true] {
        running.server.cut_watches(forget);
        let second = format!("second-{forget}");
        let mut other = gohub();
        other["metadata"]["name"] = json!(second);
        other["metadata"]["uid"] = json!(format!("uid-of-{second}"));
        running.server.put(&GOHUB.replace("chat", &second), other);
        until(Duration::from_secs(60), "the second", || running.server.get("deployments", &second).is_some()).await;
    }
    assert_eq!(running.health.alive(Instant::now()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn o30_a_watch_that_cannot_be_opened_makes_the_process_restart() {
    let running = running().await;
    running.server.fault(|call| {
        call.path.ends_with("/networkpolicies").then(|| status(403, "Forbidden", "networkpolicies is forbidden"))
    });
    running.server.cut_watches(false);
    let alive = || running.health.alive(Instant::now());
    let took = until(Duration::from_secs(900), "the verdict", || alive().is_err()).await;
    assert!(took >= Duration::from_secs(290) && took <= Duration::from_secs(330), "{took:?}");
    assert!(alive().unwrap_err().contains("networkpolicies"));
}

#[tokio::test(start_paused = true)]
async fn o30_a_quiet_watch_is_not_taken_for_a_dead_one() {
    let running = running().await;
    // The server of these tests ends no watch and sends no bookmarks: the operator's own deadline must see to it.
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(running.health.alive(Instant::now()), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn o32_without_its_definition_it_waits_and_resumes() {
    let server = ApiServer::new();
    server.serve("gohubs", false);
    let running = start(server);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(running.health.ready().unwrap_err().contains("gohubs"));
    assert_eq!(running.health.alive(Instant::now()), Ok(()), "a restart would not bring it");
    running.server.serve("gohubs", true);
    running.server.put(GOHUB, gohub());
    until(Duration::from_secs(15), "the Deployment", || running.server.get("deployments", "chat").is_some()).await;
    assert_eq!(running.health.ready(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn o33_kinds_that_come_are_used_and_kinds_that_go_do_no_harm() {
    let running = running().await;
    running.server.serve("servicemonitors", true);
    let there = || running.server.get("servicemonitors", "chat").is_some();
    until(Duration::from_secs(60), "the ServiceMonitor", there).await;
    running.server.delete("servicemonitors", "chat");
    until(Duration::from_secs(10), "it is watched", there).await;
    running.server.delete("servicemonitors", "chat");
    running.server.serve("servicemonitors", false);
    running.server.cut_watches(false);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(running.health.alive(Instant::now()), Ok(()));
    running.server.edit("services", "chat", "kubectl-edit", "/spec/ports/0/port", json!(81));
    until(Duration::from_secs(10), "the port", || running.server.at("services", "chat", "/spec/ports/0/port") == 80)
        .await;
}

#[tokio::test(start_paused = true)]
async fn o42_one_that_always_fails_holds_up_nobody_and_is_asked_ever_more_seldom() {
    let running = running().await;
    let mut broken = gohub();
    broken["metadata"]["name"] = json!("broken");
    broken["metadata"]["uid"] = json!("uid-of-broken");
    running.server.fault(|call| call.path.contains("serviceaccounts/broken").then(|| status(422, "Invalid", "never")));
    running.server.put(&GOHUB.replace("chat", "broken"), broken);
    tokio::time::sleep(Duration::from_secs(600)).await;
    running.server.take_calls();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let tried = running.server.take_calls().iter().filter(|call| call.path.contains("serviceaccounts/broken")).count();
    assert!((2..=12).contains(&tried), "{tried} times in ten minutes");
    running.server.edit("services", "chat", "kubectl-edit", "/spec/ports/0/port", json!(81));
    until(Duration::from_secs(10), "the port", || running.server.at("services", "chat", "/spec/ports/0/port") == 80)
        .await;
}

/// Hubs whose clients come and go: no two answers are the same.
#[derive(Clone, Default)]
struct BusyHubs(Arc<AtomicI64>);

impl Hubs for BusyHubs {
    fn report<'a>(&'a self, _address: &'a str, _key: &'a str) -> BoxFuture<'a, Option<Report>> {
        let connections = self.0.fetch_add(1, Ordering::Relaxed);
        let report = Report { config: "x".to_owned(), refusal: None, delivering: true, connections };
        Box::pin(std::future::ready(Some(report)))
    }
}

#[tokio::test(start_paused = true)]
async fn o41_clients_that_come_and_go_do_not_keep_the_operator_busy() {
    let server = ApiServer::new();
    server.put(GOHUB, gohub());
    let running = start_with(server, &BusyHubs::default());
    until(Duration::from_secs(10), "the Deployment", || running.server.get("deployments", "chat").is_some()).await;
    running.server.play_deployment("chat");
    // What follows from it is done by then.
    tokio::time::sleep(Duration::from_secs(300)).await;
    running.server.take_calls();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let calls = running.server.take_calls();
    let writes = calls.iter().filter(|call| call.is_write()).count();
    assert!(writes <= 6, "{writes} writes and {} reads in a minute", calls.len() - writes);
}
