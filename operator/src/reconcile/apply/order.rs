//! The order in which objects are applied. A pod's ConfigMap and Secrets are there before the pod, and who may reach it before it listens.

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{ApiResource, DynamicObject};
use serde::Serialize;
use serde_json::Value;

use crate::reconcile::build::config_file::ConfigFile;
use crate::reconcile::build::{Desired, DesiredEtcd};
use crate::reconcile::error::Error;
use crate::reconcile::kinds;

/// An object that is to be, in the form in which it is sent.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its kind.
    pub resource: ApiResource,
    /// Its name.
    pub name: String,
    /// All of it.
    pub body: Value,
}

/// What etcd needs and what the hubs need, in the order of applying. Etcd's part comes first and by itself: whatever is wrong with an
/// object of the hubs must not keep etcd from healing.
///
/// # Errors
/// If an object has no JSON form.
pub fn in_order(desired: Desired) -> Result<(Vec<Wanted>, Vec<Wanted>), Error> {
    let Desired {
        service_account,
        keys,
        config,
        etcd,
        hub_service,
        ingress,
        hub_deployment,
        hub_budget,
        hub_network_policy,
        autoscaler,
        service_monitor,
        prometheus_rule,
        dashboard,
    } = desired;
    let mut first = vec![typed(&service_account)?];
    if let Some(etcd) = etcd {
        let DesiredEtcd { authority, member_tls, client_tls, client_service, peer_service, budget, network_policy } =
            etcd;
        first.extend([typed(&authority)?, typed(&member_tls)?, typed(&client_tls)?]);
        first.extend(network_policy.as_ref().map(typed).transpose()?);
        first.extend([typed(&client_service)?, typed(&peer_service)?]);
        first.extend(budget.as_ref().map(typed).transpose()?);
    }
    let mut then = vec![typed(&keys)?];
    match config {
        Some(ConfigFile::Plain(config_map)) => then.push(typed(&config_map)?),
        Some(ConfigFile::Secret(secret)) => then.push(typed(&secret)?),
        None => {}
    }
    then.extend(hub_network_policy.as_ref().map(typed).transpose()?);
    then.extend([typed(&hub_service)?, typed(&hub_budget)?, typed(&hub_deployment)?]);
    then.extend(ingress.as_ref().map(typed).transpose()?);
    then.extend(autoscaler.as_ref().map(typed).transpose()?);
    then.extend(service_monitor.as_ref().map(dynamic).transpose()?);
    then.extend(prometheus_rule.as_ref().map(dynamic).transpose()?);
    then.extend(dashboard.as_ref().map(typed).transpose()?);
    Ok((first, then))
}

fn typed<K>(object: &K) -> Result<Wanted, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Serialize,
{
    wanted(ApiResource::erase::<K>(&()), object.meta().name.clone(), object)
}

fn dynamic(object: &DynamicObject) -> Result<Wanted, Error> {
    let kind = object.types.as_ref().map(|types| types.kind.clone()).unwrap_or_default();
    wanted(kinds::monitoring(&kind), object.metadata.name.clone(), object)
}

fn wanted(resource: ApiResource, name: Option<String>, object: &impl Serialize) -> Result<Wanted, Error> {
    let body = serde_json::to_value(object)
        .map_err(|source| Error::Json { action: format!("write {} as JSON", resource.kind), source })?;
    Ok(Wanted { resource, name: name.unwrap_or_default(), body })
}
