//! What was revoked: tokens by their id, and everything of a client up to a time. One table for the hub, asked at each handshake and refresh.
//!
//! A token's id is kept as a digest: the id is the issuer's, and what stands here also stands in etcd.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};

use crate::protocol::ClientId;

/// Entries of the table. Each goes by itself when its time is over.
pub const MAX_REVOCATIONS: usize = 10_000;

/// The digest of a token's id (`jti`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId([u8; 16]);

impl TokenId {
    /// The digest of this id.
    pub fn of(id: &str) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest(&SHA256, id.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// The digest in hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits =
            text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        digits.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(|number| Self(number.to_be_bytes()))
    }
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What of a token counts when something is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pass {
    /// Its id, when it has one.
    pub id: Option<TokenId>,
    /// When it was issued, in seconds since 1970. Without it, it counts as older than anything.
    pub issued: Option<u64>,
}

/// What a revocation is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The token with this id.
    Token(TokenId),
    /// All tokens of this client.
    Client(ClientId),
}

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What it is about.
    pub subject: Subject,
    /// Of a client, only tokens issued at this time or before, in seconds since 1970.
    pub before: u64,
    /// When it is over, in milliseconds since 1970: by then what it is about must have ended by itself.
    pub until: u64,
}

impl Revocation {
    /// Whether it is about the bearer of this token.
    pub fn covers(&self, client: &ClientId, pass: &Pass) -> bool {
        match &self.subject {
            Subject::Token(id) => pass.id == Some(*id),
            Subject::Client(named) => named == client && pass.issued.unwrap_or(0) <= self.before,
        }
    }
}

/// The table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_REVOCATIONS} revocations already")]
pub struct TooMany;

/// See the module. A std lock, held for a look-up.
#[derive(Debug, Default)]
pub struct Revoked(RwLock<HashMap<Subject, Revocation>>);

impl Revoked {
    /// Whether nothing speaks against the token at `now`, in milliseconds since 1970.
    pub fn covers(&self, client: Option<&ClientId>, pass: &Pass, now: u64) -> bool {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if table.is_empty() {
            return false;
        }
        let subjects = [pass.id.map(Subject::Token), client.cloned().map(Subject::Client)];
        let mut found = subjects.into_iter().flatten().filter_map(|subject| table.get(&subject));
        found.any(|entry| {
            entry.until > now
                && match &entry.subject {
                    Subject::Token(_) => true,
                    Subject::Client(_) => pass.issued.unwrap_or(0) <= entry.before,
                }
        })
    }

    /// Takes an entry in; of two about the same the one that forbids more stays, and as long as either of them. `false`: it changes nothing.
    ///
    /// # Errors
    /// [`TooMany`], and nothing is taken in.
    pub fn add(&self, new: Revocation, now: u64) -> Result<bool, TooMany> {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MAX_REVOCATIONS && !table.contains_key(&new.subject) {
            table.retain(|_, entry| entry.until > now);
            if table.len() >= MAX_REVOCATIONS {
                return Err(TooMany);
            }
        }
        match table.get_mut(&new.subject) {
            Some(known) => {
                let merged = Revocation {
                    before: known.before.max(new.before),
                    until: known.until.max(new.until),
                    subject: new.subject,
                };
                let is_news = *known != merged;
                *known = merged;
                Ok(is_news)
            }
            None => {
                table.insert(new.subject.clone(), new);
                Ok(true)
            }
        }
    }

    /// Takes an entry out. `false`: there was none.
    pub fn remove(&self, subject: &Subject) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(subject).is_some()
    }

    /// Lets go of what is over.
    pub fn expire(&self, now: u64) {
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.values().any(|entry| entry.until <= now) {
            table.retain(|_, entry| entry.until > now);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether one about this subject would find room.
    pub fn has_room(&self, subject: &Subject, now: u64) -> bool {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.len() < MAX_REVOCATIONS || table.contains_key(subject) || table.values().any(|entry| entry.until <= now)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries that are in force, in order.
    pub fn list(&self, now: u64) -> Vec<Revocation> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<Revocation> = table.values().filter(|entry| entry.until > now).cloned().collect();
        list.sort_by(|a, b| a.subject.cmp(&b.subject));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> ClientId {
        ClientId::parse(name).expect("a name")
    }

    fn by_client(name: &str, before: u64, until: u64) -> Revocation {
        Revocation { subject: Subject::Client(client(name)), before, until }
    }

    #[test]
    fn a_token_is_covered_by_its_id_or_by_its_client_and_age() {
        let revoked = Revoked::default();
        let stolen = TokenId::of("stolen");
        let pass = |id, issued| Pass { id, issued };
        let alice = client("alice");
        assert!(!revoked.covers(Some(&alice), &pass(Some(stolen), None), 0));
        let entry = Revocation { subject: Subject::Token(stolen), before: 0, until: 100 };
        assert_eq!((revoked.add(entry.clone(), 0), revoked.add(entry.clone(), 0)), (Ok(true), Ok(false)));
        revoked.add(by_client("alice", 50, 100), 0).expect("room");
        for (name, id, issued, covered) in [
            ("bob", Some(stolen), Some(99), true),
            ("bob", Some(TokenId::of("other")), None, false),
            ("alice", None, Some(50), true),
            ("alice", None, Some(51), false),
            ("alice", None, None, true),
        ] {
            let (client, pass) = (client(name), pass(id, issued));
            assert_eq!(revoked.covers(Some(&client), &pass, 10), covered, "{name} {issued:?}");
            assert!(!revoked.covers(Some(&client), &pass, 100), "it is over");
            let single = revoked.list(10).iter().any(|entry| entry.covers(&client, &pass));
            assert_eq!(single, covered, "one by one as all together");
        }
        assert!(revoked.remove(&entry.subject) && !revoked.remove(&entry.subject));
        revoked.expire(100);
        assert_eq!(revoked.list(0), []);
    }

    #[test]
    fn of_two_about_the_same_the_stricter_counts() {
        let revoked = Revoked::default();
        for (entry, is_news) in
            [(by_client("a", 50, 100), true), (by_client("a", 40, 90), false), (by_client("a", 40, 200), true)]
        {
            assert_eq!(revoked.add(entry, 0), Ok(is_news));
        }
        assert_eq!(revoked.list(0), [by_client("a", 50, 200)]);
    }

    #[test]
    fn the_table_is_bounded_and_what_is_over_makes_room() {
        let revoked = Revoked::default();
        for number in 0..MAX_REVOCATIONS {
            revoked.add(by_client(&format!("c{number}"), 0, 10), 0).expect("room");
        }
        assert_eq!(revoked.add(by_client("more", 0, 20), 5), Err(TooMany));
        assert_eq!(revoked.add(by_client("c1", 1, 20), 5), Ok(true), "a known one may grow");
        assert_eq!(revoked.add(by_client("more", 0, 20), 10), Ok(true));
        assert_eq!(revoked.list(10).len(), 2);
    }

    #[test]
    fn a_token_id_is_a_digest_that_can_be_read_back() {
        let id = TokenId::of("jti");
        assert_eq!(TokenId::parse(&id.to_string()), Some(id));
        let upper = id.to_string().to_uppercase();
        for text in ["", "jti", upper.as_str(), "+0000000000000000000000000000001"] {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }
}
