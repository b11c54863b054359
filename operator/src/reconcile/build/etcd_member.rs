//! One member of the managed etcd cluster: its pod and its volume.
//!
//! Pods of our own and no StatefulSet, which cannot take away a member from the middle. etcd's arguments are the same for a pod that
//! comes back: over data it ignores how a cluster was begun, so a member is made again from its name alone.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, HTTPGetAction, PersistentVolumeClaim, PersistentVolumeClaimSpec,
    PersistentVolumeClaimVolumeSource, Pod, PodSpec, Probe, SecretVolumeSource, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::etcd_service::{
    CLIENT_PORT, METRICS_PORT, PEER_PORT, member_client_url, member_peer_url, peer_common_name, peer_name,
};
use super::meta::{self, Component};
use super::{restrictions, secrets};
use crate::api::v1alpha1::{Managed, PvcPolicy};
use crate::etcd::plan::Start;
use crate::reconcile::plan::{EtcdCluster, Owner};

const DATA: &str = "/var/lib/etcd";
const TLS: &str = "/etc/etcd/tls";
/// The argument with the members that an etcd without data joins, itself included.
const INITIAL_CLUSTER: &str = "--initial-cluster=";
/// Seconds for a member to hand on the lead and close its files.
const GRACE: i64 = 30;

/// The name of a member's pod and volume.
#[must_use]
pub fn name(owner: &Owner, member: &str) -> String {
    meta::name(owner, &suffix(member))
}

/// The member whose pod or volume has this name.
#[must_use]
pub fn member_of(owner: &Owner, name: &str) -> Option<String> {
    let member = name.strip_prefix(&meta::name(owner, &suffix("")))?;
    (!member.is_empty() && member.bytes().all(|byte| byte.is_ascii_digit())).then(|| member.to_owned())
}

/// The members that a pod's etcd expects to join; none if it says nothing about it.
#[must_use]
pub fn peers_of(owner: &Owner, pod: &Pod) -> BTreeSet<String> {
    let arguments =
        pod.spec.iter().flat_map(|spec| &spec.containers).flat_map(|container| container.args.iter().flatten());
    let cluster =
        arguments.filter_map(|argument| argument.strip_prefix(INITIAL_CLUSTER)).flat_map(|list| list.split(','));
    cluster.filter_map(|entry| member_of(owner, entry.split_once('=')?.0)).collect()
}

fn suffix(member: &str) -> String {
    format!("etcd-{member}")
}

/// The member's volume. It outlives its `GoHub` unless the spec says otherwise: what it holds cannot be made again.
#[must_use]
pub fn volume(cluster: EtcdCluster<'_>, member: &str) -> PersistentVolumeClaim {
    let EtcdCluster { owner, spec, .. } = cluster;
    let mut metadata = match spec.storage.when_deleted {
        PvcPolicy::Retain => meta::unowned(owner, &suffix(member), Component::Etcd),
        PvcPolicy::Delete => meta::owned(owner, &suffix(member), Component::Etcd),
    };
    metadata.labels.get_or_insert_default().insert(meta::MEMBER.to_owned(), member.to_owned());
    let size = Quantity(spec.storage.size.clone());
    PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: spec.storage.class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), size)].into()),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

/// The member's pod. `peers` are the names of all members it is to know when its volume is empty, itself included.
#[must_use]
pub fn pod(cluster: EtcdCluster<'_>, member: &str, start: Start, peers: &[&str]) -> Pod {
    let EtcdCluster { owner, spec, .. } = cluster;
    let mut metadata = meta::owned(owner, &suffix(member), Component::Etcd);
    metadata.labels.get_or_insert_default().insert(meta::MEMBER.to_owned(), member.to_owned());
    metadata.annotations = Some([(meta::TEMPLATE.to_owned(), template_hash(cluster))].into());
    let mut pod_spec = template(owner, spec);
    pod_spec.hostname = Some(name(owner, member));
    for volume in pod_spec.volumes.iter_mut().flatten() {
        if let Some(claim) = &mut volume.persistent_volume_claim {
            claim.claim_name = name(owner, member);
        }
    }
    for container in &mut pod_spec.containers {
        container.args = Some(arguments(cluster, member, start, peers));
    }
    Pod { metadata, spec: Some(pod_spec), status: None }
}

/// What two members share: hashed, so that a member of an older template is known from its annotation. The trusted authorities are part of
/// it, which etcd reads only when it starts.
#[must_use]
pub fn template_hash(cluster: EtcdCluster<'_>) -> String {
    // A pod's JSON form has sorted maps, so the same template has the same text.
    let template = serde_json::to_string(&template(cluster.owner, cluster.spec)).unwrap_or_default();
    let text = [template, tuning(cluster).join(" "), cluster.certificates.authorities.trusted()].concat();
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

fn template(owner: &Owner, spec: &Managed) -> PodSpec {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    };
    let port = |name: &str, number| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        ..ContainerPort::default()
    };
    let container = Container {
        name: "etcd".to_owned(),
        image: Some(spec.image.clone()),
        command: Some(vec!["etcd".to_owned()]),
        ports: Some(vec![port("client", CLIENT_PORT), port("peer", PEER_PORT), port("metrics", METRICS_PORT)]),
        resources: Some(spec.resources.clone()),
        volume_mounts: Some(vec![mount("data", DATA, false), mount("tls", TLS, true)]),
        security_context: Some(restrictions::container()),
        readiness_probe: Some(probe("/readyz", 5, 3)),
        // Not /health, which fails without a majority: restarting the members that are left would not bring one back.
        liveness_probe: Some(probe("/livez", 10, 6)),
        startup_probe: Some(probe("/livez", 2, 150)),
        ..Container::default()
    };
    let tls = SecretVolumeSource {
        secret_name: Some(meta::name(owner, secrets::MEMBER_TLS)),
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    PodSpec {
        containers: vec![container],
        volumes: Some(vec![
            Volume {
                name: "data".to_owned(),
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource::default()),
                ..Volume::default()
            },
            Volume { name: "tls".to_owned(), secret: Some(tls), ..Volume::default() },
        ]),
        subdomain: Some(peer_name(owner)),
        service_account_name: Some(owner.name.clone()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE),
        security_context: Some(restrictions::pod()),
        affinity: Some(restrictions::apart(owner, Component::Etcd)),
        topology_spread_constraints: Some(restrictions::spread(owner, Component::Etcd)),
        node_selector: Some(spec.node_selector.clone()).filter(|map| !map.is_empty()),
        tolerations: Some(spec.tolerations.clone()).filter(|list| !list.is_empty()),
        ..PodSpec::default()
    }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("metrics".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

fn arguments(cluster: EtcdCluster<'_>, member: &str, start: Start, peers: &[&str]) -> Vec<String> {
    let (owner, any) = (cluster.owner, cluster.family.any());
    let entry = |peer: &&str| format!("{}={}", name(owner, peer), member_peer_url(owner, peer));
    let everybody: Vec<String> = peers.iter().map(entry).collect();
    let state = match start {
        Start::New => "new",
        Start::Existing => "existing",
    };
    let mut arguments = vec![
        format!("--name={}", name(owner, member)),
        format!("--listen-client-urls=https://{any}:{CLIENT_PORT}"),
        format!("--listen-peer-urls=https://{any}:{PEER_PORT}"),
        format!("--advertise-client-urls={}", member_client_url(owner, member)),
        format!("--initial-advertise-peer-urls={}", member_peer_url(owner, member)),
        format!("{INITIAL_CLUSTER}{}", everybody.join(",")),
        format!("--initial-cluster-state={state}"),
        // A cluster that was deleted and made again under the same name must never talk to members of the old one.
        format!("--initial-cluster-token={}-{}-{}", owner.namespace, owner.name, owner.uid),
    ];
    arguments.extend(tuning(cluster));
    arguments
}

/// What all members share.
fn tuning(cluster: EtcdCluster<'_>) -> Vec<String> {
    let EtcdCluster { owner, family, spec, .. } = cluster;
    [
        format!("--data-dir={DATA}/data"),
        format!("--listen-metrics-urls=http://{}:{METRICS_PORT}", family.any()),
        format!("--cert-file={TLS}/tls.crt"),
        format!("--key-file={TLS}/tls.key"),
        format!("--trusted-ca-file={TLS}/ca.crt"),
        "--client-cert-auth".to_owned(),
        format!("--peer-cert-file={TLS}/tls.crt"),
        format!("--peer-key-file={TLS}/tls.key"),
        format!("--peer-client-cert-file={TLS}/peer.crt"),
        format!("--peer-client-key-file={TLS}/peer.key"),
        format!("--peer-trusted-ca-file={TLS}/ca.crt"),
        "--peer-client-cert-auth".to_owned(),
        // The authority signs for hubs, too, and a hub is no member.
        format!("--peer-cert-allowed-cn={}", peer_common_name(owner)),
        format!("--quota-backend-bytes={}", quota(&spec.storage.size)),
    ]
    .into()
}

/// Half of the volume, because a defragmentation writes the database a second time; at most the 8 GiB that etcd is made for.
#[must_use]
pub fn quota(size: &str) -> u64 {
    let parse = |unit, factor: u64| size.strip_suffix(unit).and_then(|n| n.parse::<u64>().ok()?.checked_mul(factor));
    let bytes = parse("Gi", 1 << 30).or_else(|| parse("Mi", 1 << 20)).unwrap_or(1 << 30);
    (bytes / 2).min(8 << 30)
}
