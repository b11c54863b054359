//! The Services of the managed etcd cluster: one for hubs, one that gives every member a name.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};

use super::etcd_member;
use super::meta::{self, Component};
use crate::reconcile::plan::{Owner, Plan};

/// Port for clients.
pub const CLIENT_PORT: i32 = 2379;
/// Port for other members.
pub const PEER_PORT: i32 = 2380;
/// Port for probes and Prometheus, without TLS and without data.
pub const METRICS_PORT: i32 = 2381;

/// Suffix of the client Service.
const CLIENT: &str = "etcd";
/// Suffix of the peer Service.
const PEER: &str = "etcd-peer";

/// The one endpoint that hubs are given. It stays the same when members come and go, so scaling etcd restarts no hub.
#[must_use]
pub fn client_url(owner: &Owner) -> String {
    format!("https://{}.{}.svc:{CLIENT_PORT}", meta::name(owner, CLIENT), owner.namespace)
}

/// The host name of a member.
#[must_use]
pub fn member_host(owner: &Owner, member: &str) -> String {
    let pod = meta::name(owner, &format!("etcd-{member}"));
    format!("{pod}.{}.{}.svc", peer_name(owner), owner.namespace)
}

/// Where a member serves clients.
#[must_use]
pub fn member_client_url(owner: &Owner, member: &str) -> String {
    format!("https://{}:{CLIENT_PORT}", member_host(owner, member))
}

/// Where a member serves other members: what etcd knows it by.
#[must_use]
pub fn member_peer_url(owner: &Owner, member: &str) -> String {
    format!("https://{}:{PEER_PORT}", member_host(owner, member))
}

/// Whose [`member_peer_url`] it is.
#[must_use]
pub fn member_at(owner: &Owner, peer_url: &str) -> Option<String> {
    let host = peer_url.strip_prefix("https://")?;
    let member = etcd_member::member_of(owner, host.split('.').next()?)?;
    (member_peer_url(owner, &member) == peer_url).then_some(member)
}

/// Every name that a member's certificate must bear: what other members, hubs, the operator and somebody inside the pod call it.
#[must_use]
pub fn server_names(owner: &Owner) -> Vec<String> {
    let (client, peer, namespace) = (meta::name(owner, CLIENT), peer_name(owner), &owner.namespace);
    let names = [
        format!("*.{peer}.{namespace}.svc"),
        format!("*.{peer}.{namespace}.svc.cluster.local"),
        client.clone(),
        format!("{client}.{namespace}"),
        format!("{client}.{namespace}.svc"),
        format!("{client}.{namespace}.svc.cluster.local"),
    ];
    names.into_iter().chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned)).collect()
}

/// The common name that members know each other by: whoever holds another certificate of the same authority is no member.
#[must_use]
pub fn peer_common_name(owner: &Owner) -> String {
    meta::name(owner, CLIENT)
}

/// The name of the peer Service, which is its pods' subdomain.
#[must_use]
pub fn peer_name(owner: &Owner) -> String {
    meta::name(owner, PEER)
}

/// Where hubs find any member that is ready.
#[must_use]
pub fn client(plan: &Plan) -> Service {
    let ports = vec![port("client", CLIENT_PORT), port("metrics", METRICS_PORT)];
    service(plan, CLIENT, ServiceSpec { ports: Some(ports), ..ServiceSpec::default() })
}

/// Where members find each other. One that is not ready yet must be found, or no cluster would ever form.
#[must_use]
pub fn peer(plan: &Plan) -> Service {
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        ports: Some(vec![port("client", CLIENT_PORT), port("peer", PEER_PORT)]),
        ..ServiceSpec::default()
    };
    service(plan, PEER, spec)
}

fn service(plan: &Plan, suffix: &str, spec: ServiceSpec) -> Service {
    Service {
        metadata: meta::owned(&plan.owner, suffix, Component::Etcd),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(meta::selector(&plan.owner, Component::Etcd)),
            ..spec
        }),
        status: None,
    }
}

fn port(name: &str, number: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port: number,
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    }
}
