//! The certificates of a managed etcd cluster: its own authority, what members and hubs show, and when they are made anew.
//!
//! ```text
//! issue(now) -> Certificates           nothing is there yet
//! renew(Certificates, rolled, now)     a leaf after two thirds of its life, at once
//!                                      an authority so: trusted first, and signing once every member was restarted with it
//! ```
//! Pure but for the keys, which are random. Members and hubs read their certificate and key again at every handshake, so a new leaf is
//! in use as soon as kubelet has written it. etcd reads whom it *trusts* only when it starts: the trusted authorities are part of the hash
//! of a member's template, and a change of them rolls the members one by one. An old authority stays trusted until it expires, so that
//! old and new members talk in the meantime.
//!
//! No time of one host is compared with that of another: a certificate begins a day in the past, and the times of its renewal are those
//! written in it.

mod authority;
mod validity;

use std::time::{Duration, SystemTime};

use authority::{DAY, Leaf};

use crate::reconcile::observed::{Authorities, Certificates, Pair};
use crate::reconcile::plan::Owner;

pub use validity::Validity;

/// How long a new authority is only trusted: time for kubelet to write it into the hubs' volumes.
const PROBATION: Duration = Duration::from_secs(3600);

/// What can go wrong: only what the crypto library refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key could be made.
    #[error("cannot make a key: {0}")]
    Key(#[source] rcgen::Error),
    /// A certificate could not be signed.
    #[error("cannot sign the certificate of {name}: {source}")]
    Sign {
        /// Its common name.
        name: String,
        /// What the library said.
        source: rcgen::Error,
    },
}

/// The first certificates of a cluster.
///
/// # Errors
/// If the crypto library refuses.
pub fn issue(owner: &Owner, now: SystemTime) -> Result<Certificates, Error> {
    let signing = authority::make(owner, now)?;
    let authorities = Authorities { signing, ..Authorities::default() };
    let sign = |leaf| authority::sign(owner, &authorities.signing, leaf, now);
    let (member, peer, client) = (sign(Leaf::Member)?, sign(Leaf::Peer)?, sign(Leaf::Client)?);
    Ok(Certificates { member, peer, client, authorities })
}

/// What is due now: `None` if nothing is. `rolled` says that every member's pod was made from the template of these certificates, and so
/// trusts all their authorities.
///
/// # Errors
/// If the crypto library refuses.
pub fn renew(
    owner: &Owner,
    present: &Certificates,
    rolled: bool,
    now: SystemTime,
) -> Result<Option<Certificates>, Error> {
    let mut new = present.clone();
    let switched = renew_authorities(owner, &mut new.authorities, rolled, now)?;
    if authority::can_sign(&new.authorities.signing) {
        let Certificates { authorities, member, peer, client } = &mut new;
        for (leaf, pair) in [(Leaf::Member, member), (Leaf::Peer, peer), (Leaf::Client, client)] {
            if switched || is_due(pair, now) {
                *pair = authority::sign(owner, &authorities.signing, leaf, now)?;
            }
        }
    }
    Ok(Some(new).filter(|new| new != present))
}

/// When the first of what is in use ends; `None` if something cannot be read. Whoever watches over it has four months of warning.
#[must_use]
pub fn ends(certificates: &Certificates) -> Option<SystemTime> {
    let Certificates { authorities, member, peer, client } = certificates;
    let all = [&authorities.signing, member, peer, client].map(|pair| Validity::of(&pair.certificate));
    all.into_iter().map(|validity| validity.map(|validity| validity.ends)).min().flatten()
}

/// Whether the authority that signs has changed.
fn renew_authorities(
    owner: &Owner,
    authorities: &mut Authorities,
    rolled: bool,
    now: SystemTime,
) -> Result<bool, Error> {
    // An unreadable one is kept: nobody is worse off for it, and a change of the list restarts every member.
    authorities.previous.retain(|pem| Validity::of(pem).is_none_or(|validity| now < validity.ends));
    match &authorities.next {
        None if is_due(&authorities.signing, now) || !authority::can_sign(&authorities.signing) => {
            authorities.next = Some(authority::make(owner, now)?);
            Ok(false)
        }
        Some(next) if !authority::can_sign(next) || Validity::of(&next.certificate).is_none() => {
            authorities.next = Some(authority::make(owner, now)?);
            Ok(false)
        }
        Some(next) if rolled && has_served_probation(next, now) => {
            let old = std::mem::replace(&mut authorities.signing, next.clone());
            authorities.next = None;
            authorities.previous.push(old.certificate);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Two thirds of its life are over, or it cannot be read at all.
fn is_due(pair: &Pair, now: SystemTime) -> bool {
    pair.key.is_empty() || Validity::of(&pair.certificate).is_none_or(|validity| validity.is_mostly_over(now))
}

fn has_served_probation(pair: &Pair, now: SystemTime) -> bool {
    // It was made a day after it begins.
    Validity::of(&pair.certificate).is_some_and(|validity| now >= validity.begins + DAY + PROBATION)
}

#[cfg(test)]
#[path = "pki/tests.rs"]
mod tests;
