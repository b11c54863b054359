//! From a `GoHub` to its objects, over files: the samples a user copies, and golden YAML of everything that is built.

use std::path::{Path, PathBuf};

use gohub_operator::api::v1alpha1::GoHub;
use gohub_operator::etcd::plan::{Member, Observation, Start};
use gohub_operator::reconcile::build::config_file::ConfigFile;
use gohub_operator::reconcile::build::{self, Desired, DesiredEtcd, etcd_member};
use gohub_operator::reconcile::observed::{Authorities, Certificates, Family, Keys, Observed, Pair};
use gohub_operator::reconcile::plan::Plan;
use gohub_operator::reconcile::validate::validate;
use k8s_openapi::api::core::v1::ConfigMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

fn observed() -> Observed {
    let pair = |name: &str| Pair { certificate: format!("{name} certificate"), key: format!("{name} key") };
    Observed {
        config_from: Some("heartbeat: { interval: 20s }\n".to_owned()),
        keys: Keys { peer: "peer-key-for-the-tests".to_owned(), admin: "admin-key-for-the-tests".to_owned() },
        certificates: Certificates {
            authorities: Authorities { signing: pair("authority"), ..Authorities::default() },
            member: pair("member"),
            peer: pair("peer"),
            client: pair("client"),
        },
        service_monitors: true,
        prometheus_rules: true,
        ..Observed::default()
    }
}

/// The `GoHub` of a file of one or more documents, as an API server would give it back.
fn read(path: &Path) -> GoHub {
    let text = std::fs::read_to_string(path).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|d| serde_yaml::Value::deserialize(d).unwrap());
    let found = documents.into_iter().find(|document| document["kind"] == "GoHub").unwrap();
    let mut gohub: GoHub = serde_yaml::from_value(found).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    gohub.metadata.namespace = Some("demo".to_owned());
    gohub.metadata.uid = Some("00000000-0000-4000-8000-000000000001".to_owned());
    gohub
}

fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn put(all: &mut Vec<Value>, object: impl Serialize) {
    let value = serde_json::to_value(object).unwrap();
    if !value.is_null() {
        all.push(value);
    }
}

/// The dashboard without its panels, which are a file of their own.
fn in_short(mut dashboard: ConfigMap) -> ConfigMap {
    for text in dashboard.data.iter_mut().flat_map(|data| data.values_mut()) {
        let whole: Value = serde_json::from_str(text).unwrap();
        *text = serde_json::json!({
            "uid": whole["uid"],
            "title": whole["title"],
            "variables": whole["templating"]["list"].as_array().unwrap().iter().map(|v| &v["current"]).collect::<Vec<_>>(),
            "panels": whole["panels"].as_array().unwrap().len(),
        })
        .to_string();
    }
    dashboard
}

/// Every object in the order in which they are to be applied.
fn objects(plan: &Plan) -> Vec<Value> {
    let mut all = Vec::new();
    let Desired {
        service_account,
        keys,
        config,
        etcd,
        hub_service,
        ingress,
        hub_deployment,
        hub_budget,
        hub_network_policy,
        autoscaler,
        service_monitor,
        prometheus_rule,
        dashboard,
    } = build::build(plan);
    put(&mut all, service_account);
    put(&mut all, keys);
    match config {
        Some(ConfigFile::Plain(config_map)) => put(&mut all, config_map),
        Some(ConfigFile::Secret(secret)) => put(&mut all, secret),
        None => {}
    }
    if let Some(etcd) = etcd {
        let DesiredEtcd { authority, member_tls, client_tls, client_service, peer_service, budget, network_policy } =
            etcd;
        put(&mut all, authority);
        put(&mut all, member_tls);
        put(&mut all, client_tls);
        put(&mut all, client_service);
        put(&mut all, peer_service);
        put(&mut all, budget);
        put(&mut all, network_policy);
    }
    if let Some(cluster) = plan.etcd_cluster() {
        put(&mut all, etcd_member::volume(cluster, "0"));
        put(&mut all, etcd_member::pod(cluster, "0", Start::New, &["0"]));
    }
    put(&mut all, hub_service);
    put(&mut all, hub_network_policy);
    put(&mut all, hub_budget);
    put(&mut all, hub_deployment);
    put(&mut all, ingress);
    put(&mut all, autoscaler);
    put(&mut all, service_monitor);
    put(&mut all, prometheus_rule);
    put(&mut all, dashboard.map(in_short));
    all
}

fn plan_of(path: &Path) -> Plan {
    validate(&read(path), &observed()).unwrap_or_else(|invalid| panic!("{}: {invalid}", path.display()))
}

#[test]
fn every_sample_is_valid_and_builds() {
    for path in files("../config/samples", ".yaml") {
        assert!(objects(&plan_of(&path)).len() >= 6, "{}", path.display());
    }
}

#[test]
fn the_objects_are_the_golden_ones() {
    let mut drifted = Vec::new();
    for path in files("tests/golden", ".in.yaml") {
        let documents = objects(&plan_of(&path)).into_iter().map(|object| serde_yaml::to_string(&object).unwrap());
        let made = documents.collect::<Vec<_>>().join("---\n");
        let golden = PathBuf::from(path.to_string_lossy().replace(".in.yaml", ".out.yaml"));
        if std::fs::read_to_string(&golden).unwrap_or_default() != made {
            std::fs::write(&golden, made).unwrap();
            drifted.push(golden.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    assert!(drifted.is_empty(), "{drifted:?} are written anew: look at what changed and commit it");
}

#[test]
fn every_object_has_an_owner_and_can_be_found_by_its_label() {
    for path in files("tests/golden", ".in.yaml") {
        let plan = plan_of(&path);
        for object in objects(&plan) {
            let (kind, metadata) = (&object["kind"], &object["metadata"]);
            assert_eq!(metadata["labels"]["app.kubernetes.io/instance"], plan.owner.name, "{kind}");
            // A volume that is to stay has no owner, or it would be collected with it.
            if kind != "PersistentVolumeClaim" {
                assert_eq!(metadata["ownerReferences"][0]["uid"], plan.owner.uid, "{kind}");
            }
        }
    }
}

/// The pod specs among the objects.
fn pods(objects: &[Value]) -> Vec<&Value> {
    let spec = |object: &'_ Value| match object["kind"].as_str() {
        Some("Pod") => Some("/spec"),
        Some("Deployment") => Some("/spec/template/spec"),
        _ => None,
    };
    objects.iter().filter_map(|object| spec(object).and_then(|path| object.pointer(path))).collect()
}

#[test]
fn no_pod_may_more_than_the_restricted_standard_allows() {
    for path in files("tests/golden", ".in.yaml") {
        let all = objects(&plan_of(&path));
        for pod in pods(&all) {
            assert_eq!(pod["automountServiceAccountToken"], false);
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            for container in pod["containers"].as_array().unwrap() {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false);
                assert_eq!(context["readOnlyRootFilesystem"], true);
                assert_eq!(context["capabilities"]["drop"][0], "ALL");
            }
        }
    }
}

#[test]
fn nothing_that_is_reloaded_is_mounted_by_sub_path() {
    for path in files("tests/golden", ".in.yaml") {
        assert!(!serde_json::to_string(&objects(&plan_of(&path))).unwrap().contains("subPath"));
    }
}

#[test]
fn a_secret_in_the_configuration_is_in_no_config_map() {
    let mut gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
    gohub.spec.config = serde_yaml::from_str("auth: { tokens: [{ token: a-long-random-token-0001 }] }").unwrap();
    let all = objects(&validate(&gohub, &observed()).unwrap());
    let config_maps: Vec<_> = all.iter().filter(|object| object["kind"] == "ConfigMap").collect();
    assert!(config_maps.iter().all(|object| object["metadata"]["name"] == "gohub-dashboard"), "{config_maps:?}");
    assert!(all.iter().all(|object| !object.to_string().contains("random-token")));
    let secret = all.iter().find(|object| object["metadata"]["name"] == "gohub-config").unwrap();
    assert!(secret["kind"] == "Secret" && secret["data"]["config.yaml"].is_string());
}

#[test]
fn a_pod_outlives_the_longest_drain() {
    let mut gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
    gohub.spec.config = serde_yaml::from_str("drain: { settle: 10s, deadline: 5m }").unwrap();
    let all = objects(&validate(&gohub, &observed()).unwrap());
    let hub = pods(&all)[1];
    assert!(hub["terminationGracePeriodSeconds"].as_i64().unwrap() >= 310 + 15);
}

#[test]
fn a_hot_setting_restarts_no_pod_and_a_cold_one_does() {
    let deployment = |config: &str| {
        let mut gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
        gohub.spec.config = serde_yaml::from_str(config).unwrap();
        let plan = validate(&gohub, &observed()).unwrap();
        build::build(&plan).hub_deployment.spec.unwrap().template
    };
    assert_eq!(deployment("heartbeat: { interval: 10s }"), deployment("heartbeat: { interval: 20s }"));
    assert_ne!(deployment("server: { shards: 1 }"), deployment("server: { shards: 2 }"));
}

#[test]
fn o13_an_autoscaler_scales_the_resource_whose_number_the_deployment_follows() {
    let plan = plan_of(&files("tests/golden", "production.in.yaml")[0]);
    let all = objects(&plan);
    let autoscaler = all.iter().find(|object| object["kind"] == "HorizontalPodAutoscaler").unwrap();
    assert_eq!(autoscaler["spec"]["scaleTargetRef"]["kind"], "GoHub");
    let deployment = all.iter().find(|object| object["kind"] == "Deployment").unwrap();
    assert_eq!(deployment["spec"]["replicas"], plan.hub.replicas);
}

#[test]
fn pods_with_ipv6_addresses_listen_on_them_and_are_found_by_them() {
    let gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
    let all = objects(&validate(&gohub, &Observed { family: Family::V6, ..observed() }).unwrap());
    let text = serde_json::to_string(&all).unwrap();
    for needed in ["[::]:8080", "[::]:9090", "[::]:9191", "[$(POD_IP)]:9191", "https://[::]:2379", "http://[::]:2381"] {
        assert!(text.contains(needed), "{needed}");
    }
    assert!(!text.contains("0.0.0.0"));
}

#[test]
fn scaling_etcd_restarts_neither_hubs_nor_members() {
    let templates = |replicas| {
        let mut gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
        gohub.spec.etcd.managed.replicas = replicas;
        let plan = validate(&gohub, &observed()).unwrap();
        let members = etcd_member::template_hash(plan.etcd_cluster().expect("the sample has a managed etcd"));
        (build::build(&plan).hub_deployment.spec.unwrap().template, members)
    };
    assert_eq!(templates(1), templates(5));
}

#[test]
fn a_change_of_size_keeps_the_larger_majority() {
    let budget = |voters: usize, replicas| {
        let mut gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
        gohub.spec.etcd.managed.replicas = replicas;
        let members = vec![Member::default(); voters];
        let etcd = Observation { members: Some(members), ..Observation::default() };
        let plan = validate(&gohub, &Observed { etcd, ..observed() }).unwrap();
        let budget = build::build(&plan).etcd.unwrap().budget;
        budget.map(|budget| serde_json::to_value(budget.spec.unwrap().min_available).unwrap())
    };
    assert_eq!(budget(1, 1), None);
    assert_eq!(budget(1, 3), Some(2.into()));
    assert_eq!(budget(5, 3), Some(3.into()));
    assert_eq!(budget(3, 5), Some(3.into()));
}

#[test]
fn monitoring_is_left_out_where_nobody_knows_it() {
    let gohub = read(&files("tests/golden", "minimal.in.yaml")[0]);
    let blind = Observed { service_monitors: false, prometheus_rules: false, ..observed() };
    let desired = build::build(&validate(&gohub, &blind).unwrap());
    let Desired { service_monitor, prometheus_rule, dashboard, .. } = desired;
    assert!(service_monitor.is_none() && prometheus_rule.is_none() && dashboard.is_none());
}

/// Names of metrics in a PromQL expression, without what a histogram appends to its own.
fn metrics_of(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("gohub_") || word.starts_with("process_"));
    let histogram = |word: &str| {
        ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    };
    ours.map(histogram).collect()
}

/// Every text under this key, however deep.
fn texts<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, below) in fields {
                found.extend(below.as_str().filter(|_| name == key));
                texts(below, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

#[test]
fn alerts_and_panels_speak_of_metrics_that_hubs_have() {
    let metrics = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")).unwrap();
    let desired = build::build(&plan_of(&files("tests/golden", "minimal.in.yaml")[0]));
    let dashboard = desired.dashboard.unwrap().data.unwrap().into_values().next().unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    for (what, object, least) in [("alert", &desired.prometheus_rule.unwrap().data, 4), ("panel", &dashboard, 30)] {
        let mut expressions = Vec::new();
        texts(object, "expr", &mut expressions);
        assert!(expressions.len() >= least, "{expressions:?}");
        for name in expressions.iter().flat_map(|expression| metrics_of(expression)) {
            assert!(metrics.contains(&format!("| `{name}` |")), "an {what} asks for {name}, which no hub has");
        }
    }
}

#[test]
fn every_dashboard_is_one_of_its_own() {
    let plan = plan_of(&files("tests/golden", "minimal.in.yaml")[0]);
    let dashboard = build::build(&plan).dashboard.unwrap();
    assert_eq!(dashboard.metadata.labels.unwrap()["grafana_dashboard"], "1");
    let (file, text) = dashboard.data.unwrap().into_iter().next().unwrap();
    let text: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file, "gohub-demo-gohub.json");
    assert_eq!(text["uid"], plan.owner.uid);
    let panels = text["panels"].as_array().unwrap();
    let ids: std::collections::BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(panel["description"].is_string(), "{} does not say what it means", panel["title"]);
    }
}
