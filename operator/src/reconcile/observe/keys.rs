//! The keys of hubs and operator: those of their Secret, or new ones, and never new ones over old ones.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ApiResource;

use super::found::Found;
use crate::reconcile::build::{meta, secrets};
use crate::reconcile::context::Context;
use crate::reconcile::error::Error;
use crate::reconcile::observed::Keys;
use crate::reconcile::plan::Owner;

/// Bytes of a key.
const LENGTH: usize = 32;

pub(super) async fn of(context: &Context, owner: &Owner, found: &mut Found) -> Result<Keys, Error> {
    let secret = secret(context, owner, found, secrets::KEYS).await?;
    Ok(Keys { peer: kept(secret.as_ref(), secrets::PEER_KEY)?, admin: kept(secret.as_ref(), secrets::ADMIN_KEY)? })
}

/// A Secret of ours. If none bears our label it is asked for by name, because somebody may have taken the label away.
pub(super) async fn secret(
    context: &Context,
    owner: &Owner,
    found: &mut Found,
    suffix: &str,
) -> Result<Option<Secret>, Error> {
    let name = meta::name(owner, suffix);
    if found.get("Secret", &name).is_none()
        && let Some(object) = super::get(context, owner, &ApiResource::erase::<Secret>(&()), &name).await?
    {
        found.add(object);
    }
    Ok(found.own_secret(owner, &name))
}

/// The key that is there, or a new one.
fn kept(secret: Option<&Secret>, key: &str) -> Result<String, Error> {
    let found = secret.and_then(|secret| secret.data.as_ref()?.get(key));
    let found = found.and_then(|ByteString(bytes)| String::from_utf8(bytes.clone()).ok());
    match found.filter(|key| !key.is_empty()) {
        Some(key) => Ok(key),
        None => fresh(),
    }
}

fn fresh() -> Result<String, Error> {
    let mut bytes = [0_u8; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
