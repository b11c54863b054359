//! Who reaches the pods. Whatever is not named here is refused where the cluster's network enforces policies.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::etcd_service;
use super::hub_environment::{ADMIN_PORT, PEER_PORT, PUBLIC_PORT};
use super::meta::{self, Component};
use crate::reconcile::plan::Plan;

/// Clients reach the public port, hubs each other, Prometheus and the operator the admin port.
#[must_use]
pub fn hub(plan: &Plan) -> Option<NetworkPolicy> {
    let mut rules = vec![rule(None, &[PUBLIC_PORT]), rule(Some(vec![operator(), monitoring(plan)]), &[ADMIN_PORT])];
    if plan.etcd.is_enabled() {
        rules.push(rule(Some(vec![pods(plan, Component::Hub)]), &[PEER_PORT]));
    }
    policy(plan, "", Component::Hub, rules)
}

/// Hubs and the operator reach the client port, members each other, Prometheus the metrics.
#[must_use]
pub fn etcd(plan: &Plan) -> Option<NetworkPolicy> {
    let members = || pods(plan, Component::Etcd);
    let clients = vec![pods(plan, Component::Hub), members(), operator()];
    let rules = vec![
        rule(Some(clients), &[etcd_service::CLIENT_PORT]),
        rule(Some(vec![members()]), &[etcd_service::PEER_PORT]),
        rule(Some(vec![operator(), monitoring(plan)]), &[etcd_service::METRICS_PORT]),
    ];
    policy(plan, "etcd", Component::Etcd, rules)
}

fn policy(
    plan: &Plan,
    suffix: &str,
    component: Component,
    rules: Vec<NetworkPolicyIngressRule>,
) -> Option<NetworkPolicy> {
    plan.network_policy.enabled.then(|| NetworkPolicy {
        metadata: meta::owned(&plan.owner, suffix, component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(meta::label_selector(&plan.owner, component)),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(rules),
            egress: None,
        }),
    })
}

fn rule(from: Option<Vec<NetworkPolicyPeer>>, ports: &[i32]) -> NetworkPolicyIngressRule {
    let port = |number: &i32| NetworkPolicyPort {
        port: Some(IntOrString::Int(*number)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    };
    NetworkPolicyIngressRule { from, ports: Some(ports.iter().map(port).collect()) }
}

/// Pods of this `GoHub`.
fn pods(plan: &Plan, component: Component) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(meta::label_selector(&plan.owner, component)),
        ..NetworkPolicyPeer::default()
    }
}

/// The operator, wherever it runs.
fn operator() -> NetworkPolicyPeer {
    let labels = [("app.kubernetes.io/name".to_owned(), meta::OPERATOR.to_owned())];
    NetworkPolicyPeer {
        namespace_selector: Some(LabelSelector::default()),
        pod_selector: Some(matching(labels.into())),
        ip_block: None,
    }
}

/// The namespaces that may scrape; without labels every one.
fn monitoring(plan: &Plan) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(matching(plan.network_policy.monitoring_namespaces.clone())),
        ..NetworkPolicyPeer::default()
    }
}

fn matching(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels).filter(|labels| !labels.is_empty()), ..LabelSelector::default() }
}
