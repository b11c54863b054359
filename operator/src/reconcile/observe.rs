//! What is in the cluster: the first of the two steps that speak to the API server.
//!
//! ```text
//! lists by our label --+
//! hubs, over HTTP -----+--> (Observed: plain values for every decision, Found: the live objects for apply and prune)
//! etcd's members ------+
//! ```
//! Everything is read from the API server itself and nothing from a watch's cache: a decision on stale values could make keys anew that
//! exist, or remove what was just made. The watches only say *when* to look.

mod certificates;
mod deployment;
mod found;
mod hubs;
mod keys;
mod pods;
mod theirs;

use futures::future::try_join_all;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};

use super::build::meta;
use super::context::Context;
use super::error::{Class, Error, class_of};
use super::kinds;
use super::observed::Observed;
use super::plan::Owner;
use crate::api::v1alpha1::{EtcdMode, GoHub};

pub use deployment::facts as deployment_facts;
pub use found::{Found, HubAddress};
pub use hubs::{HttpHubs, Hubs};

/// What is in the cluster of this `GoHub`.
///
/// # Errors
/// If the API server does not tell. A hub or an etcd member that does not answer is an observation and no error.
pub async fn observe(context: &Context, gohub: &GoHub, owner: &Owner) -> Result<(Observed, Found), Error> {
    let apis = *context.apis.borrow();
    let mut listed = kinds::applied();
    listed.extend(apis.service_monitors.then(|| kinds::monitoring(kinds::SERVICE_MONITOR)));
    listed.extend(apis.prometheus_rules.then(|| kinds::monitoring(kinds::PROMETHEUS_RULE)));
    let lists = try_join_all(listed.iter().map(|resource| list(context, owner, resource)));
    let (lists, hub_pods, theirs) =
        futures::try_join!(lists, pods::list(context, owner), theirs::of(context, gohub, owner))?;
    let mut found = Found::new(owner, lists.into_iter().flatten(), hub_pods);
    found.secrets = theirs.secrets;
    let keys = keys::of(context, owner, &mut found).await?;
    let (certificates, etcd) = match gohub.spec.etcd.mode {
        EtcdMode::Managed => certificates::of(context, owner, &gohub.spec.etcd.managed, &mut found).await?,
        EtcdMode::Disabled | EtcdMode::External => Default::default(),
    };
    let pods = hubs::reports(context.hubs.as_ref(), &found.hubs, &keys.admin).await;
    let observed = Observed {
        family: context.family,
        config_from: theirs.config_from,
        missing: theirs.missing,
        keys,
        certificates,
        service_monitors: apis.service_monitors,
        prometheus_rules: apis.prometheus_rules,
        deployment: found.deployment().map(|deployment| deployment_facts(&deployment, &found)),
        pods,
        etcd,
        held_back: false,
    };
    Ok((observed, found))
}

/// Objects of a kind that bear our label; none where the API server does not know the kind.
async fn list(context: &Context, owner: &Owner, resource: &ApiResource) -> Result<Vec<DynamicObject>, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &owner.namespace, resource);
    // Autoscalers of others count too: one may steer our Deployment.
    let everybodys = resource.kind == "HorizontalPodAutoscaler";
    let params = if everybodys { ListParams::default() } else { ListParams::default().labels(&ours(owner)) };
    match api.list(&params).await {
        Ok(list) => Ok(list.items.into_iter().map(|object| named(object, resource)).collect()),
        Err(error) if class_of(&error) == Class::Gone => Ok(Vec::new()),
        Err(error) => Err(Error::api(format!("list {}", resource.plural), error)),
    }
}

/// What selects our objects of one `GoHub`.
fn ours(owner: &Owner) -> String {
    format!("{}={},{}={}", meta::INSTANCE, owner.name, meta::MANAGED_BY, meta::OPERATOR)
}

/// An object of a list with its kind, which lists leave out.
fn named(mut object: DynamicObject, resource: &ApiResource) -> DynamicObject {
    object.types = Some(kube::api::TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() });
    object
}

/// An object by its name, whatever its labels are.
pub(super) async fn get(
    context: &Context,
    owner: &Owner,
    resource: &ApiResource,
    name: &str,
) -> Result<Option<DynamicObject>, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &owner.namespace, resource);
    let found = api.get_opt(name).await;
    let found = found.map_err(|error| Error::api(format!("get {} {name:?}", resource.plural), error))?;
    Ok(found.map(|object| named(object, resource)))
}
