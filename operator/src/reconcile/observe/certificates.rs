//! The certificates of the managed etcd cluster: those of its Secrets, renewed when due, or new ones.

use super::found::Found;
use crate::reconcile::context::Context;
use crate::reconcile::error::Error;
use crate::reconcile::observed::Certificates;
use crate::reconcile::plan::Owner;

/// The certificates. Until `etcd::pki` lands there are none, and no managed cluster comes up.
pub(super) async fn of(_context: &Context, _owner: &Owner, _found: &mut Found) -> Result<Certificates, Error> {
    Ok(Certificates::default())
}
