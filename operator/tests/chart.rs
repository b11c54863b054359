//! The chart: what Helm makes of it, what it refuses, and `config/install.yaml`, which is made from it for those without Helm.
//!
//! Helm is a pinned one from the cache of `scripts/ensure.sh`, which builds it when it is not there: nothing here is ever skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

static HELM: LazyLock<PathBuf> = LazyLock::new(|| {
    let done = Command::new("bash").arg(root().join("scripts/ensure.sh")).arg("helm").status().unwrap();
    assert!(done.success(), "scripts/ensure.sh helm failed");
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache").into_os_string();
    let caches =
        || PathBuf::from(std::env::var_os("XDG_CACHE_HOME").unwrap_or_else(home)).join("gohub").into_os_string();
    PathBuf::from(std::env::var_os("GOHUB_CACHE").unwrap_or_else(caches)).join("tools/bin/helm")
});

fn helm(arguments: &[&str]) -> Output {
    // No cluster and no configuration of the user's may change the answer.
    Command::new(&*HELM).args(arguments).current_dir(root()).env("KUBECONFIG", "/dev/null").output().unwrap()
}

/// What the chart renders to with these values.
fn rendered(values: &[&str]) -> Result<String, String> {
    let chart = ["template", "gohub-operator", "charts/gohub-operator", "--namespace", "gohub-system"];
    // A Helm built from its module takes the cluster to be an old one.
    let fixed = chart.into_iter().chain(["--kube-version", "1.33.0"]);
    let sets = values.iter().flat_map(|value| ["--set", value]);
    let out = helm(&fixed.chain(sets).collect::<Vec<_>>());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if out.status.success() { Ok(text(out.stdout)) } else { Err(text(out.stderr)) }
}

fn objects(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn with(values: &[&str]) -> Vec<Value> {
    objects(&rendered(values).unwrap_or_else(|error| panic!("{values:?}: {error}")))
}

fn kinds(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["kind"].as_str().unwrap()).collect()
}

fn one<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn install_yaml_is_what_the_chart_renders_to() {
    let chart = rendered(&["crds.keep=false"]).unwrap();
    // It is not Helm that manages these objects.
    let ours: Vec<&str> =
        chart.lines().filter(|l| !l.contains("helm.sh/") && !l.contains("managed-by: Helm")).collect();
    let made = format!(
        "# @generated from charts/gohub-operator; operator/tests/chart.rs keeps it true.\n\
         # kubectl apply --server-side -f config/install.yaml\n\
         apiVersion: v1\nkind: Namespace\nmetadata:\n  name: gohub-system\n  labels:\n    \
         pod-security.kubernetes.io/enforce: restricted\n{}\n",
        ours.join("\n")
    );
    let path = root().join("config/install.yaml");
    if std::fs::read_to_string(&path).unwrap_or_default() != made {
        std::fs::write(&path, made).unwrap();
        panic!("config/install.yaml had drifted from the chart; it is written anew: look at it and commit it");
    }
}

#[test]
fn the_chart_has_nothing_that_helm_complains_of() {
    let out = helm(&["lint", "--strict", "--kube-version", "1.33.0", "charts/gohub-operator"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
}

#[test]
fn the_chart_is_of_the_version_of_the_operator() {
    let text = std::fs::read_to_string(root().join("charts/gohub-operator/Chart.yaml")).unwrap();
    let chart: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_definition_comes_with_the_chart_and_stays_when_it_goes() {
    let kept = with(&[]);
    let definition = one(&kept, "CustomResourceDefinition");
    assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    let file = std::fs::read_to_string(root().join("crds/gohub.io_gohubs.yaml")).unwrap();
    assert_eq!(definition["spec"], objects(&file)[0]["spec"]);
    assert!(!kinds(&with(&["crds.create=false"])).contains(&"CustomResourceDefinition"));
    assert!(one(&with(&["crds.keep=false"]), "CustomResourceDefinition")["metadata"]["annotations"].is_null());
}

#[test]
fn an_operator_of_some_namespaces_has_rights_in_those_alone() {
    let objects = with(&["watchNamespaces={red,blue}", "crds.create=false"]);
    assert!(kinds(&objects).iter().all(|kind| !kind.starts_with("Cluster")), "{:?}", kinds(&objects));
    let everywhere = with(&[]);
    let roles: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "Role").collect();
    for namespace in ["red", "blue"] {
        let role = roles.iter().find(|role| role["metadata"]["namespace"] == namespace).unwrap();
        assert_eq!(role["rules"], one(&everywhere, "ClusterRole")["rules"]);
        let bound = objects.iter().any(|object| {
            object["kind"] == "RoleBinding"
                && object["metadata"]["namespace"] == namespace
                && object["subjects"][0]["namespace"] == "gohub-system"
        });
        assert!(bound, "{namespace}");
    }
    let variables = &one(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(variables[0]["value"], "red,blue");
}

#[test]
fn the_operators_pod_meets_the_restricted_standard_and_is_let_in_by_the_hubs() {
    let objects = with(&[]);
    let template = &one(&objects, "Deployment")["spec"]["template"];
    let pod = &template["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], "admin");
    }
    // However the release is called: the hubs' NetworkPolicies know the operator by this label.
    let renamed = with(&["nameOverride=other"]);
    for objects in [&objects, &renamed] {
        let labels = &one(objects, "Deployment")["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/name"], gohub_operator::reconcile::build::meta::OPERATOR);
    }
}

#[test]
fn two_operators_have_a_disruption_budget_and_one_has_none() {
    assert!(!kinds(&with(&[])).contains(&"PodDisruptionBudget"));
    let two = with(&["replicas=2"]);
    assert_eq!(one(&two, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
}

#[test]
fn the_operator_is_reached_by_whoever_scrapes_it_and_on_that_port_alone() {
    let pods = one(&with(&[]), "Deployment")["spec"]["selector"].clone();
    let policy = |values: &[&str]| one(&with(values), "NetworkPolicy")["spec"].clone();
    let open = policy(&[]);
    assert_eq!((&open["podSelector"], open["ingress"].as_array().unwrap().len()), (&pods, 1));
    assert_eq!(open["ingress"][0]["ports"], serde_json::json!([{ "port": "admin", "protocol": "TCP" }]));
    assert_eq!(open["ingress"][0]["from"], serde_json::json!([{ "namespaceSelector": {} }]));
    let some = policy(&["networkPolicy.monitoringNamespaces.team=watch"]);
    let labels = serde_json::json!([{ "namespaceSelector": { "matchLabels": { "team": "watch" } } }]);
    assert_eq!(some["ingress"][0]["from"], labels);
    assert!(!kinds(&with(&["networkPolicy.enabled=false"])).contains(&"NetworkPolicy"));
}

#[test]
fn every_object_of_a_namespace_names_it() {
    for values in [&[][..], &["watchNamespaces={red}", "replicas=2", "metrics.serviceMonitor.enabled=true"]] {
        for object in with(values) {
            let kind = object["kind"].as_str().unwrap();
            let global = kind.starts_with("Cluster") || kind == "CustomResourceDefinition";
            assert_eq!(object["metadata"]["namespace"].is_string(), !global, "{kind}");
        }
    }
}

#[test]
fn a_wrong_value_is_refused_by_its_name() {
    let table = [
        ("replica=2", "replica"),
        ("replicas=two", "replicas"),
        ("replicas=-1", "replicas"),
        ("image.repository=", "repository"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespaces={Red}", "watchNamespaces"),
        ("crds.create=maybe", "create"),
        ("serviceAccount.create=false", "serviceAccount.name must name an account"),
        ("metrics.serviceMonitor.interval=30", "interval"),
        ("networkPolicy.enable=true", "enable"),
        ("resources.request.cpu=1", "request"),
    ];
    for (value, expected) in table {
        let told = rendered(&[value]).expect_err(value);
        assert!(told.contains(expected), "{value}: {told}");
    }
}

/// Every value with its default, as `a.b.c`.
fn defaults(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() && path != "resources" => {
            for (name, below) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                defaults(below, &path, found);
            }
        }
        _ => found.push((path.to_owned(), value.to_string())),
    }
}

#[test]
fn the_readme_of_the_chart_lists_every_value_with_its_default() {
    let chart = root().join("charts/gohub-operator");
    let readme = std::fs::read_to_string(chart.join("README.md")).unwrap();
    let values: Value = serde_yaml::from_str(&std::fs::read_to_string(chart.join("values.yaml")).unwrap()).unwrap();
    let mut wanted = Vec::new();
    defaults(&values, "", &mut wanted);
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    for (name, default) in &wanted {
        // What is long is said in words.
        let found = rows.iter().find(|row| row.starts_with(&format!("| `{name}` |")));
        let row = found.unwrap_or_else(|| panic!("README.md of the chart does not speak of {name}"));
        assert!(default.len() > 40 || row.contains(&format!("| `{default}` |")), "{name} is {default}, and not {row}");
    }
    assert_eq!(rows.len(), wanted.len(), "README.md of the chart speaks of values that are none");
}
