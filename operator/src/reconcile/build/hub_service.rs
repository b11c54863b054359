//! The Service that clients connect to.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::hub_environment::ADMIN_PORT;
use super::meta::{self, Component};
use crate::api::v1alpha1::Exposure;
use crate::reconcile::plan::Plan;

/// Name of the port that clients reach.
pub const PUBLIC: &str = "public";

/// The Service. Its admin port is only there inside the cluster: a load balancer would show it to the world.
#[must_use]
pub fn build(plan: &Plan) -> Service {
    let mut metadata = meta::owned(&plan.owner, "", Component::Hub);
    metadata.annotations = Some(plan.service.annotations.clone()).filter(|annotations| !annotations.is_empty());
    let mut ports = vec![port(PUBLIC, plan.service.port)];
    if plan.service.exposure == Exposure::ClusterIP && plan.service.port != ADMIN_PORT {
        ports.push(port("admin", ADMIN_PORT));
    }
    let kind = match plan.service.exposure {
        Exposure::ClusterIP => "ClusterIP",
        Exposure::NodePort => "NodePort",
        Exposure::LoadBalancer => "LoadBalancer",
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            selector: Some(meta::selector(&plan.owner, Component::Hub)),
            ports: Some(ports),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn port(name: &str, number: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: number,
        target_port: Some(IntOrString::String(name.to_owned())),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    }
}
