//! Secrets: the keys of hubs and operator, and the certificates of the managed etcd cluster.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::meta::{self, Component};
use crate::reconcile::observed::{Certificates, Pair};
use crate::reconcile::plan::Plan;

/// Suffix of the Secret with the keys.
pub const KEYS: &str = "keys";
/// The key that hubs show each other.
pub const PEER_KEY: &str = "peer-key";
/// The key that opens the admin API.
pub const ADMIN_KEY: &str = "admin-key";
/// Suffix of the Secret with the members' certificate.
pub const MEMBER_TLS: &str = "etcd-member-tls";
/// Suffix of the Secret with the hubs' certificate.
pub const CLIENT_TLS: &str = "etcd-client-tls";

/// The keys of hubs and operator.
#[must_use]
pub fn keys(plan: &Plan) -> Secret {
    let data = [(PEER_KEY, plan.keys.peer.as_str()), (ADMIN_KEY, plan.keys.admin.as_str())];
    secret(plan, KEYS, Component::Hub, "Opaque", &data)
}

/// What members show to hubs and to each other.
#[must_use]
pub fn member_tls(plan: &Plan, certificates: &Certificates) -> Secret {
    tls(plan, MEMBER_TLS, Component::Etcd, &certificates.authority, &certificates.member)
}

/// What hubs show to members.
#[must_use]
pub fn client_tls(plan: &Plan, certificates: &Certificates) -> Secret {
    tls(plan, CLIENT_TLS, Component::Etcd, &certificates.authority, &certificates.client)
}

fn tls(plan: &Plan, suffix: &str, component: Component, authority: &str, pair: &Pair) -> Secret {
    let data = [("ca.crt", authority), ("tls.crt", pair.certificate.as_str()), ("tls.key", pair.key.as_str())];
    secret(plan, suffix, component, "kubernetes.io/tls", &data)
}

fn secret(plan: &Plan, suffix: &str, component: Component, kind: &str, data: &[(&str, &str)]) -> Secret {
    // Not `stringData`, which an API server moves into `data`: what was applied would never equal what is there.
    let data: BTreeMap<_, _> = data.iter().map(|(k, v)| ((*k).to_owned(), ByteString(v.as_bytes().to_vec()))).collect();
    Secret {
        metadata: meta::owned(&plan.owner, suffix, component),
        type_: Some(kind.to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}
