//! The rights that the chart asks for are those that the operator uses: none is missing, and none is too many.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

type Right = (String, String, String);

/// What the operator uses where it looks after `GoHub`s.
fn used() -> BTreeSet<Right> {
    const ALL: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
    const TABLE: &[(&str, &str, &[&str])] = &[
        ("gohub.io", "gohubs", &["get", "list", "watch"]),
        ("gohub.io", "gohubs/status", &["patch"]),
        ("gohub.io", "gohubs/finalizers", &["update"]),
        ("", "configmaps", ALL),
        ("", "secrets", ALL),
        ("", "services", ALL),
        ("", "serviceaccounts", ALL),
        ("", "pods", ALL),
        ("", "persistentvolumeclaims", ALL),
        ("apps", "deployments", ALL),
        ("autoscaling", "horizontalpodautoscalers", ALL),
        ("networking.k8s.io", "ingresses", ALL),
        ("networking.k8s.io", "networkpolicies", ALL),
        ("policy", "poddisruptionbudgets", ALL),
        ("monitoring.coreos.com", "servicemonitors", ALL),
        ("monitoring.coreos.com", "prometheusrules", ALL),
        ("events.k8s.io", "events", &["create", "patch"]),
    ];
    flat(TABLE.iter().copied())
}

fn flat<'t>(table: impl Iterator<Item = (&'t str, &'t str, &'t [&'t str])>) -> BTreeSet<Right> {
    let each = |(group, resource, verbs): (&str, &str, &[&str])| {
        let right = |verb: &&str| (group.to_owned(), resource.to_owned(), (*verb).to_owned());
        verbs.iter().map(right).collect::<Vec<_>>()
    };
    table.flat_map(each).collect()
}

/// The objects of this kind in what the chart renders to.
fn installed(kind: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/install.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| document["kind"] == kind).collect()
}

fn granted(role: &Value) -> BTreeSet<Right> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    rights.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    rights
}

#[test]
fn the_charts_role_covers_exactly_what_the_operator_uses() {
    let roles = installed("ClusterRole");
    let [role] = &roles[..] else { panic!("one ClusterRole is enough") };
    let (granted, used) = (granted(role), used());
    assert_eq!(granted.difference(&used).collect::<Vec<_>>(), Vec::<&Right>::new(), "granted and never used");
    assert_eq!(used.difference(&granted).collect::<Vec<_>>(), Vec::<&Right>::new(), "used and not granted");
}

#[test]
fn no_right_is_a_wildcard() {
    let roles: Vec<Value> = installed("ClusterRole").into_iter().chain(installed("Role")).collect();
    assert_eq!(roles.len(), 2);
    for (group, resource, verb) in roles.iter().flat_map(granted) {
        assert!(group != "*" && resource != "*" && verb != "*", "{group} {resource} {verb}");
    }
}

#[test]
fn the_lease_is_one_by_name_in_the_operators_own_namespace() {
    let roles = installed("Role");
    let [role] = &roles[..] else { panic!("one Role is enough") };
    assert_eq!(role["metadata"]["namespace"], "gohub-system");
    for rule in role["rules"].as_array().unwrap() {
        let create_alone = rule["verbs"] == serde_json::json!(["create"]);
        assert!(create_alone || rule["resourceNames"] == serde_json::json!(["gohub-operator"]), "{rule}");
    }
    let lease = |verb: &str| ("coordination.k8s.io".to_owned(), "leases".to_owned(), verb.to_owned());
    assert_eq!(granted(role), ["create", "get", "update"].map(lease).into());
}
