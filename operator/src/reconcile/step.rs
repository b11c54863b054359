//! One step of the managed etcd cluster, between two looks at it.

use super::build::etcd_member;
use super::context::Context;
use super::error::{Class, Error, class_of};
use super::observed::Observed;
use super::plan::Plan;
use crate::etcd;
use crate::etcd::connect::Connector;
use crate::etcd::execute::{self, Performed, execute};
use crate::etcd::plan::Step;

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
    let step = etcd::next(&observed.etcd);
    if matches!(step, Step::Done | Step::Wait(_)) {
        return Ok(false);
    }
    let connector = Connector::new(cluster.owner, cluster.certificates);
    match Box::pin(execute(&context.client, plan, &step, &connector)).await {
        Ok(Performed::Changed | Performed::Already) => Ok(true),
        Ok(Performed::NotYet(_)) => Ok(false),
        Err(error) => Err(Error::Etcd { message: error.to_string(), class: class(&error) }),
    }
}

fn class(error: &execute::Error) -> Class {
    match error {
        execute::Error::Kubernetes { source, .. } => class_of(source),
        execute::Error::Survey(etcd::survey::Error::Read { source, .. }) => class_of(source),
        execute::Error::Etcd { .. } | execute::Error::TimedOut { .. } => Class::Transient,
    }
}
