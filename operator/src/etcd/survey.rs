//! What there is of a managed etcd cluster: its pods and volumes from the API server, its members from themselves.
//!
//! Everything is read anew: a decision that removes something must not follow from what was true a while ago. All members are asked at
//! once and for a bounded time, so one that is dead costs a reconcile seconds and no more.

mod poll;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod as KubePod, Secret};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, ListParams};
use kube::{Client, Resource, ResourceExt};

use super::connect::Connector;
use super::plan::{Home, Member, Observation, Pod};
use crate::api::v1alpha1::{GoHub, PvcPolicy};
use crate::reconcile::build::meta::{self, Component};
use crate::reconcile::build::{etcd_member, secrets};
use crate::reconcile::plan::{EtcdCluster, Owner};
use crate::reconcile::validate::quantity;

/// What could not be read. Members that do not answer are no error: that is what is to be found out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or did not answer.
    #[error("cannot read the {what} of the etcd cluster: {source}")]
    Read {
        /// Which kind of object.
        what: &'static str,
        /// What the API server said.
        source: Box<kube::Error>,
    },
}

/// What there is now.
///
/// # Errors
/// If the API server cannot be asked.
pub async fn survey(client: &Client, cluster: EtcdCluster<'_>, connector: &Connector) -> Result<Observation, Error> {
    let EtcdCluster { owner, spec, .. } = cluster;
    let failed = |what| move |source| Error::Read { what, source: Box::new(source) };
    let ours = ListParams::default().labels(&meta::selector_text(owner, Component::Etcd));
    let (pods, claims, authority) = (
        Api::<KubePod>::namespaced(client.clone(), &owner.namespace),
        Api::<PersistentVolumeClaim>::namespaced(client.clone(), &owner.namespace),
        Api::<Secret>::namespaced(client.clone(), &owner.namespace),
    );
    let authority_name = meta::name(owner, secrets::AUTHORITY);
    let (pods, volumes, authority) =
        futures::join!(pods.list(&ours), claims.list(&ours), authority.get_opt(&authority_name));
    let pods = pods.map_err(failed("pods"))?.items;
    let mut volumes = volumes.map_err(failed("volumes"))?.items;
    let authority = authority.map_err(failed("authority"))?.filter(|secret| is_owned(owner, secret));

    let reachable = pods.iter().filter(|pod| has_address(pod));
    let running: BTreeSet<String> = reachable.filter_map(|pod| member_of(owner, pod)).collect();
    let answers = poll::ask_all(connector, &running).await;
    let members = poll::members(&answers, connector.addresses());
    let found = without_label(&claims, owner, members.as_deref(), &volumes).await;
    volumes.extend(found.map_err(failed("volumes"))?);
    let template = etcd_member::template_hash(cluster);
    Ok(Observation {
        wanted: usize::try_from(spec.replicas).unwrap_or_default(),
        bootstrapped: secrets::is_bootstrapped(authority.as_ref()),
        homes: homes(cluster, &template, &pods, &volumes, members.as_deref()),
        template,
        alarm: poll::alarm(&answers),
        quota: poll::quota(&answers).unwrap_or_else(|| etcd_member::quota(&spec.storage.size)),
        members,
    })
}

/// The volumes of members from which somebody took our labels. A member whose volume is not seen would be taken for one that has lost its
/// data, and be removed.
async fn without_label(
    claims: &Api<PersistentVolumeClaim>,
    owner: &Owner,
    members: Option<&[Member]>,
    listed: &[PersistentVolumeClaim],
) -> kube::Result<Vec<PersistentVolumeClaim>> {
    let mut found = Vec::new();
    for member in members.unwrap_or_default() {
        let name = etcd_member::name(owner, &member.name);
        if !listed.iter().any(|volume| volume.name_any() == name) {
            found.extend(claims.get_opt(&name).await?);
        }
    }
    Ok(found)
}

/// Whether an object belongs to this `GoHub`, or to none because somebody took its owner away. One of an older `GoHub` of the same name
/// does not: it is about to be collected.
fn is_owned(owner: &Owner, object: &impl ResourceExt) -> bool {
    let owners = object.owner_references();
    owners.is_empty() || owners.iter().any(|reference| reference.uid == owner.uid)
}

/// Whether a volume is being deleted, or will be: that of an older `GoHub` of the same name is collected with it.
pub(super) fn is_going(owner: &Owner, volume: &PersistentVolumeClaim) -> bool {
    let namesake = |reference: &OwnerReference| {
        reference.kind == GoHub::kind(&()) && reference.name == owner.name && reference.uid != owner.uid
    };
    volume.metadata.deletion_timestamp.is_some() || volume.owner_references().iter().any(namesake)
}

fn member_of(owner: &Owner, object: &impl ResourceExt) -> Option<String> {
    etcd_member::member_of(owner, &object.name_any())
}

/// Pods and volumes by member.
fn homes(
    cluster: EtcdCluster<'_>,
    newest: &str,
    pods: &[KubePod],
    volumes: &[PersistentVolumeClaim],
    members: Option<&[Member]>,
) -> BTreeMap<String, Home> {
    let EtcdCluster { owner, spec, .. } = cluster;
    let mut homes: BTreeMap<String, Home> = BTreeMap::new();
    for volume in volumes {
        let Some(name) = member_of(owner, volume) else { continue };
        let labels = etcd_member::volume(cluster, &name).metadata.labels.unwrap_or_default();
        // One that goes keeps its name taken, and no new pod may count on it.
        let home = homes.entry(name).or_default();
        home.volume = !is_going(owner, volume);
        home.small = is_small(volume, &spec.storage.size);
        let goes = volume.owner_references().iter().any(|one| one.uid == owner.uid);
        home.stray = goes != (spec.storage.when_deleted == PvcPolicy::Delete)
            || labels.iter().any(|(key, value)| volume.labels().get(key) != Some(value));
    }
    for pod in pods {
        let Some(name) = member_of(owner, pod) else { continue };
        let template = pod.annotations().get(meta::TEMPLATE).cloned().unwrap_or_default();
        let stuck = template != newest && does_not_come_up(pod);
        let useless = has_ended(pod) || stuck || is_misinformed(owner, pod, &name, members);
        let terminating = pod.metadata.deletion_timestamp.is_some() || !is_owned(owner, pod);
        homes.entry(name).or_default().pod = Some(Pod { template, terminating, useless });
    }
    homes
}

/// Whether the claim asks for less than that.
fn is_small(volume: &PersistentVolumeClaim, size: &str) -> bool {
    let requests = volume.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    let asked = requests.and_then(|requests| quantity(requests.get("storage")?));
    asked.is_some_and(|asked| quantity(&Quantity(size.to_owned())).is_some_and(|size| asked < size))
}

/// One without is not asked: a resolver remembers for a while that a name did not exist when it was asked for.
fn has_address(pod: &KubePod) -> bool {
    pod.status.as_ref().is_none_or(|status| status.pod_ip.is_some())
}

/// Evicted by its node, for instance: such a pod stays, and nothing runs in it.
fn has_ended(pod: &KubePod) -> bool {
    matches!(phase(pod), Some("Failed" | "Succeeded"))
}

/// No node takes it, its image cannot be had, or its etcd ends again and again.
fn does_not_come_up(pod: &KubePod) -> bool {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut states = containers.filter_map(|container| container.state.as_ref());
    phase(pod) == Some("Pending") || states.any(|state| state.waiting.is_some())
}

fn phase(pod: &KubePod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

/// It is to join a cluster whose members are others by now.
fn is_misinformed(owner: &Owner, pod: &KubePod, name: &str, members: Option<&[Member]>) -> bool {
    let members = members.unwrap_or_default();
    let is_new = members.iter().any(|member| member.name == *name && member.unstarted);
    let listed: BTreeSet<String> = members.iter().map(|member| member.name.clone()).collect();
    is_new && etcd_member::peers_of(owner, pod) != listed
}
