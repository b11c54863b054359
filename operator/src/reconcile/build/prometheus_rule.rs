//! The alerts: each is something a person should do, and says what.

use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::service_monitor;
use crate::reconcile::plan::Plan;

/// The PrometheusRule, if it was asked for and the API server knows such a thing.
#[must_use]
pub fn build(plan: &Plan) -> Option<DynamicObject> {
    let spec = json!({ "groups": [{ "name": format!("gohub-{}", plan.owner.name), "rules": rules(plan) }] });
    plan.monitoring.rules.then(|| service_monitor::object(plan, "PrometheusRule", spec))
}

fn rules(plan: &Plan) -> Value {
    let (namespace, name) = (&plan.owner.namespace, &plan.owner.name);
    let of = |metric: &str| format!("{metric}{{namespace=\"{namespace}\",service=\"{name}\"}}");
    json!([
        alert("GoHubDown", &format!("{} == 0", of("up")), "2m", "critical", "A hub does not answer its scrape."),
        alert(
            "GoHubBusDegraded",
            &format!("{} == 1", of("gohub_bus_degraded")),
            "1m",
            "critical",
            "A hub takes no publications, because etcd does not: look at the EtcdReady condition."
        ),
        alert(
            "GoHubConfigRefused",
            &format!("{} == 1", of("gohub_config_stale")),
            "1m",
            "warning",
            "A hub refused its configuration and keeps the last good one: the ConfigConverged condition has its words."
        ),
        alert(
            "GoHubTurnsClientsAway",
            &format!("sum(rate({}[5m])) > 1", of("gohub_accept_refused_total")),
            "5m",
            "warning",
            "Hubs turn clients away: scale up, or raise the limits."
        ),
    ])
}

fn alert(name: &str, expression: &str, lasting: &str, severity: &str, summary: &str) -> Value {
    json!({
        "alert": name,
        "expr": expression,
        "for": lasting,
        "labels": { "severity": severity },
        "annotations": { "summary": summary },
    })
}
