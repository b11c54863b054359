//! Revocations in etcd: one key for each, on a lease of its own time, so that it goes by itself; every hub follows them.
//!
//! ```text
//! <prefix>/voided/token/<digest of the id>    {"until":1748000000000}
//! <prefix>/voided/client/<client id>          {"before":1748000000,"until":1748000000000}
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use etcd_client::{Event, EventType, KeyValue, PutOptions};
use gohub_settings::Etcd;
use serde::{Deserialize, Serialize};

use super::follow::{Follower, Sink};
use crate::auth::{Revocation, Subject, TokenId};
use crate::bus::etcd::{Connector, Fault, Keys, Shared};
use crate::lifecycle::Tasks;
use crate::protocol::ClientId;

/// Who acts on what another hub, or this one, has revoked.
pub trait Revoker: Send + Sync + 'static {
    /// Something is revoked.
    fn revoked(&self, revocation: Revocation);

    /// It is not any more, or its time is over.
    fn restored(&self, subject: &Subject);
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(default)]
    before: u64,
    until: u64,
}

/// Writes revocations, and follows them.
pub(super) struct Revocations {
    prefix: String,
    etcd: Shared,
}

impl Revocations {
    /// Starts to follow.
    pub(super) fn follow(etcd: Etcd, revoker: Arc<dyn Revoker>, tasks: &Tasks) -> Self {
        let prefix = Keys::new(&etcd.key_prefix).revoked();
        let sink = Followed { prefix: prefix.clone(), revoker, known: BTreeSet::new() };
        let follower = Follower::new("revocations", prefix.clone(), etcd.clone(), sink);
        drop(tasks.spawn("cluster revocations", follower.run(tasks.token())));
        Self { prefix, etcd: Shared::new(Connector::new(etcd)) }
    }

    /// Writes an entry that goes by itself after `seconds`.
    pub(super) async fn put(&self, revocation: &Revocation, seconds: u64) -> Result<(), Fault> {
        let key = format!("{}{}", self.prefix, path(&revocation.subject));
        let entry = Entry { before: revocation.before, until: revocation.until };
        let value = serde_json::to_string(&entry).unwrap_or_default();
        let ttl = i64::try_from(seconds).unwrap_or(i64::MAX);
        let limit = self.etcd.settings().request_timeout.as_std();
        let write = async |mut client: etcd_client::Client| {
            let lease = client.lease_grant(ttl, None).await?;
            client.put(key.as_str(), value.as_str(), Some(PutOptions::new().with_lease(lease.id()))).await
        };
        self.etcd.call("writing a revocation", limit, write).await.map(drop)
    }

    /// Takes an entry away. `false`: there was none.
    pub(super) async fn delete(&self, subject: &Subject) -> Result<bool, Fault> {
        let key = format!("{}{}", self.prefix, path(subject));
        let limit = self.etcd.settings().request_timeout.as_std();
        let delete = async |mut client: etcd_client::Client| client.delete(key.as_str(), None).await;
        self.etcd.call("deleting a revocation", limit, delete).await.map(|answer| answer.deleted() > 0)
    }
}

/// What the watch brings, told to the hub.
struct Followed {
    prefix: String,
    revoker: Arc<dyn Revoker>,
    /// What came from etcd, so that a new list can tell what has gone meanwhile.
    known: BTreeSet<Subject>,
}

impl Followed {
    fn put(&mut self, kv: &KeyValue) {
        if let Some(revocation) = parse(&self.prefix, kv.key(), kv.value()) {
            self.known.insert(revocation.subject.clone());
            self.revoker.revoked(revocation);
        }
    }

    fn gone(&mut self, subject: &Subject) {
        if self.known.remove(subject) {
            self.revoker.restored(subject);
        }
    }
}

impl Sink for Followed {
    fn listed(&mut self, entries: &[KeyValue]) {
        let listed: BTreeSet<Subject> = entries.iter().filter_map(|kv| subject(&self.prefix, kv.key())).collect();
        for gone in self.known.difference(&listed).cloned().collect::<Vec<_>>() {
            self.gone(&gone);
        }
        entries.iter().for_each(|kv| self.put(kv));
    }

    fn changed(&mut self, events: &[Event]) {
        for event in events {
            let Some(kv) = event.kv() else { continue };
            match event.event_type() {
                EventType::Put => self.put(kv),
                EventType::Delete => drop(subject(&self.prefix, kv.key()).map(|subject| self.gone(&subject))),
            }
        }
    }
}

fn path(subject: &Subject) -> String {
    match subject {
        Subject::Token(id) => format!("token/{id}"),
        Subject::Client(client) => format!("client/{client}"),
    }
}

fn subject(prefix: &str, key: &[u8]) -> Option<Subject> {
    let (kind, name) = std::str::from_utf8(key).ok()?.strip_prefix(prefix)?.split_once('/')?;
    match kind {
        "token" => TokenId::parse(name).map(Subject::Token),
        "client" => ClientId::parse(name).ok().map(Subject::Client),
        _ => None,
    }
}

/// Whatever is no entry revokes nothing.
fn parse(prefix: &str, key: &[u8], value: &[u8]) -> Option<Revocation> {
    let subject = subject(prefix, key)?;
    let Entry { before, until } = serde_json::from_slice(value).ok()?;
    Some(Revocation { subject, before, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_nothing_else_is_one() {
        let client = Subject::Client(ClientId::parse("комната 7").expect("a name"));
        for subject in [client, Subject::Token(TokenId::of("jti"))] {
            let key = format!("/gohub/voided/{}", path(&subject));
            let read = parse("/gohub/voided/", key.as_bytes(), br#"{"before":1,"until":2}"#);
            assert_eq!(read, Some(Revocation { subject, before: 1, until: 2 }));
        }
        for (key, value) in [
            ("/gohub/voided/client/a", "{}"),
            ("/gohub/voided/client/a", "7"),
            ("/gohub/voided/client/a/b", r#"{"until":2}"#),
            ("/gohub/voided/token/jti", r#"{"until":2}"#),
            ("/gohub/voided/room/a", r#"{"until":2}"#),
            ("/other/client/a", r#"{"until":2}"#),
        ] {
            assert_eq!(parse("/gohub/voided/", key.as_bytes(), value.as_bytes()), None, "{key}");
        }
    }
}
