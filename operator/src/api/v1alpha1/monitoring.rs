//! `spec.monitoring` and `spec.networkPolicy`: who watches, and who may reach the pods.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Objects for Prometheus and Grafana, made only where the Prometheus Operator's resources exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Monitoring {
    /// Whether Prometheus is told to scrape the hubs (ServiceMonitor).
    pub service_monitor: bool,
    /// Whether it is given alerts (PrometheusRule).
    pub rules: bool,
    /// Whether Grafana is given a dashboard: a ConfigMap with the label `grafana_dashboard: "1"`, made where ServiceMonitors are known.
    pub dashboard: bool,
    /// Labels of ServiceMonitor and PrometheusRule, by which a Prometheus selects them.
    pub labels: BTreeMap<String, String>,
    /// Seconds between two scrapes.
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: i32,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self { service_monitor: true, rules: true, dashboard: true, labels: BTreeMap::new(), interval_seconds: 15 }
    }
}

/// Which connections the pods accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkPolicy {
    /// Whether NetworkPolicies are made: clients reach only the public port, etcd only hubs, members and the operator.
    pub enabled: bool,
    /// Labels of the namespaces that may reach the hubs' admin port, where metrics are; none opens it to every namespace.
    pub monitoring_namespaces: BTreeMap<String, String>,
}

impl Default for NetworkPolicy {
    fn default() -> Self {
        Self { enabled: true, monitoring_namespaces: BTreeMap::new() }
    }
}
