//! The rights that the chart asks for are those that the operator uses: none is missing, and none is too many.

use std::collections::BTreeSet;
use std::path::Path;

use gohub_operator::access::{ACCESS, Access, Scope};
use serde::Deserialize;
use serde_json::Value;

type Right = (String, String, String);

/// What the operator's own table of rights says of this scope.
fn used(scope: Scope) -> BTreeSet<Right> {
    let each = |access: &Access| {
        let Access { group, resource, verbs, .. } = *access;
        verbs.iter().map(move |verb| (group.to_owned(), resource.to_owned(), (*verb).to_owned()))
    };
    ACCESS.iter().filter(|access| access.scope == scope).flat_map(each).collect()
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
fn o31_the_charts_role_covers_exactly_what_the_operator_uses() {
    let roles = installed("ClusterRole");
    let [role] = &roles[..] else { panic!("one ClusterRole is enough") };
    let (granted, used) = (granted(role), used(Scope::Watched));
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
fn the_lease_is_in_the_operators_own_namespace_alone() {
    let roles = installed("Role");
    let [role] = &roles[..] else { panic!("one Role is enough") };
    assert_eq!(role["metadata"]["namespace"], "gohub-system");
    assert_eq!(granted(role), used(Scope::Own));
}
