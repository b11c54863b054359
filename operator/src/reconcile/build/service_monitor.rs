//! The ServiceMonitor, by which the Prometheus Operator finds the hubs. Its type is not ours, so it is written as data.

use std::collections::BTreeMap;

use kube::core::{DynamicObject, TypeMeta};
use serde_json::{Value, json};

use super::hub_environment::ADMIN_PORT;
use super::meta::{self, Component};
use crate::reconcile::plan::Plan;

/// The ServiceMonitor, if it was asked for and the API server knows such a thing.
#[must_use]
pub fn build(plan: &Plan) -> Option<DynamicObject> {
    // Scraped by the pod's own port, because a Service for the world has no admin port.
    let spec = json!({
        "selector": { "matchLabels": meta::selector(&plan.owner, Component::Hub) },
        "namespaceSelector": { "matchNames": [plan.owner.namespace] },
        "endpoints": [{
            "targetPort": ADMIN_PORT,
            "path": "/metrics",
            "interval": format!("{}s", plan.monitoring.interval_seconds),
        }],
    });
    plan.monitoring.service_monitor.then(|| object(plan, "ServiceMonitor", spec))
}

/// An object of the Prometheus Operator's group, with the labels by which a Prometheus selects it.
pub(super) fn object(plan: &Plan, kind: &str, spec: Value) -> DynamicObject {
    let mut metadata = meta::owned(&plan.owner, "", Component::Hub);
    let ours: BTreeMap<String, String> = metadata.labels.unwrap_or_default();
    // Ours come last: a label by which we find our objects must not be the user's to change.
    metadata.labels = Some(plan.monitoring.labels.clone().into_iter().chain(ours).collect());
    let types = TypeMeta { api_version: "monitoring.coreos.com/v1".to_owned(), kind: kind.to_owned() };
    DynamicObject { types: Some(types), metadata, data: json!({ "spec": spec }) }
}
