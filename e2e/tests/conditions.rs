//! What `kubectl` shows of a `GoHub` is true: its columns, its documentation, and Ready, which goes False when any part breaks.

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

/// What `kubectl get` asks for.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

const ONE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 1 }
  etcd: { mode: Disabled }
  # Clients that nobody reads from answer no ping, and are to be counted all the same.
  config: { heartbeat: { interval: 10m } }
";

#[tokio::test]
async fn the_columns_of_kubectl_get_are_true() {
    bed::test("columns", async |bed| {
        bed.apply(ONE).await;
        bed.until_condition("chat", "Ready").await;
        let titles: Vec<String> = row(bed).await.into_iter().map(|(title, _)| title).collect();
        assert_eq!(titles, ["Name", "Ready", "Hubs", "Connections", "Etcd", "Config", "Age"]);

        let hub = bed.until_pods("chat", "hub", 1).await.remove(0);
        let mut clients = Vec::new();
        for name in ["anna", "ben", "cleo"] {
            clients.push(bed.client(&hub, name, "lobby").await);
        }
        until_row(
            bed,
            &[("Ready", "True"), ("Hubs", "1/1"), ("Connections", "3"), ("Etcd", "none"), ("Config", "1/1")],
        )
        .await;
        clients.pop();
        until_row(bed, &[("Connections", "2")]).await;
        drop(clients);
        until_row(bed, &[("Connections", "0")]).await;

        bed.scale("chat", 0).await;
        until_row(bed, &[("Ready", "False"), ("Hubs", "0/0"), ("Config", "0/0")]).await;
    })
    .await;
}

#[tokio::test]
async fn kubectl_explain_explains_the_settings() {
    bed::test("explain", async |bed| {
        let document = get(bed, "/openapi/v3/apis/gohub.io/v1alpha1", "application/json").await;
        let schema = &document["components"]["schemas"]["io.gohub.v1alpha1.GoHub"];
        let explained = |path: &[&str]| {
            let found = path.iter().fold(schema, |schema, name| &schema["properties"][name]);
            found["description"].as_str().unwrap_or_default().to_owned()
        };
        for path in [
            &["spec", "config"][..],
            &["spec", "config", "heartbeat"],
            &["spec", "config", "heartbeat", "interval"],
            &["spec", "hub", "replicas"],
            &["spec", "etcd", "managed", "storage", "size"],
            &["status", "conditions"],
        ] {
            assert!(explained(path).len() > 10, "{path:?} is explained as {:?}", explained(path));
        }
    })
    .await;
}

#[tokio::test]
async fn ready_goes_false_with_whatever_breaks_and_comes_back() {
    bed::test("ready", async |bed| {
        bed.apply(&settings("heartbeat: { interval: 20s }")).await;
        bed.apply(&gohub("configFrom: { name: chat-settings }")).await;
        bed.until_condition("chat", "Ready").await;

        // A hub.
        let hubs = bed.until_pods("chat", "hub", 2).await;
        bed.kill(&hubs[0]).await;
        not_ready(bed, &["HubsNotReady", "RollingOut"]).await;
        bed.until_condition("chat", "Ready").await;

        // The configuration: refused by the hubs, and gone.
        bed.apply(&settings("heartbeat: { interval: never }")).await;
        let message = not_ready(bed, &["InvalidSpec", "ConfigRefused"]).await;
        assert!(message.contains("interval"), "{message}");
        bed.until_condition_is("chat", "Degraded", "True").await;
        bed.apply(&settings("heartbeat: { interval: 21s }")).await;
        bed.until_condition("chat", "Ready").await;
        bed.api::<ConfigMap>().delete("chat-settings", &DeleteParams::default()).await.expect("it is deleted");
        bed.until_ready_says("chat", "ReferenceMissing", &["chat-settings"]).await;
        bed.apply(&settings("heartbeat: { interval: 21s }")).await;
        bed.until_condition("chat", "Ready").await;

        // The etcd cluster: while the operator is told to keep its hands off, nobody makes the pod anew.
        let members = bed.until_pods("chat", "etcd", 3).await;
        paused(bed, true).await;
        bed.until_condition("chat", "Ready").await;
        bed.kill(&members[1]).await;
        bed.until_ready_says("chat", "EtcdMemberDown", &[]).await;
        bed.until_condition_is("chat", "EtcdReady", "False").await;
        bed.kill(&members[2]).await;
        bed.until_ready_says("chat", "QuorumLost", &[]).await;
        bed.until_condition_is("chat", "DeliveryHealthy", "False").await;
        paused(bed, false).await;
        bed.until_condition("chat", "Ready").await;
        bed.until_condition("chat", "DeliveryHealthy").await;
    })
    .await;
}

#[tokio::test]
async fn o10_a_bad_spec_between_two_good_ones_leaves_the_hubs_alone_and_heals() {
    bed::test("bad-spec", async |bed| {
        bed.apply(&gohub("config: { drain: { settle: 3s } }")).await;
        bed.until_condition("chat", "Ready").await;
        let hubs = bed.until_pods("chat", "hub", 2).await;

        // The schema knows what a duration looks like; only the hub's own code knows which are too long.
        bed.apply(&gohub("config: { drain: { settle: 11m } }")).await;
        bed.until_ready_says("chat", "InvalidSpec", &["drain.settle"]).await;
        bed.until_condition_is("chat", "Degraded", "True").await;
        bed.until_condition_is("chat", "ConfigConverged", "False").await;
        bed.until_condition("chat", "EtcdReady").await;
        assert_eq!(bed.until_pods("chat", "hub", 2).await, hubs, "what runs is left alone");

        bed.apply(&gohub("config: { drain: { settle: 3s } }")).await;
        bed.until_condition("chat", "Ready").await;
        bed.until_condition_is("chat", "Degraded", "False").await;
        assert_eq!(bed.until_pods("chat", "hub", 2).await, hubs);
    })
    .await;
}

fn gohub(config: &str) -> String {
    let members = if config.starts_with("configFrom") { 3 } else { 1 };
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 2 }}
  rollout: {{ minReadySeconds: 3 }}
  {config}
  etcd: {{ managed: {{ replicas: {members}, storage: {{ size: 512Mi }} }} }}
"
    )
}

fn settings(config: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: chat-settings }}\ndata:\n  config.yaml: |\n    {config}\n"
    )
}

async fn paused(bed: &Bed, paused: bool) {
    let patch = Patch::Merge(json!({ "spec": { "paused": paused } }));
    bed.api::<GoHub>().patch("chat", &PatchParams::default(), &patch).await.expect("it is edited");
}

/// Waits until Ready is false and returns why, which must be one of the reasons.
async fn not_ready(bed: &Bed, reasons: &[&str]) -> String {
    let status = bed.until_condition_is("chat", "Ready", "False").await;
    let ready = status.conditions.into_iter().find(|one| one.type_ == "Ready").expect("it was waited for");
    assert!(reasons.contains(&ready.reason.as_str()), "{reasons:?} was to be the reason: {ready:?}");
    ready.message
}

/// An answer of the API server to what is not an object.
async fn get(bed: &Bed, path: &str, accept: &str) -> Value {
    let request = http::Request::get(path).header("Accept", accept).body(Vec::new()).expect("a request");
    let text = bed.client.request_text(request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// The row of `kubectl get gohub`: titles and cells.
async fn row(bed: &Bed) -> Vec<(String, String)> {
    let path = format!("/apis/gohub.io/v1alpha1/namespaces/{}/gohubs/chat", bed.namespace);
    let table = get(bed, &path, TABLE).await;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let titles = table["columnDefinitions"].as_array().expect("columns").iter().map(|column| text(&column["name"]));
    let cells = table["rows"][0]["cells"].as_array().expect("a row").iter().map(text);
    titles.zip(cells).collect()
}

async fn until_row(bed: &Bed, wanted: &[(&str, &str)]) {
    let is = |row: &Vec<(String, String)>| {
        wanted.iter().all(|(title, cell)| row.iter().any(|(of, is)| of == title && is == cell))
    };
    bed::eventually(&format!("the row shows {wanted:?}"), async || row(bed).await, is).await;
}
