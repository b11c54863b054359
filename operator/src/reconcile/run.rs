//! One reconcile, from the look at the cluster to the status.

use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use tokio::time::Instant;

use super::apply::{self, Changed};
use super::context::Context;
use super::error::{Class, Error};
use super::memory::digest;
use super::observe::{self, Found, observe};
use super::observed::Observed;
use super::plan::{Owner, Plan};
use super::publish::{now, publish};
use super::status::{self, Trouble};
use super::validate::validate;
use super::{build, nudge, references, step};
use crate::api::v1alpha1::{EtcdMode, GoHub, GoHubSpec, GoHubStatus};

/// Failures in a row after which a user is told even of what usually heals by itself.
const PATIENCE: u32 = 5;

/// When to look again, if nothing is heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: a step was done, and the next may follow.
    Soon,
    /// In a moment: something is on its way that no watch tells of, such as a hub that loads its configuration.
    Shortly,
    /// Later: everything is as it should be, and only the figures of hubs grow old.
    Later,
    /// Not before somebody changes something.
    Never,
}

/// Looks in a row at which nothing moved, after which it is looked at more seldom: it waits for somebody, and a watch tells of most.
const FUTILE: u32 = 30;

/// Looks at one `GoHub` and does what is next.
///
/// # Errors
/// What kept it from its end; the status says so too where it concerns a user.
pub async fn reconcile(context: &Context, namespace: &str, name: &str) -> Result<Next, Error> {
    let resource = ApiResource::erase::<GoHub>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), namespace, &resource);
    let found = api.get_opt(name).await.map_err(|error| Error::api("get gohubs", error))?;
    let Some(found) = found else {
        context.references.set(namespace, name, Vec::new());
        return Ok(Next::Never);
    };
    let (gohub, unreadable) = read(found);
    context.references.set(namespace, name, references::named_by(&gohub.spec));
    let owner = Owner {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        uid: gohub.metadata.uid.clone().unwrap_or_default(),
    };
    if gohub.metadata.deletion_timestamp.is_some() {
        // Kubernetes collects what it owns. Nothing is made any more, and no finalizer of ours holds it up.
        context.memory.forget(&owner.uid);
        return Ok(Next::Never);
    }
    if context.memory.is_leaving(&owner.uid, Instant::now()) {
        return Ok(Next::Later);
    }
    let done = match unreadable {
        Some(error) => {
            Box::pin(heal_unread(context, &gohub, &owner)).await;
            Err(error.into())
        }
        None => Box::pin(work(context, &gohub, &owner)).await,
    };
    match done {
        Ok(next) => {
            context.memory.succeeded(&owner.uid);
            Ok(next)
        }
        Err(failed) => {
            let times = context.memory.failed(&owner.uid);
            if failed.error.class() == Class::Terminating {
                context.memory.leave(&owner.uid, Instant::now());
            }
            failed.tell(context, &gohub, &owner, times).await;
            Err(failed.error)
        }
    }
}

/// The object as its type; if it is not of that type, as much of it as its status needs. One that cannot be read must not keep others
/// from being looked at, so it is read by itself and here.
fn read(object: DynamicObject) -> (GoHub, Option<Error>) {
    let metadata = object.metadata.clone();
    let status = object.data.get("status").cloned();
    let paused = object.data.pointer("/spec/paused").and_then(serde_json::Value::as_bool);
    match object.try_parse::<GoHub>() {
        Ok(gohub) => (gohub, None),
        Err(error) => {
            let status = status.and_then(|status| serde_json::from_value(status).ok());
            let error = Error::Unreadable(error.to_string());
            let spec = GoHubSpec { paused: paused.unwrap_or_default(), ..GoHubSpec::default() };
            (GoHub { metadata, spec, status }, Some(error))
        }
    }
}

/// An error and what was known when it came.
struct Failed {
    error: Error,
    status: Option<GoHubStatus>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, status: None }
    }
}

impl Failed {
    /// Puts the error into the status, if a user should know of it; and what was seen before it came in any case.
    async fn tell(&self, context: &Context, gohub: &GoHub, owner: &Owner, times: u32) {
        // Where it is it takes nothing any more.
        if matches!(self.error.class(), Class::Terminating | Class::Gone) {
            return;
        }
        let status = match (Trouble::of(&self.error, times >= PATIENCE), &self.status) {
            (Some(trouble), seen) => {
                let base = seen.clone().or_else(|| gohub.status.clone()).unwrap_or_default();
                status::troubled(gohub, base, &trouble, &now(gohub))
            }
            (None, Some(seen)) => seen.clone(),
            (None, None) => return,
        };
        if let Err(error) = publish(context, owner, gohub, &status).await {
            tracing::warn!(%error, "the status could not say what is wrong");
        }
    }
}

async fn work(context: &Context, gohub: &GoHub, owner: &Owner) -> Result<Next, Failed> {
    let (mut observed, mut found) = observe(context, gohub, owner).await?;
    let verdict = validate(gohub, &observed);
    let mut outcome = Outcome::default();
    let mut failed = None;
    match &verdict {
        Ok(plan) => {
            step::complete(plan, &mut observed);
            let spec = digest_without_pause(&gohub.spec);
            if gohub.spec.paused {
                observed.held_back = !context.memory.is_applied(&owner.uid, spec);
            } else {
                match act(context, owner, plan, &mut observed, &mut found, &mut outcome).await {
                    Ok(()) => context.memory.applied(&owner.uid, spec),
                    Err(error) => failed = Some(error),
                }
            }
        }
        Err(invalid) => {
            tracing::info!(%invalid, "the spec is refused: what runs is left alone");
            if gohub.spec.etcd.mode == EtcdMode::Managed && !gohub.spec.paused {
                let healed = step::heal(context, owner, &mut observed, &found).await;
                outcome.stepped = *healed.as_ref().unwrap_or(&false);
                failed = healed.err();
            }
        }
    }
    told(context, owner, &outcome.changes).await;
    let status = status::derive(gohub, &observed, verdict.as_ref(), &now(gohub));
    if let Some(error) = failed {
        return Err(Failed { error, status: Some(status) });
    }
    let published = publish(context, owner, gohub, &status).await?;
    let idle = context.memory.idle(&owner.uid, !published && !outcome.stepped && outcome.changes.is_empty());
    Ok(next(gohub, &status, &outcome, idle))
}

/// What of a spec is applied, as a number.
fn digest_without_pause(spec: &GoHubSpec) -> u64 {
    let spec = GoHubSpec { paused: false, ..spec.clone() };
    digest(serde_json::to_string(&spec).unwrap_or_default())
}

/// Heals the etcd cluster of one whose spec cannot even be read. That it cannot be read is told, and not what else fails.
async fn heal_unread(context: &Context, gohub: &GoHub, owner: &Owner) {
    if gohub.spec.paused {
        return;
    }
    let healed = match observe(context, gohub, owner).await {
        Ok((mut observed, found)) => step::heal(context, owner, &mut observed, &found).await,
        Err(error) => Err(error),
    };
    if let Err(error) = healed {
        tracing::warn!(%error, "etcd could not be looked after");
    }
}

/// What was done.
#[derive(Default)]
struct Outcome {
    changes: Vec<Changed>,
    stepped: bool,
    behind: bool,
}

/// Applies, does one step of etcd, and touches hubs that are behind. What etcd needs comes first: nothing of the hubs may keep it from
/// healing.
async fn act(
    context: &Context,
    owner: &Owner,
    plan: &Plan,
    observed: &mut Observed,
    found: &mut Found,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let (first, then) = apply::in_order(build::build(plan))?;
    let names = apply::names(first.iter().chain(&then));
    apply::apply(context, owner, first, found, &mut outcome.changes).await?;
    // A step that fails is told below: a new configuration of the hubs does not wait for etcd.
    let stepped = step::one(context, plan, observed).await;
    apply::apply(context, owner, then, found, &mut outcome.changes).await?;
    apply::prune(context, owner, &names, found, &mut outcome.changes).await?;
    // As it is after the apply: the status must not speak of the template before.
    observed.deployment = found.deployment().map(|deployment| observe::deployment_facts(&deployment, found));
    // Not in the same breath as the file: kubelet looks at once, and must have heard of the new file by then.
    let just_written = outcome.changes.iter().any(|changed| matches!(changed.kind.as_str(), "ConfigMap" | "Secret"));
    if !just_written {
        outcome.behind = nudge::nudge(context, owner, found, observed, &plan.config.hash).await?;
    }
    outcome.stepped = stepped?;
    Ok(())
}

async fn told(context: &Context, owner: &Owner, changes: &[Changed]) {
    for changed in changes {
        context.metrics.changed(changed.change.as_str());
    }
    context.events.reverted(owner, changes).await;
}

fn next(gohub: &GoHub, status: &GoHubStatus, outcome: &Outcome, idle: u32) -> Next {
    let holds = |kind: &str| status.conditions.iter().any(|found| found.type_ == kind && found.status == "True");
    let settled = holds("Ready") || gohub.spec.paused || gohub.spec.hub.replicas == 0;
    match (outcome.stepped || !outcome.changes.is_empty(), outcome.behind || !settled) {
        (true, _) => Next::Soon,
        (false, true) if idle < FUTILE => Next::Shortly,
        (false, _) => Next::Later,
    }
}
