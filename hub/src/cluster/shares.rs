//! Limits of the whole cluster, as shares that hubs hold for a while.
//!
//! ```text
//! <prefix>/usage/hubs/{lease}   {"connections":{"share":40,"used":31,"want":31},"accept_rate":{..}}   on that lease
//! <prefix>/usage/turn           written with every change of a share
//!
//!   turn: keep the lease alive -> read the table -> plan (pure) -> less? use less at once
//!         -> write my line if nobody else has written since I read -> more? use more from now on
//! ```
//!
//! The sum of all lines is never above the limit: a hub writes only its own line, takes only what the lines leave free, and only if the table is still the
//! one it read. A share counts for as long as the hub can prove that its lease lives, by the time of its last answer, and the line goes with the lease:
//! a hub that is dead, hangs or is cut off stops using its share before another can take it. What it then still has connected counts for nobody.

mod plan;

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, Txn, TxnOp};
use gohub_settings::Etcd;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::bus::etcd::{Connector, Fault, Keys, Shared};
use crate::lifecycle::Tasks;
use plan::{Claim, plan};

/// How often a hub has its turn, a quarter more or less.
const TURN: Duration = Duration::from_millis(500);
/// How soon it tries again when another was faster.
const AGAIN: Duration = Duration::from_millis(20);
/// Of a lease's time, what a share counts for: clocks do not run alike.
const TRUST: f64 = 0.8;
/// How long a hub that goes waits until its line is out of the table.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a hub asks for of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The limit of the whole cluster.
    pub limit: u32,
    /// What this hub uses and cannot give up.
    pub used: u32,
    /// What it would use.
    pub want: u32,
}

/// One value for each limit of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budgets<T> {
    /// Connections.
    pub connections: T,
    /// New connections a second.
    pub accept_rate: T,
}

impl<T> Budgets<T> {
    fn map<U>(self, change: impl Fn(T) -> U) -> Budgets<U> {
        Budgets { connections: change(self.connections), accept_rate: change(self.accept_rate) }
    }

    fn zip<U, V>(self, other: Budgets<U>, join: impl Fn(T, U) -> V) -> Budgets<V> {
        Budgets {
            connections: join(self.connections, other.connections),
            accept_rate: join(self.accept_rate, other.accept_rate),
        }
    }
}

/// What this hub may use; `None`: there is no such limit.
pub type Shares = Budgets<Option<u32>>;

/// Who uses the shares of this hub.
pub trait ShareHolder: Send + Sync + 'static {
    /// The limits in force, and what is wanted of them. Asked every half a second.
    fn asks(&self) -> Budgets<Option<Ask>>;

    /// What may be used from now on, until `until`; after that nothing of what is limited.
    fn may_use(&self, shares: Shares, until: Instant);
}

/// The line of one hub.
type Line = Budgets<Claim>;

struct Lease {
    id: i64,
    /// When the request was sent that etcd answered last.
    kept: Instant,
}

/// See the module.
struct Keeper {
    prefix: String,
    etcd: Shared,
    holder: Arc<dyn ShareHolder>,
    lease: Option<Lease>,
}

/// Takes and gives back shares until the tasks stop.
pub(super) fn keep(etcd: Etcd, holder: Arc<dyn ShareHolder>, tasks: &Tasks) {
    let prefix = Keys::new(&etcd.key_prefix).usage();
    let keeper = Keeper { prefix, etcd: Shared::new(Connector::new(etcd)), holder, lease: None };
    drop(tasks.spawn("cluster shares", keeper.run(tasks.token())));
}

impl Keeper {
    async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let turn = tokio::select! {
                () = stop.cancelled() => break,
                turn = self.turn() => turn,
            };
            let pause = match turn {
                Ok(true) => {
                    backoff.reset();
                    TURN.mul_f64(0.75 + fastrand::f64() / 2.0)
                }
                Ok(false) => AGAIN.mul_f64(0.5 + fastrand::f64()),
                Err(fault) => {
                    tracing::debug!(error = %fault, "no turn in the table of shares");
                    if fault == Fault::LeaseGone {
                        tracing::warn!(
                            "the lease of this hub's shares is lost: nobody is admitted until it has another"
                        );
                        self.lease = None;
                        self.use_nothing();
                    }
                    backoff.next()
                }
            };
            if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
                break;
            }
        }
        self.give_back().await;
    }

    /// One turn. `false`: another hub was faster.
    async fn turn(&mut self) -> Result<bool, Fault> {
        let asks = self.holder.asks();
        if asks == Budgets::default() {
            self.give_back().await;
            self.holder.may_use(Shares::default(), Instant::now());
            return Ok(true);
        }
        let (lease, until) = self.lease().await?;
        let (mut lines, seen) = self.table().await?;
        let me = match lines.iter().position(|(key, _)| *key == self.key(lease)) {
            Some(me) => me,
            None => {
                lines.push((self.key(lease), Line::default()));
                lines.len() - 1
            }
        };
        let told = lines[me].1;
        let mine = asks.zip(told, |ask, told| {
            ask.map_or_else(Claim::default, |ask| Claim { used: ask.used, want: ask.want, ..told })
        });
        lines[me].1 = mine;
        let connections = share(asks.connections, &lines, me, |line| line.connections);
        let rate = share(asks.accept_rate, &lines, me, |line| line.accept_rate);
        let next = Budgets {
            connections: Claim { share: connections.unwrap_or(0), ..mine.connections },
            accept_rate: Claim { share: rate.unwrap_or(0), ..mine.accept_rate },
        };
        let of = |line: Line| asks.zip(line, |ask, claim| ask.map(|_| claim.share));
        // Less counts at once, more when it is written.
        let less = told.zip(next, |told, next| Claim { share: told.share.min(next.share), ..next });
        self.holder.may_use(of(less), until);
        let limits = asks.map(|ask| ask.map_or(0, |ask| ask.limit));
        let is_news =
            next.zip(told, |next, told| (next, told)).zip(limits, |(next, told), limit| next.differs(told, limit));
        if is_news.connections || is_news.accept_rate {
            if !self.write(lease, &next, seen).await? {
                return Ok(false);
            }
            self.holder.may_use(of(next), until);
        }
        Ok(true)
    }

    fn key(&self, lease: i64) -> String {
        format!("{}hubs/{lease:016x}", self.prefix)
    }

    /// The lease and until when it can be relied on; takes one or keeps it alive when that is due.
    async fn lease(&mut self) -> Result<(i64, Instant), Fault> {
        let ttl = self.etcd.settings().lease_ttl.as_std();
        let limit = self.etcd.settings().request_timeout.as_std().min(ttl);
        let sent = Instant::now();
        let id = match &self.lease {
            Some(lease) if lease.kept.elapsed() < ttl / 4 => return Ok((lease.id, lease.kept + ttl.mul_f64(TRUST))),
            Some(Lease { id, .. }) => {
                let id = *id;
                let keep = async |mut client: etcd_client::Client| client.lease_keep_alive(id).await;
                let (_, mut stream) = self.etcd.call("keeping the lease of the shares alive", limit, keep).await?;
                // The stream is for one beat; dropping it tells etcd so.
                drop(tokio::time::timeout(Duration::ZERO, stream.message()).await);
                id
            }
            None => {
                let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX).max(1);
                let grant = async |mut client: etcd_client::Client| client.lease_grant(seconds, None).await;
                self.etcd.call("granting the lease of the shares", limit, grant).await?.id()
            }
        };
        self.lease = Some(Lease { id, kept: sent });
        Ok((id, sent + ttl.mul_f64(TRUST)))
    }

    /// Everybody's line, and the revision of the last change.
    async fn table(&self) -> Result<(Vec<(String, Line)>, i64), Fault> {
        let limit = self.etcd.settings().request_timeout.as_std();
        let options = || Some(GetOptions::new().with_prefix());
        let read = async |mut client: etcd_client::Client| client.get(self.prefix.as_str(), options()).await;
        let answer = self.etcd.call("reading the table of shares", limit, read).await?;
        let turn = self.turn_key();
        let mut seen = 0;
        let mut lines = Vec::with_capacity(answer.kvs().len());
        for kv in answer.kvs() {
            if kv.key() == turn.as_bytes() {
                seen = kv.mod_revision();
            } else if let (Ok(key), Ok(line)) = (kv.key_str(), serde_json::from_slice(kv.value())) {
                lines.push((key.to_owned(), line));
            }
        }
        Ok((lines, seen))
    }

    fn turn_key(&self) -> String {
        format!("{}turn", self.prefix)
    }

    /// Writes the line if no share has changed since `seen`.
    async fn write(&self, lease: i64, line: &Line, seen: i64) -> Result<bool, Fault> {
        let limit = self.etcd.settings().request_timeout.as_std();
        let value = serde_json::to_string(line).unwrap_or_default();
        let key = self.key(lease);
        let txn = Txn::new().when([Compare::mod_revision(self.turn_key(), CompareOp::Equal, seen)]).and_then([
            TxnOp::put(self.turn_key(), "", None),
            TxnOp::put(key, value, Some(PutOptions::new().with_lease(lease))),
        ]);
        let write = async |mut client: etcd_client::Client| client.txn(txn).await;
        self.etcd.call("writing the share of this hub", limit, write).await.map(|answer| answer.succeeded())
    }

    fn use_nothing(&self) {
        self.holder.may_use(self.holder.asks().map(|ask| ask.map(|_| 0)), Instant::now());
    }

    /// Uses nothing any more, and lets the others have it as soon as etcd hears of it.
    async fn give_back(&mut self) {
        let Some(Lease { id, .. }) = self.lease.take() else { return };
        self.use_nothing();
        let revoke = async |mut client: etcd_client::Client| client.lease_revoke(id).await;
        if let Err(fault) = self.etcd.call("giving the shares back", FAREWELL, revoke).await {
            tracing::debug!(error = %fault, "the shares of this hub go with its lease");
        }
    }
}

fn share(ask: Option<Ask>, lines: &[(String, Line)], me: usize, of: impl Fn(&Line) -> Claim) -> Option<u32> {
    let claims: Vec<Claim> = lines.iter().map(|(_, line)| of(line)).collect();
    ask.map(|ask| plan(ask.limit, &claims, me))
}
