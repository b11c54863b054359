//! The one watch of the bus: on a connection of its own, from a revision, drained at once into the log.
//!
//! ```text
//! connect -> origin (epoch?) -> watch from `next` -> events -> Assembler -> Sink
//!    ^           | another epoch, or the revision went back: new epoch, begin anew
//!    +-- back-off+-- compacted below `next`: gap, go on at the oldest revision there is
//! ```
//!
//! Progress is asked for every few seconds: it proves the stream alive, and moves `next` on while there are no messages, so that a
//! compaction of what this hub has seen is never mistaken for a loss.

use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, EventType, WatchFilterType, WatchOptions, WatchResponse, WatchStream};
use tokio::time::{Instant, sleep_until, timeout};

use super::condition::Part;
use super::fault::Fault;
use super::order::{Assembler, Event, Pushed};
use super::origin::{self, Origin};
use super::{Core, window};
use crate::backoff::Backoff;
use crate::clock::unix_millis;
use crate::protocol::GapReason;

/// Responses are split by etcd near its own request limit (1.5 MiB unless told otherwise).
const MAX_RESPONSE: usize = 64 << 20;
/// How often progress is asked for until the watch has caught up.
const CATCHING_UP: Duration = Duration::from_millis(100);

/// Why a stream of events ended.
enum End {
    Broken(Fault),
    /// etcd has nothing older than this revision any more.
    Compacted(u64),
    /// The epoch key changed.
    NewEpoch,
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// The state of the watch.
pub(crate) struct Watcher {
    core: Arc<Core>,
    assembler: Assembler,
    origin: Option<Origin>,
    /// The first revision not delivered yet.
    next: u64,
    /// Whether the log was told of the current epoch.
    begun: bool,
    /// Whether it was told of an earlier one.
    is_change: bool,
}

impl Watcher {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        // What a hub puts is below the limit of a batch; by hand etcd lets about 1.5 MiB through.
        let max_value = (core.etcd.settings().max_batch_bytes.as_u64() as usize).max(1 << 20);
        let assembler = Assembler::new(core.keys.clone(), max_value);
        Self { core, assembler, origin: None, next: 0, begun: false, is_change: false }
    }

    /// Watches until the bus stops.
    pub(crate) async fn run(mut self) {
        let core = Arc::clone(&self.core);
        let mut backoff = Backoff::default();
        loop {
            let started = Instant::now();
            let fault = tokio::select! {
                () = core.stop.cancelled() => return,
                fault = self.connected() => fault,
            };
            self.next = self.assembler.resume(self.next);
            core.metrics.watch_reconnects.add(1);
            core.condition.fails(Part::Watch, &fault);
            tracing::info!(error = %fault, next = self.next, "the watch broke, connecting again");
            if started.elapsed() > Duration::from_secs(1) {
                backoff.reset();
            }
            if core.wait_or_stop(backoff.next()).await {
                return;
            }
        }
    }

    /// One connection, until it breaks.
    async fn connected(&mut self) -> Fault {
        let mut client = match self.core.etcd.own().await {
            Ok(client) => client,
            Err(fault) => return fault,
        };
        loop {
            let end = match self.orient(&mut client).await {
                Ok(head) => self.stream(&mut client, head).await,
                Err(fault) => return fault,
            };
            self.next = self.assembler.resume(self.next);
            match end {
                End::Broken(fault) => return fault,
                End::NewEpoch => tracing::warn!("the epoch of etcd changed"),
                End::Compacted(oldest) => {
                    self.begin_before(oldest);
                    self.core.sink.gap(oldest - 1, GapReason::Compacted);
                    self.next = oldest;
                }
            }
        }
    }

    /// Finds out whether this is the history we know, and where to go on in it. Returns its newest revision.
    async fn orient(&mut self, client: &mut Client) -> Result<u64, Fault> {
        let core = Arc::clone(&self.core);
        let limit = core.request_timeout();
        let read = async |client: &mut Client| {
            timeout(limit, origin::read(client, &core.keys)).await.map_err(|_| Fault::timeout("reading the epoch"))?
        };
        let mut found = read(client).await?;
        if let Some(known) = &self.origin
            && known.epoch() == found.epoch()
        {
            if found.revision + 1 >= self.next {
                core.metrics.head_revision.raise(found.revision);
                return Ok(found.revision);
            }
            tracing::warn!(revision = found.revision, next = self.next, "the revision of etcd went back");
            origin::renew(client, &core.keys, &found.mark).await?;
            found = read(client).await?;
        }
        self.next = window::start(client, &core, found.revision).await?;
        self.is_change = self.is_change || self.begun;
        self.begun = false;
        core.metrics.head_revision.set(found.revision);
        core.metrics.delivered_revision.set(self.next - 1);
        tracing::info!(epoch = %found.epoch(), revision = found.revision, from = self.next, "connected to etcd");
        let head = found.revision;
        self.origin = Some(found);
        core.oriented.send_replace(true);
        Ok(head)
    }

    /// The log hears of an epoch only when it is known where its delivery starts.
    fn begin_before(&mut self, next: u64) {
        if let Some(origin) = &self.origin
            && !self.begun
        {
            self.begun = true;
            self.core.sink.begin(origin.epoch(), next.saturating_sub(1), origin.revision, self.is_change);
        }
    }

    async fn stream(&mut self, client: &mut Client, head: u64) -> End {
        let mut stream = match self.open(client).await {
            Ok(stream) => stream,
            Err(fault) => return End::Broken(fault),
        };
        let silence = self.core.etcd.settings().watch_timeout.as_std();
        let mut caught_up = false;
        let mut heard = Instant::now();
        let mut ask = heard;
        loop {
            tokio::select! {
                biased;
                message = stream.message() => {
                    heard = Instant::now();
                    let result = match message {
                        Ok(Some(response)) => self.take(&response, head),
                        Ok(None) => Err(End::Broken(Fault::Unknown("etcd closed the watch".to_owned()))),
                        Err(error) => Err(End::Broken(error.into())),
                    };
                    if let Err(end) = result {
                        return end;
                    }
                    if !caught_up && self.begun && self.next > head {
                        caught_up = true;
                        self.core.sink.caught_up();
                        ask = heard + silence / 3;
                        self.core.condition.works(Part::Watch);
                        self.core.ready.send_replace(true);
                    }
                }
                () = sleep_until(heard + silence) => return End::Broken(Fault::timeout("the watch")),
                () = sleep_until(ask) => {
                    ask = Instant::now() + if caught_up { silence / 3 } else { CATCHING_UP };
                    if let Err(error) = stream.request_progress().await {
                        return End::Broken(error.into());
                    }
                }
            }
        }
    }

    async fn open(&self, client: &Client) -> Result<WatchStream, Fault> {
        let (from, to) = self.core.keys.watched();
        let options = WatchOptions::new()
            .with_range(to)
            .with_start_revision(self.next as i64)
            .with_filters([WatchFilterType::NoDelete])
            .with_fragment()
            .with_progress_notify();
        let mut watch = client.watch_client().max_decoding_message_size(MAX_RESPONSE);
        let opened = timeout(self.core.request_timeout(), watch.watch(from, Some(options))).await;
        Ok(opened.map_err(|_| Fault::timeout("opening the watch"))??)
    }

    fn take(&mut self, response: &WatchResponse, head: u64) -> Result<(), End> {
        let revision = response.header().map_or(0, |header| header.revision().max(0) as u64);
        self.core.metrics.head_revision.raise(revision);
        if response.canceled() {
            return Err(match u64::try_from(response.compact_revision()) {
                Ok(oldest) if oldest > 0 => End::Compacted(oldest),
                _ => End::Broken(Fault::Unknown(format!("etcd ended the watch: {}", response.cancel_reason()))),
            });
        }
        if response.created() {
            // Nothing is older than what we ask for: there will be no compaction to hear of.
            if self.next > head {
                self.begin_before(self.next);
            }
            return Ok(());
        }
        self.begin_before(self.next);
        if response.events().is_empty() {
            // Progress: everything up to this revision was sent.
            if revision + 1 > self.next {
                self.next = revision + 1;
                self.core.sink.progress(revision);
                self.core.metrics.delivered_revision.set(revision);
            }
            return Ok(());
        }
        self.take_events(response)
    }

    fn take_events(&mut self, response: &WatchResponse) -> Result<(), End> {
        let now = unix_millis();
        let mut new_epoch = false;
        for event in response.events() {
            let Some(kv) = event.kv().filter(|_| event.event_type() == EventType::Put) else { continue };
            let revision = kv.mod_revision().max(0) as u64;
            // One below `next` may be the rest of a revision that etcd split. Anything else was delivered already: etcd has sent such
            // events to a watch from a future revision (etcd issue 20221).
            if revision < self.next && !self.assembler.is_at(revision) {
                tracing::warn!(revision, next = self.next, "etcd repeated an old event");
                self.core.metrics.skipped.add(1);
                continue;
            }
            self.next = self.next.max(revision + 1);
            match self.assembler.push(Event { revision, key: kv.key(), value: kv.value() }, now) {
                Pushed::Fine => {}
                Pushed::Skipped => self.core.metrics.skipped.add(1),
                Pushed::Epoch(mark) => new_epoch = self.origin.as_ref().is_some_and(|origin| origin.mark != mark),
            }
        }
        for own in self.core.sink.deliver(self.assembler.take(), self.core.writer) {
            if let Some(lag) = self.core.pending.delivered(own.counter, own.revision, &own.offsets) {
                self.core.observer.watch_lag(lag);
                self.core.metrics.watch_lag_micros.set(lag.as_micros() as u64);
            }
        }
        self.core.metrics.delivered_revision.set(self.next - 1);
        if new_epoch { Err(End::NewEpoch) } else { Ok(()) }
    }
}
