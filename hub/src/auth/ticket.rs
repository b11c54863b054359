//! Resume tickets: who was let in comes back once without being judged anew, on any hub (docs/adr/0014).
//!
//! ```text
//!   welcome, pong, drain <--give-- Content (who, rights, until when) --seal--> text
//!   ?ticket=             --redeem--> open, check: times, settings, revocations --> used here? --> used elsewhere? (Ledger) --> Proof
//! ```
//!
//! A ticket that is no good says nothing about its bearer: the token is judged as if there were none. Sealing and checking are pure (`seal`,
//! `content`); what waits is the ledger alone.

mod content;
mod seal;
mod used;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use gohub_settings::Settings;

use super::{Proof, Revoked, Rights};
use crate::clock;
use crate::metrics::NetStats;
use crate::protocol::ClientId;
pub use content::Bearer;
use content::{Content, Terms};
use seal::Flaw;
pub(crate) use seal::random_key;
pub use seal::{SEALING_BYTES, TicketId, TicketKey, TicketKeys};
use used::Used;

/// Who knows which tickets were used on other hubs.
pub trait Ledger: Send + Sync + 'static {
    /// Books the ticket as used. `Some(true)`: it was not before; `None`: nobody can say now.
    fn claim(&self, ticket: TicketId) -> BoxFuture<'static, Option<bool>>;
}

/// With what tickets are sealed, and where their use is booked besides here.
struct Standing {
    keys: TicketKeys,
    ledger: Option<Arc<dyn Ledger>>,
}

/// See the module.
pub struct Tickets {
    terms: ArcSwap<Terms>,
    standing: ArcSwap<Standing>,
    /// A std mutex, held for a look-up.
    used: Mutex<Used>,
    stats: Arc<NetStats>,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets").field("life", &self.terms.load().life).finish_non_exhaustive()
    }
}

impl Tickets {
    /// Tickets by these settings. In a cluster there are none until its keys are [shared](Self::share).
    pub(super) fn new(settings: &Settings, stats: Arc<NetStats>) -> Self {
        let keys = if settings.cluster.enabled { TicketKeys::none() } else { TicketKeys::own() };
        Self {
            terms: ArcSwap::from_pointee(Terms::new(&settings.auth)),
            standing: ArcSwap::from_pointee(Standing { keys, ledger: None }),
            used: Mutex::default(),
            stats,
        }
    }

    pub(super) fn configure(&self, settings: &Settings) {
        self.terms.store(Arc::new(Terms::new(&settings.auth)));
    }

    /// From now on the tickets of all hubs that have these keys open this one, and the other way round.
    pub fn share(&self, keys: TicketKeys, ledger: Arc<dyn Ledger>) {
        self.standing.store(Arc::new(Standing { keys, ledger: Some(ledger) }));
    }

    /// This hub is alone: a key of its own, and what was given before is worth nothing.
    pub fn alone(&self) {
        self.standing.store(Arc::new(Standing { keys: TicketKeys::own(), ledger: None }));
    }

    /// How long a ticket is good; `None`: there are none.
    pub fn life(&self) -> Option<Duration> {
        let life = self.terms.load().life;
        (!life.is_zero()).then_some(life)
    }

    /// A ticket for this connection; `None`: tickets are off, there is no key yet, or it was judged too long ago.
    pub fn give(&self, bearer: &Bearer<'_>) -> Option<String> {
        let terms = self.terms.load();
        let content = Content::of(bearer, &terms, clock::unix_millis())?;
        let text = self.standing.load().keys.seal(&content.to_bytes())?;
        self.stats.tickets_given.inc();
        Some(text)
    }

    /// What the ticket proves, if it is good for a client of this name (`None`: whichever it names); it is used then. `shared`: the rights of
    /// everybody, which connections share.
    pub(super) async fn redeem(
        &self,
        text: &str,
        said: Option<&ClientId>,
        revoked: &Revoked,
        shared: &Rights,
    ) -> Option<Proof> {
        let outcome = self.look(text, said, revoked, shared).await;
        self.stats.tickets.inc(match &outcome {
            Ok(_) => "good",
            Err(flaw) => flaw.name(),
        });
        outcome.ok()
    }

    async fn look(
        &self,
        text: &str,
        said: Option<&ClientId>,
        revoked: &Revoked,
        shared: &Rights,
    ) -> Result<Proof, Flaw> {
        let now = clock::unix_millis();
        let standing = self.standing.load_full();
        let (id, bytes) = standing.keys.open(text)?;
        let content = Content::read(&bytes)?;
        content.check(&self.terms.load(), now)?;
        if said.is_some_and(|said| *said != content.client) {
            return Err(Flaw::Other);
        }
        if content.pass().is_some_and(|pass| revoked.covers(Some(&content.client), &pass, now)) {
            return Err(Flaw::Revoked);
        }
        self.used().claim(id, &content.client, content.given..content.over(), now)?;
        if let Some(ledger) = &standing.ledger {
            match ledger.claim(id).await {
                Some(true) => {}
                Some(false) => return Err(Flaw::Used),
                None => return Err(Flaw::Unavailable),
            }
        }
        let (client, connection) = (&content.client, content.connection);
        tracing::debug!(%client, before = connection, "came back by a ticket");
        Ok(content.into_proof(shared))
    }

    /// What this client was given so far is worth nothing on this hub: an administrator has thrown it out.
    pub fn void(&self, client: &ClientId) {
        self.used().void(client, clock::unix_millis());
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
