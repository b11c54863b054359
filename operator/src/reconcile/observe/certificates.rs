//! The managed etcd cluster: its certificates, and with them its members.

use std::time::SystemTime;

use super::found::Found;
use super::keys::secret;
use crate::api::v1alpha1::Managed;
use crate::etcd::connect::Connector;
use crate::etcd::pki;
use crate::etcd::plan::Observation;
use crate::etcd::survey::{self, survey};
use crate::reconcile::build::secrets;
use crate::reconcile::context::Context;
use crate::reconcile::error::{Error, class_of};
use crate::reconcile::observed::Certificates;
use crate::reconcile::plan::{EtcdCluster, Owner};

/// The certificates, renewed when due, and what the members that were asked with the present ones said.
pub(super) async fn of(
    context: &Context,
    owner: &Owner,
    spec: &Managed,
    found: &mut Found,
) -> Result<(Certificates, Observation), Error> {
    let authority = secret(context, owner, found, secrets::AUTHORITY).await?;
    let member = secret(context, owner, found, secrets::MEMBER_TLS).await?;
    let client = secret(context, owner, found, secrets::CLIENT_TLS).await?;
    let refused = |error: pki::Error| Error::Certificates(error.to_string());
    let now = SystemTime::now();
    let present = match secrets::certificates(authority.as_ref(), member.as_ref(), client.as_ref()) {
        Some(certificates) => certificates,
        None => pki::issue(owner, now).map_err(refused)?,
    };
    let cluster = EtcdCluster { owner, family: context.family, spec, certificates: &present };
    let connector = Connector::new(owner, &present);
    let seen = survey(&context.client, cluster, &connector).await.map_err(|error| {
        let survey::Error::Read { source, .. } = &error;
        Error::Etcd { message: error.to_string(), class: class_of(source) }
    })?;
    let renewed = pki::renew(owner, &present, seen.is_rolled(), now).map_err(refused)?;
    Ok((renewed.unwrap_or(present), seen))
}
