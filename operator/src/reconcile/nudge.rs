//! Hub pods whose hub does not run the newest configuration, or that mount a Secret that was rotated, are touched, so that kubelet
//! brings their volumes up to date at once.
//!
//! Left alone, kubelet looks at a pod's ConfigMaps once a minute or so; any change of the pod makes it look now. The annotation says what
//! for, so a restarted operator does not begin anew.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::Instant;

use super::apply::FIELD_MANAGER;
use super::build::meta;
use super::context::Context;
use super::error::{Class, Error, class_of};
use super::observe::{Found, HubAddress};
use super::observed::Observed;
use super::plan::Owner;

/// Touches every pod that needs it; whether one is still behind.
///
/// # Errors
/// If the API server refuses. A pod that is gone meanwhile needs nothing.
pub async fn nudge(
    context: &Context,
    owner: &Owner,
    found: &Found,
    observed: &Observed,
    hash: &str,
) -> Result<bool, Error> {
    context.memory.keep_pods(&owner.uid, |uid| found.hubs.iter().any(|hub| hub.uid == uid));
    let mut behind = false;
    for hub in &found.hubs {
        // No hub tells which certificate it shows, so every pod is told of every version once.
        if !found.secrets.is_empty() && hub.secrets.as_ref() != Some(&found.secrets) {
            touch(context, owner, hub, (meta::SECRETS, &found.secrets)).await?;
        }
        let pod = observed.pods.iter().find(|pod| pod.name == hub.name);
        let Some(report) = pod.and_then(|pod| pod.report.as_ref()) else { continue };
        if report.config == hash {
            continue;
        }
        behind = true;
        if let Some(count) = context.memory.nudge(&owner.uid, &hub.uid, hash, Instant::now()) {
            let value = format!("{hash}/{count}");
            if hub.nudged.as_ref() != Some(&value) {
                touch(context, owner, hub, (meta::NUDGE, &value)).await?;
            }
        }
    }
    Ok(behind)
}

async fn touch(context: &Context, owner: &Owner, hub: &HubAddress, (key, value): (&str, &str)) -> Result<(), Error> {
    let HubAddress { name, uid, .. } = hub;
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &owner.namespace);
    // The uid makes it fail for another pod of the same name.
    let patch = json!({ "metadata": { "uid": uid, "annotations": { key: value } } });
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    match api.patch_metadata(name, &params, &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(class_of(&error), Class::Gone | Class::Conflict) => Ok(()),
        Err(error) => Err(Error::api(format!("annotate pods {name:?}"), error)),
    }
}
