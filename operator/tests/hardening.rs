//! K5-K10: what the objects of a `GoHub` are allowed, read from the golden files, which `golden.rs` holds equal to what is built.

use std::path::Path;

use gohub_operator::access::ACCESS;
use gohub_operator::api::v1alpha1::GoHub;
use kube::CustomResourceExt;
use serde::Deserialize;
use serde_json::{Value, json};

/// Every object of every golden file, with where it stands.
fn objects() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(case) = name.strip_suffix(".out.yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            for document in serde_yaml::Deserializer::from_str(&text) {
                let object = Value::deserialize(document).unwrap();
                let place = format!("{case}: {} {}", object["kind"], object["metadata"]["name"]);
                found.push((place, object));
            }
        }
    }
    assert!(found.len() > 50, "the golden files were found");
    found
}

fn of_kind(kind: &str) -> Vec<(String, Value)> {
    let found: Vec<_> = objects().into_iter().filter(|(_, object)| object["kind"] == kind).collect();
    assert!(!found.is_empty(), "there is a {kind}");
    found
}

/// The specs of all pods: members of etcd, and those that Deployments make.
fn pods() -> Vec<(String, Value)> {
    let members = of_kind("Pod").into_iter().map(|(place, pod)| (place, pod["spec"].clone()));
    let hubs = of_kind("Deployment").into_iter().map(|(place, set)| (place, set["spec"]["template"]["spec"].clone()));
    members.chain(hubs).collect()
}

fn containers(pod: &Value) -> Vec<&Value> {
    ["containers", "initContainers"].iter().flat_map(|list| pod[list].as_array().into_iter().flatten()).collect()
}

fn component(object: &Value) -> &str {
    object["metadata"]["labels"]["app.kubernetes.io/component"].as_str().unwrap()
}

#[test]
fn k5_no_right_leads_to_other_rights_to_nodes_or_to_running_commands() {
    for access in ACCESS {
        let is_dangerous = |verb: &&str| ["*", "escalate", "bind", "impersonate", "deletecollection"].contains(verb);
        assert!(!access.verbs.iter().any(is_dangerous), "{access:?}");
        let reaches =
            ["*", "nodes", "pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token", "namespaces"];
        assert!(!reaches.contains(&access.resource), "{access:?}");
        assert_ne!(access.group, "rbac.authorization.k8s.io", "{access:?}");
    }
}

#[test]
fn k6_every_pod_is_what_the_restricted_standard_demands() {
    for (place, pod) in pods() {
        let own = &pod["securityContext"];
        assert_eq!(own["runAsNonRoot"], true, "{place}");
        assert!(own["runAsUser"].as_u64().is_some_and(|user| user > 0), "{place}");
        assert_eq!(own["seccompProfile"]["type"], "RuntimeDefault", "{place}");
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[host].is_null(), "{place}: {host}");
        }
        for volume in pod["volumes"].as_array().into_iter().flatten() {
            let kinds = ["configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI"];
            let others =
                volume.as_object().unwrap().keys().filter(|key| *key != "name" && !kinds.contains(&key.as_str()));
            assert_eq!(others.count(), 0, "{place}: {volume}");
        }
        for container in containers(&pod) {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{place}");
            assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{place}");
            assert!(context["privileged"].is_null() && context["runAsUser"].is_null(), "{place}");
            assert!(
                container["ports"].as_array().into_iter().flatten().all(|port| port["hostPort"].is_null()),
                "{place}"
            );
        }
    }
}

/// Who a policy lets reach `port`: the `from` of each rule; `None` is everybody.
fn sources(policy: &Value, port: u64) -> Vec<Option<Value>> {
    let rules = policy["spec"]["ingress"].as_array().unwrap().iter();
    let opens = |rule: &&Value| match rule["ports"].as_array() {
        Some(ports) => ports.iter().any(|open| open["port"] == port),
        None => true,
    };
    rules.filter(opens).map(|rule| rule.get("from").filter(|from| !from.is_null()).cloned()).collect()
}

/// Whether one of the sources is about pods of this component alone.
fn is_component(source: &Value, component: &str) -> bool {
    source["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
        && source["namespaceSelector"].is_null()
}

fn is_operator(source: &Value) -> bool {
    source["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "gohub-operator"
}

#[test]
fn k7_etcd_is_reached_by_hubs_members_and_the_operator_and_metrics_by_those_who_watch() {
    let (mut etcd, mut hubs) = (0, 0);
    for (place, policy) in of_kind("NetworkPolicy") {
        let from = |port| -> Vec<Value> {
            let lists = sources(&policy, port)
                .into_iter()
                .map(|from| from.unwrap_or_else(|| panic!("{place}: {port} is open")));
            lists.flat_map(|list| list.as_array().unwrap().clone()).collect()
        };
        if component(&policy) == "etcd" {
            etcd += 1;
            let may =
                |source: &Value| is_component(source, "hub") || is_component(source, "etcd") || is_operator(source);
            assert!(!from(2379).is_empty() && from(2379).iter().all(may), "{place}");
            assert!(!from(2380).is_empty() && from(2380).iter().all(|source| is_component(source, "etcd")), "{place}");
        } else {
            // A hub that is alone has no such port.
            hubs += from(9191).len();
            assert!(from(9191).iter().all(|source| is_component(source, "hub")), "{place}");
        }
        let watched = if component(&policy) == "etcd" { 2381 } else { 9090 };
        let label = |source: &Value| source["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"].clone();
        // Any namespace, unless `monitoring.namespace` says which; what is not a metric wants a key there.
        let (named, any) =
            (|source: &Value| label(source) == "monitoring", |source: &Value| source["namespaceSelector"] == json!({}));
        let may = |source: &Value| {
            is_operator(source) || if place.starts_with("production") { named(source) } else { any(source) }
        };
        assert!(!from(watched).is_empty() && from(watched).iter().all(may), "{place}");
    }
    assert!(etcd > 0 && hubs > 0);
}

#[test]
fn k8_pods_have_no_token_of_the_api_server_and_cannot_write_to_their_image() {
    for (place, account) in of_kind("ServiceAccount") {
        assert_eq!(account["automountServiceAccountToken"], false, "{place}");
    }
    for (place, pod) in pods() {
        assert_eq!(pod["automountServiceAccountToken"], false, "{place}");
        for container in containers(&pod) {
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{place}");
            let env = container["env"].as_array().into_iter().flatten();
            let secret =
                |name: &str| ["KEY", "KEYS", "PASSWORD", "TOKEN", "SECRET"].iter().any(|word| name.ends_with(word));
            for variable in env.filter(|variable| secret(variable["name"].as_str().unwrap())) {
                let is_path = variable["value"].as_str().is_some_and(|value| value.starts_with('/'));
                assert!(is_path || variable["valueFrom"]["secretKeyRef"].is_object(), "{place}: {variable}");
            }
        }
    }
}

fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str)) {
    visit(path);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    for below in ["items", "additionalProperties"] {
        if schema[below].is_object() {
            walk(&schema[below], &format!("{path}[]"), visit);
        }
    }
}

#[test]
fn k9_nobody_gets_through_a_gohub_what_he_could_not_have_himself() {
    let crd = serde_json::to_value(GoHub::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut seen = Vec::new();
    walk(schema, "spec", &mut |path| seen.push(path.to_owned()));
    assert!(seen.len() > 100, "the schema was walked");
    // What would let the operator make a pod, or read an object, that the author of the GoHub may not.
    let forbidden = [
        "podTemplate",
        "template",
        "podSpec",
        "containers",
        "initContainers",
        "sidecars",
        "ephemeralContainers",
        "volumes",
        "volumeMounts",
        "volumeDevices",
        "hostPath",
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "hostAliases",
        "hostPort",
        "privileged",
        "securityContext",
        "capabilities",
        "serviceAccount",
        "serviceAccountName",
        "automountServiceAccountToken",
        "command",
        "args",
        "env",
        "envFrom",
        "lifecycle",
        "runtimeClassName",
        "schedulerName",
        "nodeName",
        "namespace",
        "clusterRole",
    ];
    for path in &seen {
        let field = path.rsplit('.').next().unwrap().trim_end_matches("[]");
        // The settings speak of clients and of files inside of the pod.
        assert!(path.starts_with("spec.config.") || !forbidden.contains(&field), "{path}");
    }
    // `x-kubernetes-preserve-unknown-fields` would let any of them in by the back door.
    assert!(!schema.to_string().contains("x-kubernetes-preserve-unknown-fields"));
    // A Secret is named by its name alone, so it is one of the GoHub's own namespace.
    let secrets =
        seen.iter().filter(|path| !path.starts_with("spec.config.") && path.to_lowercase().contains("secret"));
    assert_eq!(
        secrets.map(String::as_str).collect::<Vec<_>>(),
        [
            "spec.etcd.external.tlsSecret",
            "spec.hub.imagePullSecrets",
            "spec.hub.imagePullSecrets[]",
            "spec.hub.imagePullSecrets[].name",
            "spec.hub.tlsSecret",
            "spec.service.ingress.tlsSecret",
        ]
    );
    // And whatever is built stands in the namespace of the GoHub, and is its own or bears its owner's labels.
    for (place, object) in objects() {
        assert_eq!(object["metadata"]["namespace"], "demo", "{place}");
        let kind = object["kind"].as_str().unwrap();
        assert!(!["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].contains(&kind), "{place}");
    }
}

#[test]
fn k10_etcd_speaks_to_known_certificates_alone_and_is_never_exposed() {
    let mut members = 0;
    for (place, pod) in of_kind("Pod").into_iter().filter(|(_, pod)| component(pod) == "etcd") {
        members += 1;
        let args: Vec<&str> =
            pod["spec"]["containers"][0]["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        for flag in ["--client-cert-auth", "--peer-client-cert-auth"] {
            assert!(args.contains(&flag), "{place}: {flag}");
        }
        for prefix in ["--trusted-ca-file=", "--peer-trusted-ca-file=", "--peer-cert-allowed-cn="] {
            assert!(args.iter().any(|arg| arg.starts_with(prefix) && arg.len() > prefix.len()), "{place}: {prefix}");
        }
        let is_plain = |arg: &&str| arg.contains("-urls=http://") && !arg.starts_with("--listen-metrics-urls=");
        assert!(!args.iter().any(is_plain), "{place}: {args:?}");
    }
    assert!(members > 0);
    for (place, service) in of_kind("Service").into_iter().filter(|(_, service)| component(service) == "etcd") {
        assert_eq!(service["spec"]["type"], "ClusterIP", "{place}");
    }
    for (place, deployment) in of_kind("Deployment") {
        let env = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
        let value = |name: &str| {
            env.iter().find(|variable| variable["name"] == name).and_then(|variable| variable["value"].as_str())
        };
        if value("GOHUB_CLUSTER__ETCD__ENDPOINTS").is_some_and(|endpoints| endpoints.contains("-etcd.")) {
            assert!(value("GOHUB_CLUSTER__ETCD__ENDPOINTS").unwrap().starts_with("https://"), "{place}");
            assert!(value("GOHUB_CLUSTER__ETCD__TLS__CERT").is_some(), "{place}: a certificate of its own");
        }
    }
}
