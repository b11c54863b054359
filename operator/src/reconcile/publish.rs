//! The status into the cluster, if it differs, and an event for what turned.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::apply::FIELD_MANAGER;
use super::context::Context;
use super::error::{Class, Error, class_of};
use super::plan::Owner;
use crate::api::v1alpha1::{GoHub, GoHubStatus};

/// The time conditions turn at: whole seconds, as in all of Kubernetes, and never before one that is there already, so that a clock that
/// jumps back tears no order.
#[must_use]
pub fn now(gohub: &GoHub) -> Time {
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let conditions = gohub.status.iter().flat_map(|status| &status.conditions);
    let latest = conditions.map(|condition| condition.last_transition_time.0).max();
    Time(latest.map_or(now, |latest| latest.max(now)))
}

/// Writes the status if it is another one than `gohub` has, and tells of what turned.
///
/// # Errors
/// If the API server refuses. A `GoHub` that is gone needs no status.
pub async fn publish(context: &Context, owner: &Owner, gohub: &GoHub, status: &GoHubStatus) -> Result<bool, Error> {
    if gohub.status.as_ref() == Some(status) {
        return Ok(false);
    }
    // Every write of the status is heard of and looked at: figures that never rest would keep it going for ever.
    let is_news = gohub.status.as_ref().is_none_or(|before| without_figures(before) != without_figures(status));
    if !context.memory.may_publish(&owner.uid, is_news, Instant::now()) {
        return Ok(false);
    }
    let resource = ApiResource::erase::<GoHub>(&());
    // Without its type: the answer may be one that cannot be read, which is what is told then.
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &owner.namespace, &resource);
    let patch = json!({ "metadata": { "uid": owner.uid }, "status": status });
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch_status(&owner.name, &params, &Patch::Merge(&patch)).await {
        Ok(_) => {}
        Err(error) if class_of(&error) == Class::Gone => return Ok(false),
        Err(error) => return Err(Error::api("patch gohubs/status", error)),
    }
    context.events.turned(owner, gohub.status.as_ref(), status).await;
    Ok(true)
}

/// The status without what changes by itself under live clients.
fn without_figures(status: &GoHubStatus) -> GoHubStatus {
    let mut status = status.clone();
    status.hub.connections = 0;
    status.pods.iter_mut().for_each(|pod| pod.connections = 0);
    status
}
