//! Resume tickets of a cluster: the keys that all hubs seal and open them with, and the book of those that were used.
//!
//! ```text
//! <prefix>/vouchers/keys        {"keys":[{"id":7,"made":1748000000000,"key":"<base64>"}]}, newest first; created if absent, rotated once a day
//! <prefix>/vouchers/used/{id}   created if absent: whoever creates it has used the ticket. On a lease shared by those of a while
//! ```
//!
//! A claim waits for one round trip of etcd, and whatever is claimed meanwhile goes into the next transaction, as publications do: a storm of
//! reconnects costs etcd one transaction for up to [`BATCH`] of them. When etcd does not answer, nobody can say, and tokens are judged.

mod ring;

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp, TxnOpResponse};
use futures::future::BoxFuture;
use gohub_settings::Etcd;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::auth::{Ledger, TicketId, Tickets};
use crate::bus::etcd::{Connector, Fault, Keys, Shared};
use crate::clock;
use crate::lifecycle::Tasks;
use ring::Ring;

/// Claims in one transaction: etcd takes 128 operations, those inside others included.
const BATCH: usize = 60;
/// Claims that wait. Who comes when there are more is judged by its token.
const MAX_WAITING: usize = 4096;
/// How often the keys are looked at, so that a new one is known everywhere before it is used.
const LOOK: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// For how long claims share one lease, and how many of them: no expiry deletes very many keys at once.
const SHARED: Duration = Duration::from_secs(60);
const MAX_KEYS: usize = 4096;
/// A used ticket is remembered for longer than any is good (`auth.ticket.life` is at most 1h).
const REMEMBERED: Duration = Duration::from_secs(3700);

/// Gives `tickets` the cluster's keys, and keeps them.
pub(super) fn share(etcd: &Etcd, tickets: &Arc<Tickets>, tasks: &Tasks) {
    let (claims, waiting) = mpsc::channel(MAX_WAITING);
    let keys = Keys::new(&etcd.key_prefix);
    let book = Book { shared: Shared::new(Connector::new(etcd.clone())), prefix: keys.used_tickets(), lease: None };
    let patience = etcd.request_timeout.as_std();
    let keeper = Keeper {
        shared: Shared::new(Connector::new(etcd.clone())),
        key: keys.ticket_keys(),
        tickets: Arc::clone(tickets),
        ledger: Arc::new(Claims { claims, patience }),
    };
    drop(tasks.spawn("ticket keys", keeper.run(tasks.token())));
    drop(tasks.spawn("ticket claims", book.run(waiting, tasks.token())));
}

type Claim = (TicketId, oneshot::Sender<Option<bool>>);

/// The way to the book.
struct Claims {
    claims: mpsc::Sender<Claim>,
    patience: Duration,
}

impl Ledger for Claims {
    fn claim(&self, ticket: TicketId) -> BoxFuture<'static, Option<bool>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.claims.try_send((ticket, answer));
        let patience = self.patience;
        Box::pin(async move {
            sent.ok()?;
            tokio::time::timeout(patience, answered).await.ok()?.ok()?
        })
    }
}

/// Books claims in etcd, one transaction at a time.
struct Book {
    shared: Shared,
    prefix: String,
    /// The lease of the moment, since when, and how many keys are on it.
    lease: Option<(i64, Instant, usize)>,
}

impl Book {
    async fn run(mut self, mut waiting: mpsc::Receiver<Claim>, stop: CancellationToken) {
        let mut claims = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                count = waiting.recv_many(&mut claims, BATCH) => if count == 0 { return },
            }
            // Who has given up meanwhile has been judged by its token.
            claims.retain(|(_, answer)| !answer.is_closed());
            let firsts = match self.book(&claims).await {
                Ok(firsts) => firsts,
                Err(fault) => {
                    tracing::debug!(error = %fault, claims = claims.len(), "tickets could not be booked as used");
                    self.lease = None;
                    Vec::new()
                }
            };
            for (at, (_, answer)) in claims.drain(..).enumerate() {
                answer.send(firsts.get(at).copied()).ok();
            }
        }
    }

    /// For each claim whether it was the first.
    async fn book(&mut self, claims: &[Claim]) -> Result<Vec<bool>, Fault> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let lease = self.lease(claims.len()).await?;
        let booked = |(id, _): &Claim| {
            let key = format!("{}{id}", self.prefix);
            let put = TxnOp::put(key.as_str(), "", Some(PutOptions::new().with_lease(lease)));
            let is_new = Compare::create_revision(key.as_str(), CompareOp::Equal, 0);
            TxnOp::txn(Txn::new().when([is_new]).and_then([put]))
        };
        let txn = Txn::new().and_then(claims.iter().map(booked).collect::<Vec<_>>());
        let limit = self.shared.settings().request_timeout.as_std();
        let answer = self.shared.call("booking tickets", limit, async |mut client| client.txn(txn).await).await?;
        let firsts = answer.op_responses().into_iter().map(|answer| match answer {
            TxnOpResponse::Txn(answer) => answer.succeeded(),
            _ => false,
        });
        Ok(firsts.collect())
    }

    async fn lease(&mut self, keys: usize) -> Result<i64, Fault> {
        if let Some((lease, since, on_it)) = &mut self.lease
            && since.elapsed() < SHARED
            && *on_it + keys <= MAX_KEYS
        {
            *on_it += keys;
            return Ok(*lease);
        }
        let ttl = (SHARED + REMEMBERED).as_secs() as i64;
        let limit = self.shared.settings().request_timeout.as_std();
        let grant = async |mut client: etcd_client::Client| client.lease_grant(ttl, None).await;
        let lease = self.shared.call("granting a lease", limit, grant).await?.id();
        self.lease = Some((lease, Instant::now(), keys));
        Ok(lease)
    }
}

/// Keeps the keys.
struct Keeper {
    shared: Shared,
    key: String,
    tickets: Arc<Tickets>,
    ledger: Arc<Claims>,
}

impl Keeper {
    async fn run(self, stop: CancellationToken) {
        loop {
            let pause = match self.turn().await {
                // Hubs that started together do not stay in step.
                Ok(()) => LOOK.mul_f64(0.75 + fastrand::f64() / 4.0),
                Err(fault) => {
                    tracing::debug!(error = %fault, "the keys of resume tickets were not looked at");
                    LOOK_AGAIN
                }
            };
            if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Reads the keys, adds one when it is time, and gives them to the hub.
    async fn turn(&self) -> Result<(), Fault> {
        let limit = self.shared.settings().request_timeout.as_std();
        let key = self.key.as_str();
        let read = async |mut client: etcd_client::Client| client.get(key, None).await;
        let answer = self.shared.call("reading the ticket keys", limit, read).await?;
        let stored = answer.kvs().first();
        let revision = stored.map_or(0, etcd_client::KeyValue::mod_revision);
        let ring = stored.map(|kv| Ring::read(kv.value())).unwrap_or_default();
        let now = clock::unix_millis();
        let Some(next) = ring.rotated(now) else {
            self.tickets.share(ring.keys(now), Arc::clone(&self.ledger) as _);
            return Ok(());
        };
        let unchanged = Compare::mod_revision(key, CompareOp::Equal, revision);
        let txn = Txn::new().when([unchanged]).and_then([TxnOp::put(key, next.to_bytes(), None)]);
        let write = async |mut client: etcd_client::Client| client.txn(txn).await;
        let answer = self.shared.call("writing the ticket keys", limit, write).await?;
        if !answer.succeeded() {
            // Another hub was faster: its keys are read with the next look.
            return Err(Fault::Unknown("another hub has written them".to_owned()));
        }
        tracing::info!(keys = next.len(), "a new key for resume tickets");
        self.tickets.share(next.keys(now), Arc::clone(&self.ledger) as _);
        Ok(())
    }
}
