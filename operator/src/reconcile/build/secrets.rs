//! Secrets: the keys of hubs and operator, and the certificates of the managed etcd cluster.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::meta::{self, Component};
use crate::api::v1alpha1::Managed;
use crate::reconcile::observed::{Authorities, Certificates, Pair};
use crate::reconcile::plan::Plan;

/// Suffix of the Secret with the keys.
pub const KEYS: &str = "keys";
/// The key that hubs show each other.
pub const PEER_KEY: &str = "peer-key";
/// The key that opens the admin API.
pub const ADMIN_KEY: &str = "admin-key";
/// Suffix of the Secret with the authority of etcd's certificates and its key. No pod mounts it.
pub const AUTHORITY: &str = "etcd-ca";
/// Suffix of the Secret with the members' certificate.
pub const MEMBER_TLS: &str = "etcd-member-tls";
/// Suffix of the Secret with the hubs' certificate.
pub const CLIENT_TLS: &str = "etcd-client-tls";

/// A certificate, in a Secret.
pub const CERTIFICATE: &str = "tls.crt";
/// Its key.
pub const KEY: &str = "tls.key";
/// The authorities that are trusted.
pub const TRUSTED: &str = "ca.crt";
/// What members show to each other.
pub const PEER_CERTIFICATE: &str = "peer.crt";
/// Its key.
pub const PEER_KEY_FILE: &str = "peer.key";
const NEXT_CERTIFICATE: &str = "next.crt";
const NEXT_KEY: &str = "next.key";
const PREVIOUS: &str = "previous.crt";

/// The keys of hubs and operator.
#[must_use]
pub fn keys(plan: &Plan) -> Secret {
    let data = [(PEER_KEY, plan.keys.peer.as_str()), (ADMIN_KEY, plan.keys.admin.as_str())];
    secret(plan, KEYS, Component::Hub, "Opaque", &data)
}

/// Who signs etcd's certificates. `bootstrapped` is kept here because nothing else of the cluster is there before its first member and
/// gone with its `GoHub`.
#[must_use]
pub fn authority(plan: &Plan, authorities: &Authorities, bootstrapped: bool) -> Secret {
    let Authorities { signing, next, previous } = authorities;
    let previous = previous.concat();
    let mut data = vec![(CERTIFICATE, signing.certificate.as_str()), (KEY, signing.key.as_str())];
    if let Some(next) = next {
        data.extend([(NEXT_CERTIFICATE, next.certificate.as_str()), (NEXT_KEY, next.key.as_str())]);
    }
    if !previous.is_empty() {
        data.push((PREVIOUS, &previous));
    }
    let mut secret = secret(plan, AUTHORITY, Component::Etcd, "Opaque", &data);
    let spec = plan.etcd_cluster().and_then(|cluster| serde_json::to_string(cluster.spec).ok());
    let bootstrapped = bootstrapped.then(|| (meta::BOOTSTRAPPED.to_owned(), "true".to_owned()));
    let annotations = spec.map(|spec| (meta::ETCD_SPEC.to_owned(), spec)).into_iter().chain(bootstrapped);
    secret.metadata.annotations = Some(annotations.collect());
    secret
}

/// The spec of the cluster that was valid last, as the authority's Secret has it.
#[must_use]
pub fn last_good(authority: Option<&Secret>) -> Option<Managed> {
    serde_json::from_str(authority?.metadata.annotations.as_ref()?.get(meta::ETCD_SPEC)?).ok()
}

/// What members show to hubs and to each other.
#[must_use]
pub fn member_tls(plan: &Plan, certificates: &Certificates) -> Secret {
    let Pair { certificate, key } = &certificates.peer;
    let peer = [(PEER_CERTIFICATE, certificate.as_str()), (PEER_KEY_FILE, key.as_str())];
    tls(plan, MEMBER_TLS, Component::Etcd, certificates, &certificates.member, &peer)
}

/// What hubs show to members.
#[must_use]
pub fn client_tls(plan: &Plan, certificates: &Certificates) -> Secret {
    tls(plan, CLIENT_TLS, Component::Etcd, certificates, &certificates.client, &[])
}

fn tls(
    plan: &Plan,
    suffix: &str,
    component: Component,
    certificates: &Certificates,
    pair: &Pair,
    more: &[(&str, &str)],
) -> Secret {
    let trusted = certificates.authorities.trusted();
    let own = [(TRUSTED, trusted.as_str()), (CERTIFICATE, pair.certificate.as_str()), (KEY, pair.key.as_str())];
    secret(plan, suffix, component, "kubernetes.io/tls", &[&own, more].concat())
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

/// The certificates of a cluster as its Secrets have them; `None` if there is neither an authority nor a trusted one. What is missing is
/// empty, and renewed for it. If the authority is lost, those that running members trust stay trusted while a new one takes over.
#[must_use]
pub fn certificates(
    authority: Option<&Secret>,
    member_tls: Option<&Secret>,
    client_tls: Option<&Secret>,
) -> Option<Certificates> {
    let pair = |secret, certificate, key| Pair { certificate: text(secret, certificate), key: text(secret, key) };
    let mut signing = pair(authority, CERTIFICATE, KEY);
    let mut previous = blocks(&text(authority, PREVIOUS));
    if signing.certificate.is_empty() {
        let mut trusted = [member_tls, client_tls].into_iter().flat_map(|secret| blocks(&text(secret, TRUSTED)));
        signing.certificate = trusted.next()?;
        previous.extend(trusted.filter(|pem| *pem != signing.certificate));
        previous.sort_unstable();
        previous.dedup();
    }
    let next = pair(authority, NEXT_CERTIFICATE, NEXT_KEY);
    Some(Certificates {
        authorities: Authorities { signing, next: Some(next).filter(|next| !next.certificate.is_empty()), previous },
        member: pair(member_tls, CERTIFICATE, KEY),
        peer: pair(member_tls, PEER_CERTIFICATE, PEER_KEY_FILE),
        client: pair(client_tls, CERTIFICATE, KEY),
    })
}

/// Whether an etcd cluster was begun once, as the authority's Secret has it.
#[must_use]
pub fn is_bootstrapped(authority: Option<&Secret>) -> bool {
    let annotations = authority.and_then(|secret| secret.metadata.annotations.as_ref());
    annotations.is_some_and(|annotations| annotations.contains_key(meta::BOOTSTRAPPED))
}

/// What a Secret has under a key; empty if it has none that is text.
fn text(secret: Option<&Secret>, key: &str) -> String {
    let bytes = secret.and_then(|secret| secret.data.as_ref()?.get(key));
    bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).unwrap_or_default()
}

/// The certificates of a PEM file, each as its own.
fn blocks(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let ended = pem.split_inclusive(END).map(str::trim).filter(|block| block.ends_with(END));
    ended.map(|block| format!("{block}\n")).collect()
}
