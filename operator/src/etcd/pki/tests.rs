//! Certificates over ten years, and what rustls thinks of them.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::{DistinguishedName, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 86_400);
const HOUR: Duration = Duration::from_secs(3600);

fn owner() -> Owner {
    Owner { name: "chat".to_owned(), namespace: "demo".to_owned(), uid: "uid-1".to_owned() }
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn roots(trusted: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    Arc::new(roots)
}

fn unix(now: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap())
}

/// Whether somebody with these authorities lets this server be `name`.
fn serves(trusted: &str, server: &Pair, name: &str, now: SystemTime) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(trusted), provider).build().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&der(&server.certificate), &[], &name, &[], unix(now)).is_ok()
}

/// Whether somebody with these authorities lets this client in.
fn admits(trusted: &str, client: &Pair, now: SystemTime) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(trusted), provider).build().unwrap();
    let hints: &[DistinguishedName] = verifier.root_hint_subjects();
    assert!(!hints.is_empty());
    verifier.verify_client_cert(&der(&client.certificate), &[], unix(now)).is_ok()
}

#[test]
fn a_member_is_who_hubs_members_and_the_operator_call_it() {
    let certificates = issue(&owner(), start()).unwrap();
    let trusted = certificates.authorities.trusted();
    for name in [
        "chat-etcd-0.chat-etcd-peer.demo.svc",
        "chat-etcd-17.chat-etcd-peer.demo.svc.cluster.local",
        "chat-etcd.demo.svc",
        "chat-etcd.demo.svc.cluster.local",
        "localhost",
        "127.0.0.1",
    ] {
        assert!(serves(&trusted, &certificates.member, name, start()), "{name}");
    }
    for name in ["chat-etcd-0.chat-etcd-peer.other.svc", "other-etcd.demo.svc", "chat-etcd-peer.demo.svc"] {
        assert!(!serves(&trusted, &certificates.member, name, start()), "{name}");
    }
    assert!(!serves(&trusted, &certificates.client, "localhost", start()), "a hub is no server");
    assert!(admits(&trusted, &certificates.client, start()));
    assert!(admits(&trusted, &certificates.peer, start()));
    // etcd's own gateway shows the server's certificate as a client.
    assert!(admits(&trusted, &certificates.member, start()));
}

#[test]
fn another_cluster_is_not_let_in_even_under_the_same_name() {
    let (ours, theirs) = (issue(&owner(), start()).unwrap(), issue(&owner(), start()).unwrap());
    assert!(!admits(&ours.authorities.trusted(), &theirs.client, start()));
    assert!(!serves(&ours.authorities.trusted(), &theirs.member, "localhost", start()));
}

#[test]
fn nothing_of_a_key_is_printed() {
    let certificates = issue(&owner(), start()).unwrap();
    assert!(!format!("{certificates:?}").contains("PRIVATE"));
}

#[test]
fn o36_clocks_that_differ_by_hours_agree_on_what_holds() {
    let certificates = issue(&owner(), start()).unwrap();
    let trusted = certificates.authorities.trusted();
    for now in [start() - 12 * HOUR, start() - HOUR, start() + HOUR] {
        assert!(admits(&trusted, &certificates.client, now));
        assert!(serves(&trusted, &certificates.member, "localhost", now));
        // The operator's own clock jumps back: nothing is made anew for it.
        assert_eq!(renew(&owner(), &certificates, true, now).unwrap(), None);
    }
}

#[test]
fn o37_leaves_are_renewed_after_two_thirds_of_their_life_and_nothing_else_is() {
    let first = issue(&owner(), start()).unwrap();
    assert_eq!(renew(&owner(), &first, true, start() + YEAR / 2).unwrap(), None);
    let now = start() + YEAR * 7 / 10;
    let second = renew(&owner(), &first, true, now).unwrap().unwrap();
    assert_eq!(second.authorities, first.authorities, "no member restarts for a leaf");
    for (old, new) in [(&first.member, &second.member), (&first.peer, &second.peer), (&first.client, &second.client)] {
        assert!(old.key != new.key && old.certificate != new.certificate);
    }
    // Whoever still shows the old one is let in as long as it holds.
    let trusted = second.authorities.trusted();
    assert!(admits(&trusted, &first.client, now) && admits(&trusted, &second.client, now));
    assert_eq!(renew(&owner(), &second, true, now).unwrap(), None);
    assert!(ends(&second).unwrap() >= now + YEAR - HOUR);
}

#[test]
fn o37_an_authority_is_trusted_by_all_before_it_signs_and_after_it_has() {
    let first = issue(&owner(), start()).unwrap();
    let now = start() + 7 * YEAR;
    // The leaves of seven years are due as well: the old authority signs them, because nobody trusts the next one yet.
    let trusted_by_running = first.authorities.trusted();
    let second = renew(&owner(), &first, true, now).unwrap().unwrap();
    assert!(second.authorities.next.is_some());
    assert_ne!(second.authorities.trusted(), trusted_by_running, "members have to restart for it");
    assert!(admits(&trusted_by_running, &second.client, now));
    assert!(serves(&trusted_by_running, &second.member, "localhost", now));
    // Not before every member was restarted, however long that takes, and not at once either.
    assert_eq!(renew(&owner(), &second, false, now + 48 * HOUR).unwrap(), None);
    assert_eq!(renew(&owner(), &second, true, now + HOUR / 2).unwrap(), None);
    let now = now + 2 * HOUR;
    let third = renew(&owner(), &second, true, now).unwrap().unwrap();
    assert_eq!(third.authorities.next, None);
    assert_eq!(third.authorities.signing, second.authorities.next.unwrap());
    assert_eq!(third.authorities.trusted(), renewed_trust(&third), "no member restarts for the change of signer");
    // Members and hubs that have the new leaf and those that still have the old one let each other in.
    let trusted = third.authorities.trusted();
    for pair in [&second.client, &third.client, &second.peer, &third.peer] {
        assert!(admits(&trusted, pair, now));
    }
    assert!(!admits(&trusted_by_running, &third.client, now), "the new one signs now");
    // The old one is dropped when it has expired, and not before.
    let later = renew(&owner(), &third, true, start() + 9 * YEAR).unwrap().unwrap();
    assert_eq!(later.authorities.previous.len(), 1);
    let last = renew(&owner(), &later, true, start() + 11 * YEAR).unwrap().unwrap();
    assert!(last.authorities.previous.is_empty());
}

/// What is trusted, put together in another order.
fn renewed_trust(certificates: &Certificates) -> String {
    let Authorities { signing, previous, .. } = certificates.authorities.clone();
    let old = Pair { certificate: previous[0].clone(), key: String::new() };
    Authorities { signing: old, next: Some(signing), previous: Vec::new() }.trusted()
}

#[test]
fn a_lost_leaf_is_made_again_by_the_same_authority() {
    let first = issue(&owner(), start()).unwrap();
    let lost = Certificates { member: Pair::default(), peer: Pair::default(), ..first.clone() };
    let mended = renew(&owner(), &lost, true, start()).unwrap().unwrap();
    assert_eq!((&mended.authorities, &mended.client), (&first.authorities, &first.client));
    assert!(serves(&first.authorities.trusted(), &mended.member, "localhost", start()));
}

#[test]
fn a_lost_authority_is_followed_by_a_new_one_that_running_members_learn_first() {
    let first = issue(&owner(), start()).unwrap();
    let mut lost = first.clone();
    lost.authorities.signing.key = String::new();
    let second = renew(&owner(), &lost, true, start()).unwrap().unwrap();
    assert_eq!((&second.member, &second.client), (&first.member, &first.client), "what members let in goes on");
    assert_eq!(renew(&owner(), &second, false, start() + 2 * HOUR).unwrap(), None);
    let third = renew(&owner(), &second, true, start() + 2 * HOUR).unwrap().unwrap();
    assert!(admits(&second.authorities.trusted(), &third.client, start() + 2 * HOUR));
    assert_eq!(renew(&owner(), &third, true, start() + 3 * HOUR).unwrap(), None);
}
