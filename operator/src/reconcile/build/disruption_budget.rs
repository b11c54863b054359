//! How many pods a node's drain may take at once.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::meta::{self, Component};
use crate::api::v1alpha1::Managed;
use crate::reconcile::plan::Plan;

/// One hub at a time. A single hub may go too: its clients reconnect, and a node that cannot be drained is worse.
#[must_use]
pub fn hub(plan: &Plan) -> PodDisruptionBudget {
    let spec =
        PodDisruptionBudgetSpec { max_unavailable: Some(IntOrString::Int(1)), ..PodDisruptionBudgetSpec::default() };
    budget(plan, "", Component::Hub, spec)
}

/// A majority of the members there are or are to be, whichever is more.
#[must_use]
pub fn etcd(plan: &Plan, spec: &Managed, voters: usize) -> Option<PodDisruptionBudget> {
    let voters = i32::try_from(voters).unwrap_or(i32::MAX).max(spec.replicas);
    if voters <= 1 {
        return None;
    }
    let majority = voters / 2 + 1;
    let spec = PodDisruptionBudgetSpec {
        min_available: Some(IntOrString::Int(majority)),
        ..PodDisruptionBudgetSpec::default()
    };
    Some(budget(plan, "etcd", Component::Etcd, spec))
}

fn budget(plan: &Plan, suffix: &str, component: Component, spec: PodDisruptionBudgetSpec) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: meta::owned(&plan.owner, suffix, component),
        spec: Some(PodDisruptionBudgetSpec {
            selector: Some(meta::label_selector(&plan.owner, component)),
            // A pod that was never ready must not hold up the drain of its node.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()).filter(|_| component == Component::Hub),
            ..spec
        }),
        status: None,
    }
}
