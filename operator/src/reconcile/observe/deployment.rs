//! What a Deployment says of itself, and whether it gave up.

use k8s_openapi::api::apps::v1::Deployment;

use super::found::Found;
use crate::reconcile::observed;

/// The Deployment's own words, with the pod that does not run or is not ready, and why: without it "did not progress" helps nobody.
#[must_use]
pub fn facts(deployment: &Deployment, found: &Found) -> observed::Deployment {
    let status = deployment.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let gave_up = conditions.iter().find(|condition| {
        let deadline = condition.reason.as_deref() == Some("ProgressDeadlineExceeded");
        (condition.type_ == "Progressing" && condition.status == "False" && deadline)
            // No pod can be made at all: a quota or an admission rule is against it.
            || (condition.type_ == "ReplicaFailure" && condition.status == "True")
    });
    let waits_for = found.troubled_pods.first().or(found.unready_pods.first());
    let stuck = gave_up.map(|condition| {
        let message = condition.message.clone().unwrap_or_default();
        waits_for.map_or_else(|| message.clone(), |trouble| format!("{message}; {trouble}"))
    });
    observed::Deployment {
        current: status.observed_generation >= deployment.metadata.generation,
        wanted_by_other: deployment.spec.as_ref().filter(|_| found.scaled_by_other).and_then(|spec| spec.replicas),
        replicas: status.replicas.unwrap_or_default(),
        updated: status.updated_replicas.unwrap_or_default(),
        available: status.available_replicas.unwrap_or_default(),
        stuck,
        trouble: found.troubled_pods.first().cloned(),
        waits_for: waits_for.cloned(),
    }
}
