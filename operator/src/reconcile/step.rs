//! One step of the managed etcd cluster, between two looks at it.

use super::build::{etcd_member, meta, secrets};
use super::context::Context;
use super::error::{Class, Error, class_of};
use super::observe::Found;
use super::observed::Observed;
use super::plan::{EtcdCluster, Owner, Plan};
use crate::etcd;
use crate::etcd::connect::Connector;
use crate::etcd::execute::{self, Performed, execute};
use crate::etcd::plan::{Observation, Step};
use crate::etcd::survey::{self, survey};

/// Adds what only the plan tells to what was seen of the cluster.
pub(super) fn complete(plan: &Plan, observed: &mut Observed) {
    if let Some(cluster) = plan.etcd_cluster() {
        observed.etcd.wanted = usize::try_from(cluster.spec.replicas).unwrap_or_default();
        observed.etcd.template = etcd_member::template_hash(cluster);
    }
}

/// Does the next step, if there is one; whether something was done.
///
/// # Errors
/// If it failed. The next look finds how far it came.
pub(super) async fn one(context: &Context, plan: &Plan, observed: &Observed) -> Result<bool, Error> {
    let Some(cluster) = plan.etcd_cluster() else { return Ok(false) };
    perform(context, cluster, &observed.etcd).await
}

/// Does the next step by the spec that was valid last, while a newer one is refused: whatever is wrong with that, members that are lost
/// come back. Nothing is applied, so the certificates are those that there are.
///
/// # Errors
/// If it failed.
pub(super) async fn heal(
    context: &Context,
    owner: &Owner,
    observed: &mut Observed,
    found: &Found,
) -> Result<bool, Error> {
    let secret = |suffix| found.own_secret(owner, &meta::name(owner, suffix));
    let [authority, member, client] = [secrets::AUTHORITY, secrets::MEMBER_TLS, secrets::CLIENT_TLS].map(secret);
    let present = secrets::certificates(authority.as_ref(), member.as_ref(), client.as_ref());
    let (Some(spec), Some(certificates)) = (secrets::last_good(authority.as_ref()), present) else { return Ok(false) };
    let cluster = EtcdCluster { owner, family: context.family, spec: &spec, certificates: &certificates };
    let seen = survey(&context.client, cluster, &Connector::new(owner, &certificates)).await;
    observed.etcd = seen.map_err(|error| {
        let survey::Error::Read { source, .. } = &error;
        Error::Etcd { message: error.to_string(), class: class_of(source) }
    })?;
    perform(context, cluster, &observed.etcd).await
}

async fn perform(context: &Context, cluster: EtcdCluster<'_>, seen: &Observation) -> Result<bool, Error> {
    let step = etcd::next(seen);
    if matches!(step, Step::Done | Step::Wait(_)) {
        return Ok(false);
    }
    // What is sent to etcd itself does not pass the client.
    if !context.fence.is_open() {
        return Ok(false);
    }
    let connector = Connector::new(cluster.owner, cluster.certificates);
    match Box::pin(execute(&context.client, cluster, &step, &connector)).await {
        Ok(Performed::Changed) => {
            let (reason, note) = words(&step);
            context.events.stepped(cluster.owner, reason, note).await;
            Ok(true)
        }
        Ok(Performed::Already) => Ok(true),
        Ok(Performed::NotYet(_)) => Ok(false),
        Err(error) => Err(Error::Etcd { message: error.to_string(), class: class(&error) }),
    }
}

/// What a step is called in an event, and which member it was about.
fn words(step: &Step) -> (&'static str, String) {
    match step {
        Step::Done | Step::Wait(_) => ("EtcdWaiting", "nothing was done".to_owned()),
        Step::Bootstrap { name } => ("EtcdBootstrapped", format!("member {name} begins the cluster")),
        Step::CreatePod { name, .. } => ("EtcdPodCreated", format!("the pod of member {name} was made")),
        Step::AddLearner { name } => ("EtcdMemberAdded", format!("member {name} joins and does not vote yet")),
        Step::Promote { id } => ("EtcdMemberPromoted", format!("member {id:x} votes")),
        Step::MoveLeader { from, to } => ("EtcdLeaderMoved", format!("member {to:x} leads instead of {from:x}")),
        Step::RemoveMember { id, name } => ("EtcdMemberRemoved", format!("member {name} ({id:x}) was removed")),
        Step::DeleteHome { name } => ("EtcdMemberDeleted", format!("what was left of member {name} was deleted")),
        Step::RestartPod { name } => ("EtcdPodRestarted", format!("the pod of member {name} is made anew")),
        Step::OwnVolume { name } => {
            ("EtcdVolumeOwned", format!("the volume of member {name} has its owner and labels as they should be"))
        }
        Step::GrowVolume { name } => ("EtcdVolumeGrown", format!("the volume of member {name} was asked to grow")),
        Step::Defragment { name } => ("EtcdDefragmented", format!("member {name} gave back free space")),
        Step::Recount => ("EtcdRecounted", "etcd was made to count its free space".to_owned()),
        Step::Disarm => ("EtcdAlarmDisarmed", "there is space again".to_owned()),
    }
}

fn class(error: &execute::Error) -> Class {
    match error {
        execute::Error::Kubernetes { source, .. } => class_of(source),
        execute::Error::Survey(survey::Error::Read { source, .. }) => class_of(source),
        execute::Error::Etcd { .. } | execute::Error::TimedOut { .. } => Class::Transient,
    }
}
