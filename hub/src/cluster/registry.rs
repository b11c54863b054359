//! The registry: the hubs that hold a lease, as etcd last said.
//!
//! It lists, then watches; after any break it lists again. While etcd is away the last view stays: a hub that is up can be asked
//! without etcd, and one that is not will not answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, GetOptions, KeyValue, WatchOptions};
use gohub_settings::Etcd;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::bus::etcd::{Connector, Fault, Keys};
use crate::inventory::NodeInfo;
use crate::lifecycle::Tasks;

/// The hubs by name.
pub type Nodes = BTreeMap<String, NodeInfo>;

/// Follows `<prefix>/nodes/`; clones see the same view.
#[derive(Debug, Clone)]
pub struct Registry(watch::Receiver<Arc<Nodes>>);

impl Registry {
    /// Starts to follow.
    pub(super) fn follow(etcd: Etcd, tasks: &Tasks) -> Self {
        let (sender, receiver) = watch::channel(Arc::default());
        let follower = Follower {
            keys: Keys::new(&etcd.key_prefix),
            request: etcd.request_timeout.as_std(),
            silence: etcd.watch_timeout.as_std(),
            connector: Connector::new(etcd),
            sender,
            stop: tasks.token(),
        };
        drop(tasks.spawn("cluster registry", follower.run()));
        Self(receiver)
    }

    /// The hubs now.
    pub fn nodes(&self) -> Arc<Nodes> {
        Arc::clone(&self.0.borrow())
    }

    /// One hub, as it described itself.
    pub fn get(&self, node: &str) -> Option<NodeInfo> {
        self.0.borrow().get(node).cloned()
    }

    /// Waits until `condition` holds for the view. Ends too when the cluster is closed.
    pub async fn until(&mut self, mut condition: impl FnMut(&Nodes) -> bool) {
        drop(self.0.wait_for(|nodes| condition(nodes)).await);
    }
}

struct Follower {
    keys: Keys,
    request: Duration,
    silence: Duration,
    connector: Connector,
    sender: watch::Sender<Arc<Nodes>>,
    stop: CancellationToken,
}

impl Follower {
    async fn run(self) {
        let stop = self.stop.clone();
        let mut backoff = Backoff::default();
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.once(&mut backoff) => outcome,
            };
            if let Err(fault) = outcome {
                tracing::debug!(error = %fault, "following the registry broke");
            }
            if timeout(backoff.next(), stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn once(&self, backoff: &mut Backoff) -> Result<(), Fault> {
        let mut client = self.connector.connect().await?;
        let prefix = self.keys.nodes();
        let list = timeout(self.request, client.get(prefix.as_str(), Some(GetOptions::new().with_prefix()))).await;
        let list = list.map_err(|_| Fault::timeout("reading the registry"))??;
        let revision = list.header().map_or(0, |header| header.revision());
        let mut nodes: Nodes = list.kvs().iter().filter_map(|kv| parse(&prefix, kv)).collect();
        self.show(&nodes);
        backoff.reset();
        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1).with_progress_notify();
        let opened = timeout(self.request, client.watch(prefix.as_str(), Some(options))).await;
        let mut stream = opened.map_err(|_| Fault::timeout("watching the registry"))??;
        loop {
            // Progress proves the stream alive.
            let message = match timeout(self.silence / 2, stream.message()).await {
                Ok(message) => message,
                Err(_) => {
                    stream.request_progress().await?;
                    let again = timeout(self.silence / 2, stream.message()).await;
                    again.map_err(|_| Fault::timeout("the watch of the registry"))?
                }
            };
            let Some(response) = message?.filter(|response| !response.canceled()) else { return Ok(()) };
            for event in response.events() {
                let Some(kv) = event.kv() else { continue };
                match event.event_type() {
                    EventType::Put => nodes.extend(parse(&prefix, kv)),
                    EventType::Delete => drop(name(&prefix, kv).and_then(|name| nodes.remove(name))),
                }
            }
            if !response.events().is_empty() {
                self.show(&nodes);
            }
        }
    }

    fn show(&self, nodes: &Nodes) {
        self.sender.send_if_modified(|shown| {
            let is_new = **shown != *nodes;
            if is_new {
                *shown = Arc::new(nodes.clone());
            }
            is_new
        });
    }
}

fn name<'a>(prefix: &str, kv: &'a KeyValue) -> Option<&'a str> {
    kv.key_str().ok()?.strip_prefix(prefix).filter(|name| !name.is_empty())
}

/// The key says who it is; the value the rest. Whatever is no entry is nobody.
fn parse(prefix: &str, kv: &KeyValue) -> Option<(String, NodeInfo)> {
    let name = name(prefix, kv)?.to_owned();
    let mut value: serde_json::Value = serde_json::from_slice(kv.value()).ok()?;
    value.as_object_mut()?.insert("node".to_owned(), name.clone().into());
    let info = serde_json::from_value(value).ok()?;
    Some((name, info))
}
