//! The way in from outside through an ingress controller, for clusters that have one instead of a load balancer per Service.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};

use super::hub_service;
use super::meta::{self, Component};
use crate::reconcile::plan::Plan;

/// The Ingress, if one was asked for. How long a silent WebSocket may live is the controller's own affair: its annotations are the user's.
#[must_use]
pub fn build(plan: &Plan) -> Option<Ingress> {
    let wanted = plan.service.ingress.as_ref()?;
    let mut metadata = meta::owned(&plan.owner, "", Component::Hub);
    metadata.annotations = Some(wanted.annotations.clone()).filter(|annotations| !annotations.is_empty());
    let service = IngressServiceBackend {
        name: meta::name(&plan.owner, ""),
        port: Some(ServiceBackendPort { name: Some(hub_service::PUBLIC.to_owned()), number: None }),
    };
    let everything = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend { service: Some(service), resource: None },
    };
    let tls = |secret: &String| {
        vec![IngressTLS { hosts: Some(vec![wanted.host.clone()]), secret_name: Some(secret.clone()) }]
    };
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: wanted.class_name.clone(),
            rules: Some(vec![IngressRule {
                host: Some(wanted.host.clone()),
                http: Some(HTTPIngressRuleValue { paths: vec![everything] }),
            }]),
            tls: wanted.tls_secret.as_ref().map(tls),
            default_backend: None,
        }),
        status: None,
    })
}
