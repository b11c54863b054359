//! What the spec names of a user's own: the ConfigMap's text, and whether Secrets have what pods look for in them.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;

use crate::api::v1alpha1::GoHub;
use crate::reconcile::context::Context;
use crate::reconcile::error::Error;
use crate::reconcile::observed::Missing;
use crate::reconcile::plan::Owner;
use crate::reconcile::references::{self, Reference};

/// What was found of it.
#[derive(Default)]
pub(super) struct Theirs {
    /// The value of the ConfigMap's key that the spec names.
    pub config_from: Option<String>,
    /// Secrets that are not there, or not whole.
    pub missing: Vec<Missing>,
    /// Which versions of Secrets pods are to have mounted; empty if they mount none of a user's.
    pub secrets: String,
}

pub(super) async fn of(context: &Context, gohub: &GoHub, owner: &Owner) -> Result<Theirs, Error> {
    let mut theirs = Theirs::default();
    for reference in references::named_by(&gohub.spec) {
        if reference.kind == references::CONFIG_MAP {
            theirs.config_from = text(context, owner, &reference).await?;
            continue;
        }
        let secret = secret(context, owner, &reference.name).await?;
        let version = secret.as_ref().and_then(|secret| secret.metadata.resource_version.clone());
        match fault(&reference, secret.as_ref()) {
            None => theirs.secrets += &format!("{}.", version.unwrap_or_default()),
            Some(message) => theirs.missing.push(Missing { field: reference.field, message }),
        }
    }
    Ok(theirs)
}

async fn text(context: &Context, owner: &Owner, reference: &Reference) -> Result<Option<String>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), &owner.namespace);
    let found = api.get_opt(&reference.name).await;
    let found = found.map_err(|error| Error::api(format!("get configmaps {:?}", reference.name), error))?;
    let mut data = found.and_then(|map| map.data).unwrap_or_default();
    Ok(reference.keys.iter().find_map(|key| data.remove(key)))
}

async fn secret(context: &Context, owner: &Owner, name: &str) -> Result<Option<Secret>, Error> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &owner.namespace);
    api.get_opt(name).await.map_err(|error| Error::api(format!("get secrets {name:?}"), error))
}

/// What is wrong with it, as far as that can be told without its users: they judge the certificates themselves.
fn fault(reference: &Reference, secret: Option<&Secret>) -> Option<String> {
    let Reference { name, keys, .. } = reference;
    let Some(secret) = secret else {
        return Some(format!("Secret {name:?} with the keys {} does not exist", keys.join(", ")));
    };
    let data = secret.data.clone().unwrap_or_default();
    let absent = keys.iter().find(|key| data.get(*key).is_none_or(|value| value.0.is_empty()))?;
    Some(format!("Secret {name:?} has no key {absent:?}; it must have {}", keys.join(", ")))
}
