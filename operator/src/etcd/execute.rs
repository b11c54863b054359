//! Carries out **one** step, if it still follows from what there is now.
//!
//! ```text
//! survey again -> next again -> the same step? -> do it        else NotYet: somebody decides anew
//! ```
//! The step was decided from what was seen some time ago, perhaps by an operator that has lost its lease since. So everything is read
//! once more, and decided once more, right before anything is done; what is deleted is named by uid and resource version on top of that.
//! A step that was done already, by whomever, counts as done.

mod homes;
mod members;

use std::time::Duration;

use kube::Client;

use super::connect::Connector;
use super::next;
use super::plan::{Observation, Step};
use super::survey::{self, survey};
use crate::reconcile::plan::EtcdCluster;

/// What became of the step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// It was done: look again soon.
    Changed,
    /// Nothing was left to do.
    Already,
    /// It cannot be done now, and why.
    NotYet(String),
}

/// What failed. Whatever it was may have taken effect all the same: the next look tells.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was nothing to decide by.
    #[error(transparent)]
    Survey(#[from] survey::Error),
    /// The API server refused.
    #[error("cannot {action}: {source}")]
    Kubernetes {
        /// What was to be done.
        action: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// etcd refused.
    #[error("cannot {action}: {source}")]
    Etcd {
        /// What was to be done.
        action: String,
        /// What etcd said.
        source: Box<etcd_client::Error>,
    },
    /// etcd did not answer.
    #[error("cannot {action}: no answer within {patience:?}")]
    TimedOut {
        /// What was to be done.
        action: String,
        /// How long it was waited for.
        patience: Duration,
    },
}

/// What every step needs.
struct Scene<'a> {
    client: &'a Client,
    cluster: EtcdCluster<'a>,
    connector: &'a Connector,
    seen: &'a Observation,
}

/// Does the step.
///
/// # Errors
/// If the API server or etcd refuses, or does not answer in time.
pub async fn execute(
    client: &Client,
    cluster: EtcdCluster<'_>,
    step: &Step,
    connector: &Connector,
) -> Result<Performed, Error> {
    if matches!(step, Step::Done | Step::Wait(_)) {
        return Ok(Performed::Already);
    }
    let seen = survey(client, cluster, connector).await?;
    let now = next(&seen);
    if now != *step {
        return Ok(Performed::NotYet(format!("the next step is {now:?} by now")));
    }
    let scene = Scene { client, cluster, connector, seen: &seen };
    let performed = match step {
        Step::Bootstrap { name } => homes::bootstrap(&scene, name).await,
        Step::CreatePod { name, start } => homes::create_pod(&scene, name, *start).await,
        Step::DeleteHome { name } => homes::delete(&scene, name).await,
        Step::RestartPod { name } => homes::restart(&scene, name).await,
        Step::GrowVolume { name } => homes::grow(&scene, name).await,
        Step::OwnVolume { name } => homes::own(&scene, name).await,
        Step::AddLearner { name } => members::add_learner(&scene, name).await,
        Step::Promote { id } => members::promote(&scene, *id).await,
        Step::MoveLeader { from, to } => members::move_leader(&scene, *from, *to).await,
        Step::RemoveMember { id, .. } => Box::pin(members::remove(&scene, *id)).await,
        Step::Defragment { name } => members::defragment(&scene, name).await,
        Step::Recount => Box::pin(members::recount(&scene)).await,
        Step::Disarm => Box::pin(members::disarm(&scene)).await,
        Step::Done | Step::Wait(_) => Ok(Performed::Already),
    }?;
    tracing::info!(gohub = %cluster.owner.name, namespace = %cluster.owner.namespace, ?step, ?performed, "etcd step");
    Ok(performed)
}
