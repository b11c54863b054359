//! `Desired` into the cluster: server-side apply by one field manager, in a written order, and what is no longer wanted is pruned.
//!
//! ```text
//! wanted + live -> settled? -> nothing is sent
//!                  else     -> apply -> conflict? -> taken back a few times, then whoever writes it is named
//! ```
//! An object is settled when the same was asked for last time and our part of the live one is as it was then. What the API server makes of
//! it (defaults, another spelling of a quantity) is thus never mistaken for a difference, and a steady state sends nothing.

mod order;
mod our_part;
mod ownership;
mod prune;
mod replicas;

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use tokio::time::Instant;

use super::context::Context;
use super::error::{Class, Error, class_of};
use super::memory::{Settled, digest};
use super::observe::{self, Found};
use super::plan::Owner;

pub use order::{Wanted, in_order};
pub use prune::{Names, names, prune};

/// Whose fields the objects' fields are.
pub const FIELD_MANAGER: &str = "gohub-operator";

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// Something else was asked for than before.
    Updated,
    /// Somebody had changed it.
    Reverted,
    /// It is no longer wanted.
    Deleted,
}

impl Change {
    /// The change as a label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Reverted => "reverted",
            Self::Deleted => "deleted",
        }
    }
}

/// A change and the object it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was done.
    pub change: Change,
    /// The object's kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Applies the objects one after the other; `found` then has them as they are now.
///
/// # Errors
/// The first that was not taken; the ones before it stay.
pub async fn apply(
    context: &Context,
    owner: &Owner,
    wanted: Vec<Wanted>,
    found: &mut Found,
    changes: &mut Vec<Changed>,
) -> Result<(), Error> {
    for wanted in wanted {
        apply_one(context, owner, wanted, found, changes).await?;
    }
    Ok(())
}

async fn apply_one(
    context: &Context,
    owner: &Owner,
    mut wanted: Wanted,
    found: &mut Found,
    changes: &mut Vec<Changed>,
) -> Result<(), Error> {
    let (kind, name) = (wanted.resource.kind.clone(), wanted.name.clone());
    if found.get(&kind, &name).is_none()
        && let Some(unlabelled) = observe::get(context, owner, &wanted.resource, &name).await?
    {
        found.add(unlabelled);
    }
    let live = found.get(&kind, &name);
    if let Some(live) = live {
        ownership::check(owner, live)?;
    }
    replicas::leave_to_autoscaler(&mut wanted, live, found.scaled_by_other);
    let asked = digest(wanted.body.to_string());
    let before = context.memory.settled(&owner.uid, &kind, &name).filter(|settled| settled.wanted == asked);
    let was = live.map(|live| our_part::digest_of(live, &wanted.body));
    if was.is_some() && was == before.map(|before| before.seen) {
        return Ok(());
    }
    let written = write(context, owner, &wanted, live).await?;
    let is = our_part::digest_of(&written, &wanted.body);
    let change = match was {
        None => Some(Change::Created),
        Some(was) if was == is => None,
        Some(_) if before.is_some() => Some(Change::Reverted),
        Some(_) => Some(Change::Updated),
    };
    context.memory.settle(&owner.uid, &kind, &name, Settled { wanted: asked, seen: is });
    if let Some(change) = change {
        tracing::info!(kind, name, ?change, "applied");
        changes.push(Changed { change, kind, name });
    }
    found.add(written);
    Ok(())
}

/// Sends the object. A field that somebody else took is taken back, unless that has become a habit.
async fn write(
    context: &Context,
    owner: &Owner,
    wanted: &Wanted,
    live: Option<&DynamicObject>,
) -> Result<DynamicObject, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), &owner.namespace, &wanted.resource);
    let action = || format!("apply {} {:?}", wanted.resource.kind, wanted.name);
    let params = PatchParams::apply(FIELD_MANAGER);
    let answer = api.patch(&wanted.name, &params, &Patch::Apply(&wanted.body)).await;
    let error = match answer {
        Ok(written) => return Ok(typed(written, wanted)),
        Err(error) if class_of(&error) == Class::Conflict => error,
        Err(error) => return Err(Error::api(action(), error)),
    };
    let conflict = ownership::Conflict::of(&error);
    // Without a field there is nothing to take back: another precondition failed, and the next look will tell.
    let Some(conflict) = conflict.filter(|_| live.is_some()) else { return Err(Error::api(action(), error)) };
    let (kind, name) = (&wanted.resource.kind, &wanted.name);
    let scaled = conflict.fields.iter().any(|field| field == ".spec.replicas") && conflict.by_scale;
    if scaled || !context.memory.may_take_back(&owner.uid, kind, name, Instant::now()) {
        return Err(conflict.into_error(kind, name));
    }
    tracing::warn!(kind, name, managers = conflict.managers(), fields = conflict.fields(), "taking fields back");
    let forced = api.patch(name, &params.force(), &Patch::Apply(&wanted.body)).await;
    forced.map(|written| typed(written, wanted)).map_err(|error| Error::api(action(), error))
}

fn typed(mut object: DynamicObject, wanted: &Wanted) -> DynamicObject {
    let types =
        kube::api::TypeMeta { api_version: wanted.resource.api_version.clone(), kind: wanted.resource.kind.clone() };
    object.types = Some(types);
    object
}
