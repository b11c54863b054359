//! The checked-in custom resource definition equals the code, and has what an API server demands and users rely on.

use std::path::Path;

use gohub_operator::api::v1alpha1::{GoHub, rules};
use gohub_operator::generate;
use kube::CustomResourceExt;
use serde_json::Value;

fn crd() -> Value {
    serde_json::to_value(GoHub::crd()).unwrap()
}

fn version() -> Value {
    crd()["spec"]["versions"][0].clone()
}

fn schema() -> Value {
    version()["schema"]["openAPIV3Schema"].clone()
}

fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
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
fn the_checked_in_definition_is_the_one_of_the_code() {
    let made = generate::crd().unwrap();
    let mut drifted = Vec::new();
    // The chart has a copy of its own, because Helm packs nothing from outside its folder.
    for file in ["crds/gohub.io_gohubs.yaml", "charts/gohub-operator/files/gohub.io_gohubs.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        if std::fs::read_to_string(&path).unwrap_or_default() != made {
            std::fs::write(&path, &made).unwrap();
            drifted.push(file);
        }
    }
    assert!(
        drifted.is_empty(),
        "{drifted:?} had drifted from the code and are written anew: look at them and commit them"
    );
}

#[test]
fn the_definition_fits_into_the_annotation_of_a_client_side_apply() {
    assert!(
        serde_json::to_string(&crd()).unwrap().len() < 256 * 1024,
        "kubectl apply without --server-side would fail"
    );
}

#[test]
fn the_schema_is_structural() {
    walk(&schema(), "", &mut |path, schema| {
        for forbidden in ["oneOf", "anyOf", "allOf", "not", "$ref", "const", "examples", "definitions", "$defs"] {
            assert!(schema.get(forbidden).is_none(), "{path} has {forbidden}: {schema}");
        }
        assert_ne!(schema["additionalProperties"], Value::Bool(false), "{path}: an API server refuses it");
        let typed = schema["type"].is_string() || schema["x-kubernetes-int-or-string"] == true;
        assert!(typed, "{path} has no single type: {schema}");
        if let Some(format) = schema["format"].as_str() {
            let known = ["int32", "int64", "double", "date-time", "password"];
            assert!(known.contains(&format), "{path}: an API server does not know the format {format}");
        }
    });
}

#[test]
fn what_a_user_writes_is_explained() {
    walk(&schema()["properties"]["spec"], ".spec", &mut |path, schema| {
        let foreign = ["resources", "tolerations", "imagePullSecrets"].iter().any(|name| path.contains(name));
        if !path.ends_with("[]") && !foreign {
            assert!(schema["description"].is_string(), "kubectl explain has nothing to say of {path}");
        }
    });
}

#[test]
fn the_settings_keep_their_defaults_to_themselves() {
    let spec = schema()["properties"]["spec"].clone();
    walk(&spec["properties"]["config"], ".spec.config", &mut |path, schema| {
        assert!(schema.get("default").is_none(), "{path}: an API server would write the default into every object");
    });
    assert_eq!(
        spec["properties"]["hub"]["default"]["replicas"], 1,
        "the scale subresource needs a number to start from"
    );
    assert_eq!(spec["properties"]["hub"]["properties"]["replicas"]["default"], 1);
}

#[test]
fn every_setting_of_the_hub_is_in_the_schema() {
    let hub: Value = serde_json::from_str(&gohub_settings::Settings::schema_text()).unwrap();
    let ours = schema()["properties"]["spec"]["properties"]["config"].clone();
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    walk(&hub, "", &mut |path, _| wanted.push(path.to_owned()));
    walk(&ours, "", &mut |path, _| found.push(path.to_owned()));
    assert_eq!(found, wanted);
}

#[test]
fn rules_across_fields_stand_in_the_schema_with_their_messages() {
    let schema = schema();
    let spec = &schema["properties"]["spec"];
    let etcd = &spec["properties"]["etcd"];
    let managed = &etcd["properties"]["managed"];
    let places = [
        (spec, rules::SPEC),
        (&schema, &[rules::NAME]),
        (&spec["properties"]["hub"], rules::HUB),
        (&spec["properties"]["hub"]["properties"]["autoscaling"], rules::AUTOSCALING),
        (&spec["properties"]["service"]["properties"]["ingress"], rules::INGRESS),
        (etcd, rules::ETCD),
        (managed, rules::MANAGED),
        (&managed["properties"]["storage"], rules::STORAGE),
    ];
    for (place, rules) in places {
        let found = place["x-kubernetes-validations"].as_array().unwrap();
        assert_eq!(found.len(), rules.len(), "{found:?}");
        for (found, rule) in found.iter().zip(rules) {
            assert_eq!((&found["rule"], &found["message"]), (&rule.rule.into(), &rule.message.into()));
            assert!(rule.message.len() > 20, "{:?} does not help anybody", rule.message);
        }
    }
}

#[test]
fn o9_what_cannot_change_is_compared_with_what_it_was() {
    let rules = [rules::ETCD, rules::STORAGE].concat();
    let transitions: Vec<_> = rules.iter().filter(|rule| rule.rule.contains("oldSelf")).collect();
    for field in ["mode cannot change", "size can grow and cannot shrink", "className cannot change"] {
        assert!(transitions.iter().any(|rule| rule.message.starts_with(field)), "{field}");
    }
}

#[test]
fn kubectl_explains_the_settings_of_the_hub() {
    let spec = schema()["properties"]["spec"].clone();
    let heartbeat = &spec["properties"]["config"]["properties"]["heartbeat"];
    assert!(heartbeat["description"].as_str().unwrap().starts_with("Heartbeats."), "{heartbeat}");
    for (name, field) in heartbeat["properties"].as_object().unwrap() {
        let text = field["description"].as_str().unwrap();
        assert!(
            text.contains("Default `"),
            "kubectl explain gohub.spec.config.heartbeat.{name} hides the default: {text}"
        );
    }
}

#[test]
fn kubectl_finds_scales_and_shows_it() {
    let (crd, version) = (crd(), version());
    assert_eq!(crd["spec"]["names"]["shortNames"][0], "gh");
    assert_eq!(crd["spec"]["scope"], "Namespaced");
    assert!(version["subresources"]["status"].is_object());
    assert_eq!(version["subresources"]["scale"]["specReplicasPath"], ".spec.hub.replicas");
    assert_eq!(version["subresources"]["scale"]["statusReplicasPath"], ".status.hub.replicas");
    assert_eq!(version["subresources"]["scale"]["labelSelectorPath"], ".status.hub.selector");
    let columns: Vec<_> = version["additionalPrinterColumns"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(columns, ["Ready", "Hubs", "Connections", "Etcd", "Config", "Age"]);
    // A column whose path leads nowhere stays empty for ever and nobody is told.
    for column in version["additionalPrinterColumns"].as_array().unwrap() {
        let path = column["jsonPath"].as_str().unwrap();
        if let Some(path) = path.strip_prefix(".status.").filter(|path| !path.contains('[')) {
            let place = format!("/properties/status/properties/{}", path.replace('.', "/properties/"));
            assert!(schema().pointer(&place).is_some(), "{path} is not in the status");
        }
    }
}
