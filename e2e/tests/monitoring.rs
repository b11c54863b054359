//! A real Prometheus finds the hubs by what the operator wrote for it; and the Prometheus Operator's kinds may come and go.
//!
//! The Prometheus Operator itself does not run here: the test does with the ServiceMonitor what it does, a scrape configuration, and gives the
//! PrometheusRule to Prometheus as it is. The definitions are the real ones, from the folder that `E2E_PROMETHEUS_CRDS` names.

use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

const KINDS: [&str; 2] = ["servicemonitors", "prometheusrules"];
const OURS: &str = "gohub.io/e2e";
/// The operator asks every half minute which kinds there are.
const RESYNC: Duration = Duration::from_secs(60);
/// By then it has asked once more.
const ASKED: Duration = Duration::from_secs(40);
const PROMETHEUS: u16 = 9090;

const TWO: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 2 }
  rollout: { minReadySeconds: 1 }
  etcd: { managed: { replicas: 1, storage: { size: 512Mi } } }
  monitoring: { labels: { release: e2e } }
";

#[tokio::test]
async fn o33_monitoring_appears_with_its_kinds_works_with_a_real_prometheus_and_goes_without_a_crash() {
    bed::test("monitoring", async |bed| {
        forget_kinds(bed).await;
        let theirs = has_kinds(bed).await;
        let restarts = operator_restarts(bed).await;
        bed.apply(TWO).await;
        bed.until_condition("chat", "Ready").await;

        if !theirs {
            // That nobody watches yet is said, and it is ready all the same.
            bed.until_condition_is("chat", "Monitored", "False").await;
            add_kinds(bed).await;
        }
        let monitor = appears(bed, "ServiceMonitor", KINDS[0]).await;
        let rules = appears(bed, "PrometheusRule", KINDS[1]).await;
        assert_eq!(monitor.labels()["release"], "e2e");
        bed.until_condition("chat", "Ready").await;
        bed.until_condition("chat", "Monitored").await;

        let crowd = bed.crowd("chat", 25, 5).await;
        prometheus(bed, &monitor, &rules).await;
        until_query(bed, "count(up)", 2.0).await;
        until_query(bed, "sum(up)", 2.0).await;
        // The crowd's publisher is a client, too.
        until_query(bed, "sum(gohub_connections)", 26.0).await;
        // The labels by which the alerts select.
        until_query(bed, &format!("sum(up{{namespace=\"{}\",service=\"chat\"}})", bed.namespace), 2.0).await;
        rules_are_healthy(bed).await;
        crowd.finish().await;

        if !theirs {
            forget_kinds(bed).await;
        }
        bed.scale("chat", 1).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!(status.hub.summary, "1/1", "the operator works on without the kinds");
        // Until it has asked once more which kinds there are.
        let asked = tokio::time::Instant::now() + ASKED;
        bed::eventually("a resync", async || tokio::time::Instant::now() >= asked, |is| *is).await;
        bed.scale("chat", 2).await;
        assert_eq!(bed.until_condition("chat", "Ready").await.hub.summary, "2/2");
        assert_eq!(operator_restarts(bed).await, restarts, "the operator did not crash");
    })
    .await;
}

fn definitions(bed: &Bed) -> Api<CustomResourceDefinition> {
    Api::all(bed.client.clone())
}

async fn has_kinds(bed: &Bed) -> bool {
    let name = format!("{}.monitoring.coreos.com", KINDS[0]);
    definitions(bed).get_opt(&name).await.expect("definitions can be read").is_some()
}

#[expect(clippy::disallowed_methods, reason = "scripts/e2e.sh tells by the environment where the definitions are")]
async fn add_kinds(bed: &Bed) {
    let folder = std::env::var("E2E_PROMETHEUS_CRDS").expect("E2E_PROMETHEUS_CRDS names the folder of definitions");
    for kind in KINDS {
        let file = format!("{folder}/monitoring.coreos.com_{kind}.yaml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut definition: Value = serde_yaml::from_str(&text).expect("a definition");
        definition["metadata"]["labels"][OURS] = json!("true");
        let name = format!("{kind}.monitoring.coreos.com");
        let patch = PatchParams::apply("e2e").force();
        definitions(bed).patch(&name, &patch, &Patch::Apply(definition)).await.expect("it is applied");
    }
}

/// Takes away what [`add_kinds`] has added, also in a run that failed, and nothing of anybody else.
async fn forget_kinds(bed: &Bed) {
    let ours = ListParams::default().labels(&format!("{OURS}=true"));
    definitions(bed).delete_collection(&DeleteParams::default(), &ours).await.expect("they are deleted");
    let left = async || definitions(bed).list(&ours).await.expect("they are listed").items.len();
    bed::eventually("the definitions are gone", left, |left| *left == 0).await;
}

async fn appears(bed: &Bed, kind: &str, plural: &str) -> DynamicObject {
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind), plural);
    let api: Api<DynamicObject> = Api::namespaced_with(bed.client.clone(), &bed.namespace, &resource);
    let look = async || api.get_opt("chat").await.ok().flatten();
    let (found, took) = bed::within(RESYNC, &format!("a {kind}"), look, Option::is_some).await;
    eprintln!("{kind} after {took:?}");
    found.expect("it was waited for")
}

/// How often containers of operators were started anew.
async fn operator_restarts(bed: &Bed) -> i32 {
    let api: Api<Pod> = Api::all(bed.client.clone());
    let labels = ListParams::default().labels("app.kubernetes.io/name=gohub-operator");
    let pods = api.list(&labels).await.expect("pods are listed");
    let containers = pods.items.into_iter().filter_map(|pod| pod.status?.container_statuses).flatten();
    containers.map(|container| container.restart_count).sum()
}

/// What the Prometheus Operator makes of a ServiceMonitor; but the targets are looked up here once, because a distribution's Prometheus may
/// be built without Kubernetes.
async fn scrape(bed: &Bed, monitor: &DynamicObject) -> Value {
    let spec = &monitor.data["spec"];
    assert_eq!(spec["namespaceSelector"]["matchNames"], json!([bed.namespace]));
    let endpoint = &spec["endpoints"][0];
    let labels = spec["selector"]["matchLabels"].as_object().expect("it selects by labels").iter();
    let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={}", value.as_str().expect("text"))).collect();
    let selected = ListParams::default().labels(&labels.join(","));
    let services = bed.api::<Service>().list(&selected).await.expect("services are listed");
    let mut targets: Vec<Value> = Vec::new();
    for service in services {
        let of = ListParams::default().labels(&format!("kubernetes.io/service-name={}", service.name_any()));
        let slices = bed.api::<EndpointSlice>().list(&of).await.expect("endpoints are listed");
        for target in slices.into_iter().flat_map(|slice| slice.endpoints) {
            targets.push(json!({
                "targets": [format!("{}:{}", target.addresses[0], endpoint["targetPort"])],
                "labels": {
                    "namespace": bed.namespace,
                    "service": service.name_any(),
                    "pod": target.target_ref.and_then(|pod| pod.name),
                },
            }));
        }
    }
    json!({ "job_name": "gohub", "metrics_path": endpoint["path"], "static_configs": targets })
}

/// Starts one that scrapes by the ServiceMonitor and judges by the PrometheusRule.
async fn prometheus(bed: &Bed, monitor: &DynamicObject, rules: &DynamicObject) {
    let config = json!({
        "global": { "scrape_interval": "2s", "evaluation_interval": "2s" },
        "rule_files": ["/etc/prometheus/rules.json"],
        "scrape_configs": [scrape(bed, monitor).await],
    });
    // JSON is YAML.
    let files = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "prometheus" },
        "data": { "prometheus.json": config.to_string(), "rules.json": rules.data["spec"].to_string() },
    });
    bed.apply(&files.to_string()).await;
    let image = concat!("gohub-prometheus:", env!("CARGO_PKG_VERSION"));
    bed.apply(&format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: prometheus }}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: prometheus
      image: {image}
      imagePullPolicy: IfNotPresent
      args: [--config.file=/etc/prometheus/prometheus.json, --storage.tsdb.path=/data]
      volumeMounts:
        - {{ name: config, mountPath: /etc/prometheus }}
        - {{ name: data, mountPath: /data }}
  volumes:
    - {{ name: config, configMap: {{ name: prometheus }} }}
    - {{ name: data, emptyDir: {{}} }}
"#
    ))
    .await;
}

/// Waits until PromQL gives this one number.
async fn until_query(bed: &Bed, query: &str, wanted: f64) {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/api/v1/query?query={encoded}");
    let look = async || ask(bed, &path).await["data"]["result"][0]["value"][1].as_str().map(str::to_owned);
    let is = |value: &Option<String>| value.as_ref().and_then(|value| value.parse().ok()) == Some(wanted);
    bed::eventually(&format!("{query} is {wanted}"), look, is).await;
}

/// What Prometheus answers; nothing while it does not.
async fn ask(bed: &Bed, path: &str) -> Value {
    let answer = bed.get("prometheus", PROMETHEUS, path, &[]).await;
    answer.and_then(|(_, body)| serde_json::from_str(&body).ok()).unwrap_or_default()
}

/// Waits until Prometheus has judged every alert once without an error, and none of them fires.
async fn rules_are_healthy(bed: &Bed) {
    let look = async || {
        let answer = ask(bed, "/api/v1/rules").await;
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default());
        rules.map(|rule| [&rule["name"], &rule["health"], &rule["state"]].map(Value::to_string)).collect::<Vec<_>>()
    };
    let healthy = |rules: &Vec<[String; 3]>| {
        rules.len() >= 4 && rules.iter().all(|[_, health, state]| health == "\"ok\"" && state == "\"inactive\"")
    };
    bed::eventually("every alert is judged and none fires", look, healthy).await;
}
