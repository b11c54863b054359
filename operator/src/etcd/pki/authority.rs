//! An authority and what it signs.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::Error;
use crate::reconcile::build::etcd_service;
use crate::reconcile::observed::Pair;
use crate::reconcile::plan::Owner;

/// How far before now a certificate begins: clocks of hosts differ, and a clock may jump back.
pub(super) const DAY: Duration = Duration::from_secs(86_400);
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
const LEAF_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// Who a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// A member, towards whoever connects to it; etcd's own gateway shows it as a client, too.
    Member,
    /// A member, towards the member it connects to.
    Peer,
    /// A hub or the operator.
    Client,
}

/// A new authority.
pub(super) fn make(owner: &Owner, now: SystemTime) -> Result<Pair, Error> {
    let name = authority_name(owner);
    let mut params = authority(owner);
    lasts(&mut params, now, AUTHORITY_LIFE);
    let key = KeyPair::generate().map_err(Error::Key)?;
    let certificate = params.self_signed(&key).map_err(|source| Error::Sign { name, source })?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// Whether the pair has a key that can be read.
pub(super) fn can_sign(pair: &Pair) -> bool {
    KeyPair::from_pem(&pair.key).is_ok()
}

/// A new certificate and key.
pub(super) fn sign(owner: &Owner, authority_pair: &Pair, leaf: Leaf, now: SystemTime) -> Result<Pair, Error> {
    let (name, usages, hosts) = match leaf {
        Leaf::Member => (
            etcd_service::peer_common_name(owner),
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            etcd_service::server_names(owner),
        ),
        Leaf::Peer => (etcd_service::peer_common_name(owner), vec![ExtendedKeyUsagePurpose::ClientAuth], Vec::new()),
        Leaf::Client => (owner.name.clone(), vec![ExtendedKeyUsagePurpose::ClientAuth], Vec::new()),
    };
    let refused = |source| Error::Sign { name: name.clone(), source };
    let mut params = CertificateParams::new(hosts).map_err(refused)?;
    params.distinguished_name = common_name(&name);
    params.extended_key_usages = usages;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    lasts(&mut params, now, LEAF_LIFE);
    let key = KeyPair::generate().map_err(Error::Key)?;
    // Of the authority's certificate only its name and its key go into what it signs, so it need not be parsed.
    let issuer = Issuer::new(authority(owner), KeyPair::from_pem(&authority_pair.key).map_err(Error::Key)?);
    let certificate = params.signed_by(&key, &issuer).map_err(refused)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn authority(owner: &Owner) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&authority_name(owner));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn authority_name(owner: &Owner) -> String {
    format!("etcd authority of {}", owner.name)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Since the library's own beginning of time, whose type is then not needed by name.
fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn lasts(params: &mut CertificateParams, now: SystemTime, life: Duration) {
    let beginning = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = beginning + since_1970(now - DAY);
    params.not_after = beginning + since_1970(now + life);
}
