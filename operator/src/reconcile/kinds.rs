//! The kinds of objects that follow from a `GoHub`: what is listed, watched and pruned. `apply` may only write what stands here.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;

/// Group and version of the Prometheus Operator's kinds.
pub const MONITORING: &str = "monitoring.coreos.com/v1";
/// Its kind that says what is scraped.
pub const SERVICE_MONITOR: &str = "ServiceMonitor";
/// Its kind that has alerts.
pub const PROMETHEUS_RULE: &str = "PrometheusRule";

/// Kinds that every API server has and `apply` writes.
#[must_use]
pub fn applied() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<NetworkPolicy>(&()),
        ApiResource::erase::<Ingress>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<HorizontalPodAutoscaler>(&()),
    ]
}

/// Kinds of the managed etcd cluster, which only its planner makes and takes away.
#[must_use]
pub fn stepped() -> Vec<ApiResource> {
    vec![ApiResource::erase::<Pod>(&()), ApiResource::erase::<PersistentVolumeClaim>(&())]
}

/// A kind of the Prometheus Operator.
#[must_use]
pub fn monitoring(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("monitoring.coreos.com", "v1", kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ACCESS;

    #[test]
    fn every_kind_has_its_rights() {
        let optional = [monitoring(SERVICE_MONITOR), monitoring(PROMETHEUS_RULE)];
        for kind in applied().into_iter().chain(stepped()).chain(optional) {
            let row = ACCESS.iter().find(|row| row.group == kind.group && row.resource == kind.plural);
            let verbs = row.unwrap_or_else(|| panic!("{}/{} has no rights", kind.group, kind.plural)).verbs;
            for verb in ["create", "delete", "get", "list", "patch", "watch"] {
                assert!(verbs.contains(&verb), "{verb} {}", kind.plural);
            }
        }
    }
}
