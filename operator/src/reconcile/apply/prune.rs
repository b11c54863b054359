//! What was wanted once and is not any more: deleted by label **and** owner uid, so that nothing of a namesake is ever touched.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Preconditions, PropagationPolicy};
use kube::{Api, ResourceExt};

use super::{Change, Changed, Wanted};
use crate::reconcile::build::meta;
use crate::reconcile::context::Context;
use crate::reconcile::error::{Class, Error, class_of};
use crate::reconcile::kinds;
use crate::reconcile::observe::Found;
use crate::reconcile::plan::Owner;

/// What is wanted, by kind and name.
pub type Names = BTreeSet<(String, String)>;

/// The names of what is wanted.
#[must_use]
pub fn names<'a>(wanted: impl Iterator<Item = &'a Wanted>) -> Names {
    wanted.map(|wanted| (wanted.resource.kind.clone(), wanted.name.clone())).collect()
}

/// Deletes what is ours and not wanted.
///
/// # Errors
/// If the API server refuses to delete. What is gone or changed meanwhile is looked at next time.
pub async fn prune(
    context: &Context,
    owner: &Owner,
    wanted: &Names,
    found: &Found,
    changes: &mut Vec<Changed>,
) -> Result<(), Error> {
    for ((kind, name), object) in &found.children {
        if wanted.contains(&(kind.clone(), name.clone())) || !is_prunable(owner, &object.metadata, kind) {
            continue;
        }
        let Some(resource) = resource(kind) else { continue };
        if delete(context, owner, &resource, object).await? {
            tracing::info!(kind, name, "deleted what is no longer wanted");
            changes.push(Changed { change: Change::Deleted, kind: kind.clone(), name: name.clone() });
        }
    }
    Ok(())
}

fn is_prunable(owner: &Owner, metadata: &ObjectMeta, kind: &str) -> bool {
    let owned = metadata.owner_references.iter().flatten().any(|reference| reference.uid == owner.uid);
    let labels = metadata.labels.clone().unwrap_or_default();
    let labelled = labels.get(meta::INSTANCE) == Some(&owner.name);
    // What opens the data of a cluster goes with its GoHub and never before.
    let secret_of_etcd = kind == "Secret" && labels.get(meta::COMPONENT).is_some_and(|component| component == "etcd");
    owned && labelled && !secret_of_etcd && metadata.deletion_timestamp.is_none()
}

fn resource(kind: &str) -> Option<ApiResource> {
    match kind {
        kinds::SERVICE_MONITOR | kinds::PROMETHEUS_RULE => Some(kinds::monitoring(kind)),
        _ => kinds::applied().into_iter().find(|resource| resource.kind == kind),
    }
}

/// Deletes exactly the object that was seen: neither one that replaced it nor one that changed since.
async fn delete(
    context: &Context,
    owner: &Owner,
    resource: &ApiResource,
    object: &DynamicObject,
) -> Result<bool, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &owner.namespace, resource);
    let seen = Preconditions { uid: object.uid(), resource_version: object.resource_version() };
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(seen),
        ..DeleteParams::default()
    };
    let name = object.name_any();
    match api.delete(&name, &params).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(class_of(&error), Class::Gone | Class::Conflict) => Ok(false),
        Err(error) => Err(Error::api(format!("delete {} {name:?}", resource.kind), error)),
    }
}
