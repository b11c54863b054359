//! The publisher: one transaction in flight; what arrives meanwhile goes into the next (natural batching, no timer).
//!
//! ```text
//! if   fence key is at the revision where I left it
//! then put broadcast = batch; put unicast/{c} = batch ...; put fence = counter
//! else get fence
//! ```
//!
//! The fence makes a repeated attempt harmless: when the first one was committed after all, the second finds the fence moved to its own counter
//! and knows so. When the fence is gone, the lease is: this hub was away for too long and registers anew before it writes again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp, TxnOpResponse, TxnResponse};
use tokio::time::timeout;

use super::Core;
use super::condition::Part;
use super::fault::Fault;
use super::queue::Waiting;
use super::session::Session;
use super::unicast_lease::UnicastLease;
use crate::backoff::Backoff;
use crate::bus::PublishError;
use crate::bus::batch::{self, BatchId};
use crate::protocol::{Publication, Target};

/// One transaction, ready to be sent as often as needed.
struct Batch {
    counter: u64,
    publications: usize,
    bytes: usize,
    /// Key and value; `true` for unicast keys, which get the short lease.
    values: Vec<(String, Vec<u8>, bool)>,
    /// By index, those that are kept through an outage.
    kept: Vec<(usize, Publication)>,
}

/// How one attempt ended.
enum Attempt {
    Committed(u64),
    /// The fence stands elsewhere: at this revision.
    Moved(u64),
    /// The fence is gone, and the lease with it.
    Lost,
}

/// The state of the publisher.
pub(crate) struct Publisher {
    core: Arc<Core>,
    counter: u64,
    session: Option<Session>,
    /// Revision at which the fence key is expected.
    fence: u64,
    unicast: UnicastLease,
    backoff: Backoff,
}

impl Publisher {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            counter: 0,
            session: None,
            fence: 0,
            unicast: UnicastLease::default(),
            backoff: Backoff::default(),
        }
    }

    /// Runs until the queue is closed and empty, or the bus stops.
    pub(crate) async fn run(mut self) {
        let core = Arc::clone(&self.core);
        loop {
            tokio::select! {
                () = core.stop.cancelled() => return,
                filled = core.queue.filled() => if !filled { return },
                () = self.heal(), if !core.condition.is_whole_for(Part::Put) => continue,
            }
            if !self.ensure_session().await {
                return;
            }
            let waiting = core.queue.take();
            if waiting.is_empty() {
                continue;
            }
            let batch = self.batch(waiting);
            tokio::select! {
                () = core.stop.cancelled() => return,
                () = self.send(&batch) => {}
            }
        }
    }

    /// With nothing to publish, finds out whether etcd takes writes again; else nobody would until the next publication.
    async fn heal(&mut self) {
        tokio::time::sleep(self.backoff.next().max(Duration::from_millis(50))).await;
        let core = &self.core;
        let limit = core.request_timeout();
        let Some(session) = *core.session.borrow() else { return };
        // A write, for with its NOSPACE alarm etcd still reads: the fence key's value is not looked at.
        let options = PutOptions::new().with_lease(session.lease);
        let key = core.keys.probe(core.writer);
        match core.etcd.call("probing etcd", limit, async |mut client| client.put(key, "", Some(options)).await).await {
            Ok(answer) => {
                core.note_header(answer.header());
                self.backoff.reset();
                core.condition.works(Part::Put);
            }
            Err(fault) => core.condition.fails(Part::Put, &fault),
        }
    }

    /// Waits until the watch knows where it begins, and for a registration that holds. `false` when the bus stops.
    async fn ensure_session(&mut self) -> bool {
        let core = Arc::clone(&self.core);
        let (mut oriented, mut sessions) = (core.oriented.subscribe(), core.session.subscribe());
        let both = async {
            oriented.wait_for(|oriented| *oriented).await.ok()?;
            *sessions.wait_for(Option::is_some).await.ok()?
        };
        let session = tokio::select! {
            () = core.stop.cancelled() => return false,
            session = both => session,
        };
        let Some(session) = session else { return false };
        if self.session != Some(session) {
            self.session = Some(session);
            self.fence = session.fence;
        }
        true
    }

    fn batch(&mut self, waiting: Vec<Waiting>) -> Batch {
        self.counter += 1;
        let id = BatchId { writer: self.core.writer, counter: self.counter };
        let mut keys: BTreeMap<Option<String>, Vec<(u32, Publication)>> = BTreeMap::new();
        let mut promises = Vec::with_capacity(waiting.len());
        let mut kept = Vec::new();
        let total = waiting.len() as u32;
        for (index, Waiting { publication, promise, .. }) in (0..).zip(waiting) {
            if promise.place.is_some() {
                kept.push((index as usize, publication.clone()));
            }
            let client = match &publication.target {
                Target::Client(client) => Some(client.as_str().to_owned()),
                Target::Broadcast | Target::Room(_) => None,
            };
            keys.entry(client).or_default().push((index, publication));
            promises.push(promise);
        }
        self.core.pending.insert(self.counter, promises);
        let values = keys.into_iter().map(|(client, list)| {
            let value = batch::encode(id, total, list.iter().map(|(index, publication)| (*index, publication)));
            match client {
                None => (self.core.keys.broadcast(), value, false),
                Some(client) => (self.core.keys.unicast(&client), value, true),
            }
        });
        let values: Vec<_> = values.collect();
        let bytes = values.iter().map(|(_, value, _)| value.len()).sum();
        Batch { counter: self.counter, publications: total as usize, bytes, values, kept }
    }

    /// Sends until it is committed, refused for good, or nobody waits for it any more.
    async fn send(&mut self, batch: &Batch) {
        let core = Arc::clone(&self.core);
        let mut patience = core.request_timeout() / 4;
        // Whether an attempt may have been committed although nobody said so.
        let mut is_uncertain = false;
        for attempt in 0_u32.. {
            if attempt > 0 {
                core.metrics.retries.add(1);
                if !core.pending.is_waiting(batch.counter) {
                    return;
                }
            }
            if !self.ensure_session().await {
                return;
            }
            match self.attempt(batch, patience).await {
                Ok(Attempt::Committed(revision)) => return self.committed(batch, revision),
                Ok(Attempt::Moved(revision)) => self.fence = revision,
                Ok(Attempt::Lost) => {
                    core.condition.fails(Part::Lease, "the lease of this hub is lost");
                    // Only the session that was found lost is given up; a newer one may be there already.
                    core.session
                        .send_if_modified(|session| session.take_if(|held| self.session == Some(*held)).is_some());
                    self.session = None;
                    core.lost.notify_one();
                }
                Err(Fault::LeaseGone) => self.unicast.forget(),
                Err(fault @ (Fault::NoSpace | Fault::Refused(_))) if !is_uncertain => {
                    core.condition.fails(Part::Put, &fault);
                    return self.refused(batch, &fault).await;
                }
                Err(fault) => {
                    is_uncertain = true;
                    core.condition.fails(Part::Put, &fault);
                    tracing::debug!(error = %fault, attempt, "a batch was not acknowledged, trying again");
                    patience = (patience * 2).min(core.request_timeout());
                    tokio::time::sleep(self.backoff.next()).await;
                }
            }
        }
    }

    /// Nothing of the batch was written. What is kept through an outage goes back into the queue, unless etcd will never take it; the others are told.
    async fn refused(&mut self, batch: &Batch, fault: &Fault) {
        let core = Arc::clone(&self.core);
        let error = PublishError::Unavailable(fault.to_string());
        let mut promises = core.pending.take_back(batch.counter);
        let mut again = Vec::new();
        if *fault == Fault::NoSpace {
            for (index, publication) in &batch.kept {
                let promise = promises.get_mut(*index).and_then(Option::take);
                again.extend(promise.map(|promise| (publication.clone(), promise)));
            }
        }
        let mut failed = 0;
        for promise in promises.into_iter().flatten() {
            promise.resolve(Err(error.clone()));
            failed += 1;
        }
        core.metrics.failed.add(failed);
        tracing::warn!(error = %fault, publications = failed, kept = again.len(), "etcd refused a batch");
        if !again.is_empty() {
            core.queue.put_back(again);
            tokio::time::sleep(self.backoff.next().max(Duration::from_millis(50))).await;
        }
    }

    fn committed(&mut self, batch: &Batch, revision: u64) {
        let core = &self.core;
        self.fence = revision;
        self.backoff.reset();
        core.condition.works(Part::Put);
        core.pending.committed(batch.counter, revision, core.request_timeout());
        core.metrics.batches.add(1);
        core.metrics.published.add(batch.publications as u64);
        core.metrics.published_bytes.add(batch.bytes as u64);
        core.observer.batch(batch.publications, batch.bytes);
    }

    async fn attempt(&mut self, batch: &Batch, patience: Duration) -> Result<Attempt, Fault> {
        let core = Arc::clone(&self.core);
        let txn = self.transaction(batch).await?;
        let (generation, mut client) = core.etcd.get().await?;
        core.pending.attempted(batch.counter);
        let started = Instant::now();
        let answer = tokio::select! {
            answer = timeout(patience, client.txn(txn)) => answer,
            // The watch may be faster than an answer that is lost.
            revision = core.pending.until_returned(batch.counter) => return Ok(Attempt::Committed(revision)),
        };
        let answer = match answer {
            Ok(answer) => answer.map_err(Fault::from),
            Err(_) => Err(Fault::timeout("a transaction")),
        };
        if answer.as_ref().is_err_and(Fault::is_broken_connection) {
            core.etcd.broken(generation);
        }
        let answer = answer?;
        core.observer.put(started.elapsed());
        let revision = core.note_header(answer.header());
        if answer.succeeded() {
            return Ok(Attempt::Committed(revision));
        }
        Ok(fence_of(&answer).map_or(Attempt::Lost, |(counter, revision)| {
            if counter == batch.counter { Attempt::Committed(revision) } else { Attempt::Moved(revision) }
        }))
    }

    async fn transaction(&mut self, batch: &Batch) -> Result<Txn, Fault> {
        let core = Arc::clone(&self.core);
        let fence = core.keys.writer(core.writer);
        let lease = self.session.map_or(0, |session| session.lease);
        let unicasts = batch.values.iter().filter(|(_, _, is_unicast)| *is_unicast).count();
        let short = if unicasts > 0 { self.unicast.get(&core, unicasts).await? } else { 0 };
        let mut operations = Vec::with_capacity(batch.values.len() + 1);
        for (key, value, is_unicast) in &batch.values {
            let options = is_unicast.then(|| PutOptions::new().with_lease(short));
            operations.push(TxnOp::put(key.as_str(), value.as_slice(), options));
        }
        let leased = PutOptions::new().with_lease(lease);
        operations.push(TxnOp::put(fence.as_str(), batch.counter.to_string(), Some(leased)));
        Ok(Txn::new()
            .when([Compare::mod_revision(fence.as_str(), CompareOp::Equal, self.fence as i64)])
            .and_then(operations)
            .or_else([TxnOp::get(fence, None)]))
    }
}

/// Counter and revision of the fence key in the answer of a transaction that was not done.
fn fence_of(answer: &TxnResponse) -> Option<(u64, u64)> {
    answer.op_responses().iter().find_map(|answer| match answer {
        TxnOpResponse::Get(found) => {
            let kv = found.kvs().first()?;
            let counter = std::str::from_utf8(kv.value()).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            Some((counter, kv.mod_revision().max(0) as u64))
        }
        _ => None,
    })
}
