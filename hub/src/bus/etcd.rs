//! The bus of a cluster: one ordered history in etcd, the same on every hub.
//!
//! ```text
//! publish -> queue -> Publisher -- txn (fenced) --> etcd -- watch --> Watcher -> Assembler -> Sink -> log
//!                        |                                                                     |
//!                        +--> Pending (receipts) <------------- own batch returned ------------+
//! session: lease, registry entry, fence      window: samples, compaction      clock: deadlines, mode
//! ```
//!
//! The order is etcd's revision, and inside it the order of publishing (see `order`). A receipt is resolved when the watch returns the
//! publication, because only then it is known not to be a duplicate. Decisions: docs/adr/0005 to 0008.

mod buffer;
mod condition;
mod connect;
mod fault;
mod foreign;
mod keys;
mod order;
mod origin;
mod pending;
mod put;
mod queue;
mod session;
mod sink;
mod unicast_lease;
mod watch;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use etcd_client::ResponseHeader;
use futures::future::BoxFuture;
use gohub_settings::Etcd;
use tokio::sync::{Notify, watch as latest};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use buffer::Buffer;
use condition::{Condition, Part};
use pending::{Pending, Promise, Stage};
use queue::{Queue, QueueLimits, Waiting};
use session::Session;
use sink::Sink;

pub(crate) use {
    connect::{Connector, Shared},
    fault::Fault,
    keys::Keys,
};

use super::{
    BusHealth, BusHop, BusMetrics, BusObserver, Inlet, MessageBus, Partition, PublishError, Receipt, SeenLimits, batch,
};
use crate::lifecycle::Tasks;
use crate::protocol::{Epoch, Mode, Publication, Target};

/// How often deadlines and the mode are looked at.
const TICK: Duration = Duration::from_millis(50);
/// A fault shorter than this (or than half the request timeout) is no outage: an election of etcd takes 1 to 2 seconds.
const GRACE: Duration = Duration::from_secs(2);
/// Ticks between two looks whether more is kept than the policies allow: they are edited by people.
const TRIM: u32 = 20;

/// What becomes of a publication while etcd does not work, by target; asked for every publication, so it follows the settings.
pub type PartitionPolicy = Arc<dyn Fn(&Target) -> Partition + Send + Sync>;

/// Makes the text of this hub's entry in the registry.
pub type RegistryEntry = Arc<dyn Fn() -> String + Send + Sync>;

/// What an etcd bus is made of.
pub struct EtcdParts {
    /// Where etcd is, and the bounds.
    pub etcd: Etcd,
    /// This hub's name in the registry; unique in the cluster.
    pub node: String,
    /// How long idempotency keys are remembered.
    pub seen: SeenLimits,
    /// What a room does without etcd.
    pub policy: PartitionPolicy,
    /// What this hub says about itself in the registry (JSON); asked every few seconds and after [`EtcdBus::renew_entry`].
    pub entry: RegistryEntry,
    /// Where deliveries go.
    pub inlet: Arc<dyn Inlet>,
    /// What is counted.
    pub metrics: Arc<BusMetrics>,
    /// What is measured.
    pub observer: Arc<dyn BusObserver>,
    /// Where its tasks run; it stops its own group of them.
    pub tasks: Tasks,
}

/// A [`MessageBus`] over etcd.
pub struct EtcdBus {
    core: Arc<Core>,
    policy: PartitionPolicy,
    closing: AtomicBool,
    publisher: std::sync::Mutex<Option<JoinHandle<()>>>,
    tasks: Tasks,
}

/// What the tasks of one bus share.
pub(crate) struct Core {
    keys: Keys,
    node: String,
    /// Random at the start of this bus: tells its batches from those of an earlier process with the same name.
    writer: u64,
    etcd: connect::Shared,
    metrics: Arc<BusMetrics>,
    observer: Arc<dyn BusObserver>,
    entry: RegistryEntry,
    queue: Queue,
    buffer: Arc<Buffer>,
    pending: Pending,
    sink: Sink,
    condition: Condition,
    session: latest::Sender<Option<Session>>,
    /// Whether the watch knows where this bus begins. Nothing is published before: it would count as said before this hub came, and
    /// whoever is connected would never get it.
    oriented: latest::Sender<bool>,
    ready: latest::Sender<bool>,
    /// The publisher found its fence gone.
    lost: Notify,
    /// The registry's entry should be written now.
    renew: Notify,
    stop: CancellationToken,
}

impl Core {
    fn request_timeout(&self) -> Duration {
        self.etcd.settings().request_timeout.as_std()
    }

    /// The revision in an answer's header, which is also news about how far etcd is.
    fn note_header(&self, header: Option<&ResponseHeader>) -> u64 {
        let revision = header.map_or(0, |header| header.revision().max(0) as u64);
        self.metrics.head_revision.raise(revision);
        revision
    }

    /// Put before watch, as messages go; what was committed and has not come back is the watch's, whatever it reports of itself.
    fn broken_hop(&self) -> Option<BusHop> {
        let can_put = self.condition.is_whole_for(Part::Put) && self.condition.is_whole_for(Part::Lease);
        match self.pending.oldest() {
            _ if !can_put => Some(BusHop::Put),
            Some(Stage::Committed) => Some(BusHop::Watch),
            _ if !self.condition.is_whole_for(Part::Watch) => Some(BusHop::Watch),
            Some(Stage::Sent) => Some(BusHop::Put),
            None => None,
        }
    }

    fn node_value(&self) -> String {
        (self.entry)()
    }

    /// `true` when the bus stopped before the time was over.
    async fn wait_or_stop(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stop.cancelled()).await.is_ok()
    }
}

impl EtcdBus {
    /// Starts to connect; [`ready`](Self::ready) says when it delivers. Until then publications wait, within their bounds.
    pub fn start(parts: EtcdParts) -> Arc<Self> {
        let EtcdParts { etcd, node, seen, policy, entry, inlet, metrics, observer, tasks } = parts;
        let tasks = tasks.group();
        let limits = QueueLimits {
            count: etcd.queue as usize,
            bytes: etcd.queue_bytes.as_u64() as usize,
            batch_bytes: etcd.max_batch_bytes.as_u64() as usize,
        };
        let core = Arc::new(Core {
            keys: Keys::new(&etcd.key_prefix),
            node,
            writer: fastrand::u64(1..),
            queue: Queue::new(limits, Arc::clone(&metrics)),
            buffer: Buffer::new(Arc::clone(&metrics)),
            pending: Pending::default(),
            sink: Sink::new(inlet, Arc::clone(&metrics), seen),
            condition: Condition::new(GRACE.min(etcd.request_timeout.as_std() / 2)),
            session: latest::Sender::new(None),
            oriented: latest::Sender::new(false),
            ready: latest::Sender::new(false),
            lost: Notify::new(),
            renew: Notify::new(),
            stop: tasks.token(),
            etcd: connect::Shared::new(Connector::new(etcd)),
            metrics,
            observer,
            entry,
        });
        drop(tasks.spawn("bus watch", watch::Watcher::new(Arc::clone(&core)).run()));
        drop(tasks.spawn("bus session", session::run(Arc::clone(&core))));
        drop(tasks.spawn("bus window", window::run(Arc::clone(&core))));
        drop(tasks.spawn("bus clock", clock(Arc::clone(&core), Arc::clone(&policy))));
        let publisher = tasks.spawn("bus publisher", put::Publisher::new(Arc::clone(&core)).run());
        Arc::new(Self {
            core,
            policy,
            closing: AtomicBool::new(false),
            publisher: std::sync::Mutex::new(Some(publisher)),
            tasks,
        })
    }

    /// Waits until the watch has caught up for the first time. Waits for ever when etcd cannot be reached: give it a deadline.
    pub async fn ready(&self) {
        let mut ready = self.core.ready.subscribe();
        // The sender lives as long as the core: this ends with `true`.
        drop(ready.wait_for(|ready| *ready).await);
    }

    /// Writes the registry's entry now (the state or the configuration changed).
    pub fn renew_entry(&self) {
        self.core.renew.notify_one();
    }

    /// What it counts.
    pub fn metrics(&self) -> Arc<BusMetrics> {
        Arc::clone(&self.core.metrics)
    }
}

impl MessageBus for EtcdBus {
    fn publish(&self, publication: Publication, receipt: Receipt) {
        let core = &self.core;
        if self.closing.load(Ordering::Acquire) {
            return receipt.resolve(Err(PublishError::Closed));
        }
        if let Some(first) = core.sink.find(&publication) {
            core.metrics.duplicates.add(1);
            return receipt.resolve(Ok(first));
        }
        let now = Instant::now();
        let is_degraded = core.condition.mode() == Mode::Degraded;
        let promise = match (self.policy)(&publication.target) {
            Partition::LocalOnly if is_degraded => {
                return receipt.resolve(Ok(core.sink.deliver_here(publication)));
            }
            Partition::FailClosed if is_degraded => {
                core.metrics.failed.add(1);
                let reason = core.condition.last_error().unwrap_or_default();
                return receipt.resolve(Err(PublishError::Degraded(reason)));
            }
            Partition::FailClosed | Partition::LocalOnly => {
                Promise { receipt, deadline: now + core.request_timeout(), place: None }
            }
            Partition::Buffer(limits) => {
                let superseded = if is_degraded { core.queue.supersede(&publication, receipt) } else { Err(receipt) };
                let receipt = match superseded {
                    Ok(first) => return first.resolve(Err(PublishError::Timeout)),
                    Err(receipt) => receipt,
                };
                let bounds = is_degraded.then_some(limits);
                match core.buffer.place(&publication.target, batch::entry_bytes(&publication), bounds) {
                    Ok(place) => Promise { receipt, deadline: now + limits.age, place: Some(place) },
                    Err(error) => {
                        core.metrics.failed.add(1);
                        return receipt.resolve(Err(error));
                    }
                }
            }
        };
        core.queue.push(publication, promise);
    }

    fn health(&self) -> BusHealth {
        let core = &self.core;
        let (queued, queued_bytes) = core.queue.size();
        BusHealth {
            delivering: core.condition.is_whole() && *core.ready.borrow() && !self.closing.load(Ordering::Acquire),
            broken: core.broken_hop(),
            mode: core.condition.mode(),
            lag_revisions: core.metrics.lag_revisions(),
            lag: Duration::from_micros(core.metrics.watch_lag_micros.get()),
            queued,
            queued_bytes,
            last_error: core.condition.last_error(),
        }
    }

    fn epoch(&self) -> Epoch {
        self.core.sink.epoch()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let core = &self.core;
            self.closing.store(true, Ordering::Release);
            core.queue.close();
            let limit = core.request_timeout();
            let publisher = self.publisher.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            let flush = async {
                if let Some(publisher) = publisher {
                    drop(publisher.await);
                }
                core.pending.until_empty().await;
            };
            if tokio::time::timeout(limit, flush).await.is_err() {
                tracing::warn!("the bus closes with publications that etcd has not acknowledged");
            }
            let session = *core.session.borrow();
            // Tasks first: a session that finds its lease revoked would register again.
            drop(self.tasks.stop(limit).await);
            if let Some(session) = session {
                session::end(core, session).await;
            }
            let abandoned = core.queue.extract(|_| true).len() + core.pending.abandon();
            if abandoned > 0 {
                tracing::warn!(abandoned, "publishers were told that the bus is closed, and not acked");
            }
        })
    }
}

/// Looks at deadlines and at the mode.
async fn clock(core: Arc<Core>, policy: PartitionPolicy) {
    for tick in 0_u32.. {
        if core.wait_or_stop(TICK).await {
            return;
        }
        let now = Instant::now();
        for waiting in core.queue.expired(now) {
            core.metrics.failed.add(1);
            waiting.resolve(Err(PublishError::Unavailable("etcd does not answer".to_owned())));
        }
        core.metrics.failed.add(core.pending.expire(now) as u64);
        let changed = core.condition.judge(now);
        let is_trimmed = changed.is_some() || tick % TRIM == 0;
        if let Some((mode, reason)) = changed {
            tracing::warn!(mode = mode.name(), %reason, "the mode of the bus changed");
            core.metrics.degraded.set(u64::from(mode == Mode::Degraded));
            core.sink.mode(mode, &reason);
        }
        if core.condition.mode() == Mode::Degraded {
            let is_local = |target: &Target| policy(target) == Partition::LocalOnly;
            for waiting in core.queue.extract(|waiting| is_local(&waiting.publication.target)) {
                let Waiting { publication, promise, .. } = waiting;
                promise.resolve(Ok(core.sink.deliver_here(publication)));
            }
            for (waiting, error) in if is_trimmed { core.queue.trim(&*policy) } else { Vec::new() } {
                core.metrics.failed.add(1);
                waiting.resolve(Err(error));
            }
        }
    }
}

impl std::fmt::Debug for EtcdBus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EtcdBus")
            .field("node", &self.core.node)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EtcdParts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EtcdParts").field("node", &self.node).field("etcd", &self.etcd).finish_non_exhaustive()
    }
}
