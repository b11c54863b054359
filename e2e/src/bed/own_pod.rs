//! Pods of the tests' own image, which has the crowd and the killer.

use serde_json::{Value, json};

/// A pod that runs the image's program once with these arguments; `more` is laid over its spec and `security` is its container's.
pub(super) fn manifest(name: &str, arguments: &[&str], more: &Value, security: &Value) -> String {
    let container = json!({
        "name": name,
        "image": format!("gohub-e2e:{}", env!("CARGO_PKG_VERSION")),
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "securityContext": security,
    });
    let mut spec = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": spec });
    // JSON is YAML.
    pod.to_string()
}
