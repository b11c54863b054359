//! Following a prefix of etcd: lists it, then watches it; after any break it lists again. While etcd is away the last view stays.

use std::time::Duration;

use etcd_client::{Event, GetOptions, KeyValue, WatchOptions};
use gohub_settings::Etcd;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::bus::etcd::{Connector, Fault};

/// Who is told what stands under the prefix.
pub(super) trait Sink: Send {
    /// Everything there is.
    fn listed(&mut self, entries: &[KeyValue]);

    /// What has changed since.
    fn changed(&mut self, events: &[Event]);
}

/// See the module.
pub(super) struct Follower<S> {
    what: &'static str,
    prefix: String,
    request: Duration,
    silence: Duration,
    connector: Connector,
    sink: S,
}

impl<S: Sink> Follower<S> {
    /// Follows what stands under `prefix`; `what` names it in the log.
    pub(super) fn new(what: &'static str, prefix: String, etcd: Etcd, sink: S) -> Self {
        Self {
            what,
            prefix,
            request: etcd.request_timeout.as_std(),
            silence: etcd.watch_timeout.as_std(),
            connector: Connector::new(etcd),
            sink,
        }
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.once(&mut backoff) => outcome,
            };
            if let Err(fault) = outcome {
                tracing::debug!(error = %fault, what = self.what, "following etcd broke");
            }
            if timeout(backoff.next(), stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn once(&mut self, backoff: &mut Backoff) -> Result<(), Fault> {
        let mut client = self.connector.connect().await?;
        let prefix = self.prefix.as_str();
        let list = timeout(self.request, client.get(prefix, Some(GetOptions::new().with_prefix()))).await;
        let list = list.map_err(|_| Fault::timeout("listing"))??;
        let revision = list.header().map_or(0, |header| header.revision());
        self.sink.listed(list.kvs());
        backoff.reset();
        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1).with_progress_notify();
        let opened = timeout(self.request, client.watch(prefix, Some(options))).await;
        let mut stream = opened.map_err(|_| Fault::timeout("opening a watch"))??;
        loop {
            // Progress proves the stream alive.
            let message = match timeout(self.silence / 2, stream.message()).await {
                Ok(message) => message,
                Err(_) => {
                    stream.request_progress().await?;
                    let again = timeout(self.silence / 2, stream.message()).await;
                    again.map_err(|_| Fault::timeout("a watch"))?
                }
            };
            let Some(response) = message?.filter(|response| !response.canceled()) else { return Ok(()) };
            if !response.events().is_empty() {
                self.sink.changed(response.events());
            }
        }
    }
}
