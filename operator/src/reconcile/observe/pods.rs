//! The hub pods: which are to stay, where each answers, and what keeps one from running.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::found::HubAddress;
use crate::reconcile::build::meta::{self, Component};
use crate::reconcile::context::Context;
use crate::reconcile::error::Error;
use crate::reconcile::plan::Owner;

/// Waiting reasons that only somebody can mend.
const STUCK: &[&str] = &[
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
];

pub(super) async fn list(context: &Context, owner: &Owner) -> Result<Vec<Pod>, Error> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &owner.namespace);
    let params = ListParams::default().labels(&meta::selector_text(owner, Component::Hub));
    let list = api.list(&params).await.map_err(|error| Error::api("list pods", error))?;
    Ok(list.items)
}

/// Whether the pod is one of those that serve or will: one that drains or has ended says nothing of what is to be.
pub(super) fn is_staying(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Failed" | "Succeeded"))
}

pub(super) fn address(pod: &Pod) -> HubAddress {
    let status = pod.status.clone().unwrap_or_default();
    let running = status
        .container_statuses
        .iter()
        .flatten()
        .any(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
    let conditions = status.conditions.unwrap_or_default();
    HubAddress {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        address: status.pod_ip.filter(|_| running),
        ready: conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"),
        nudged: pod.annotations().get(meta::NUDGE).cloned(),
        secrets: pod.annotations().get(meta::SECRETS).cloned(),
    }
}

/// What keeps the pod from running, in kubelet's and the scheduler's words.
pub(super) fn trouble(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let waiting = |container: &ContainerStatus| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting.reason.as_deref().filter(|reason| STUCK.contains(reason))?;
        Some(format!("{}: {reason}: {}", pod.name_any(), waiting.message.as_deref().unwrap_or_default()))
    };
    let unscheduled = || {
        let condition = status.conditions.iter().flatten().find(|condition| condition.type_ == "PodScheduled")?;
        let message = condition.message.as_deref().unwrap_or_default();
        (condition.status == "False").then(|| format!("{}: not scheduled: {message}", pod.name_any()))
    };
    status.container_statuses.iter().flatten().find_map(waiting).or_else(unscheduled)
}

/// What kubelet says of a pod that is not ready.
pub(super) fn unready(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status != "True")?;
    Some(format!("{}: not ready: {}", pod.name_any(), ready.message.as_deref().unwrap_or_default()))
}
