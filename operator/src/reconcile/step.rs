//! One step of the managed etcd cluster, between two looks at it.

use super::build::etcd_member;
use super::context::Context;
use super::error::Error;
use super::observed::Observed;
use super::plan::{Etcd, Owner, Plan};

/// Adds what only the plan tells to what was seen of the cluster.
pub(super) fn complete(plan: &Plan, observed: &mut Observed) {
    if let Etcd::Managed { spec, .. } = &plan.etcd {
        observed.etcd.wanted = usize::try_from(spec.replicas).unwrap_or_default();
        observed.etcd.template = etcd_member::template_hash(plan, spec);
    }
}

/// Does the next step, if there is one; whether something was done.
///
/// # Errors
/// If it failed. The next look finds how far it came.
pub(super) async fn one(_context: &Context, _owner: &Owner, plan: &Plan, _observed: &Observed) -> Result<bool, Error> {
    match &plan.etcd {
        Etcd::Disabled | Etcd::External(_) => Ok(false),
        Etcd::Managed { .. } => Ok(false),
    }
}
