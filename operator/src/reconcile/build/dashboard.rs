//! The Grafana dashboard of one `GoHub`, in a ConfigMap that Grafana's sidecar finds by its label.
//!
//! The panels are `config/grafana/gohub.json`, which can be imported by hand as well. Here it only gets an id and a title of its own,
//! because Grafana refuses two dashboards with one id, and begins with this `GoHub` chosen.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use super::meta::{self, Component};
use crate::reconcile::plan::Plan;

/// Suffix of its name.
pub const SUFFIX: &str = "dashboard";
/// The label that Grafana's sidecar looks for, unless it was told another.
pub const LABEL: &str = "grafana_dashboard";
const PANELS: &str = include_str!("../../../../config/grafana/gohub.json");

/// The dashboard, if it was asked for and somebody scrapes.
#[must_use]
pub fn build(plan: &Plan) -> Option<ConfigMap> {
    plan.monitoring.dashboard.then(|| {
        let mut metadata = meta::owned(&plan.owner, SUFFIX, Component::Hub);
        metadata.labels.get_or_insert_default().insert(LABEL.to_owned(), "1".to_owned());
        // Its folder has files of every namespace: the name must be like no other.
        let file = format!("gohub-{}-{}.json", plan.owner.namespace, plan.owner.name);
        ConfigMap { metadata, data: Some([(file, text(plan))].into()), ..ConfigMap::default() }
    })
}

fn text(plan: &Plan) -> String {
    // The file is part of this program, and a test reads it: there is no second way.
    let mut dashboard: Value = serde_json::from_str(PANELS).unwrap_or_default();
    let (namespace, name) = (&plan.owner.namespace, &plan.owner.name);
    dashboard["uid"] = json!(plan.owner.uid);
    dashboard["title"] = json!(format!("gohub: {namespace}/{name}"));
    for variable in dashboard["templating"]["list"].as_array_mut().into_iter().flatten() {
        let chosen = match variable["name"].as_str() {
            Some("namespace") => namespace,
            Some("service") => name,
            _ => continue,
        };
        variable["current"] = json!({ "text": chosen, "value": chosen });
    }
    dashboard.to_string()
}
