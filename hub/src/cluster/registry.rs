//! The registry: the hubs that hold a lease, as etcd last said.
//!
//! While etcd is away the last view stays: a hub that is up can be asked without etcd, and one that is not will not answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use etcd_client::{Event, EventType, KeyValue};
use gohub_settings::Etcd;
use tokio::sync::watch;

use super::follow::{Follower, Sink};
use crate::bus::etcd::Keys;
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
        let prefix = Keys::new(&etcd.key_prefix).nodes();
        let shown = Shown { prefix: prefix.clone(), nodes: Nodes::new(), sender };
        let follower = Follower::new("the registry", prefix, etcd, shown);
        drop(tasks.spawn("cluster registry", follower.run(tasks.token())));
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

/// What the watch brings, shown to whoever holds the registry.
struct Shown {
    prefix: String,
    nodes: Nodes,
    sender: watch::Sender<Arc<Nodes>>,
}

impl Sink for Shown {
    fn listed(&mut self, entries: &[KeyValue]) {
        self.nodes = entries.iter().filter_map(|kv| parse(&self.prefix, kv)).collect();
        self.show();
    }

    fn changed(&mut self, events: &[Event]) {
        for event in events {
            let Some(kv) = event.kv() else { continue };
            match event.event_type() {
                EventType::Put => self.nodes.extend(parse(&self.prefix, kv)),
                EventType::Delete => drop(name(&self.prefix, kv).and_then(|name| self.nodes.remove(name))),
            }
        }
        self.show();
    }
}

impl Shown {
    fn show(&self) {
        self.sender.send_if_modified(|shown| {
            let is_new = **shown != self.nodes;
            if is_new {
                *shown = Arc::new(self.nodes.clone());
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
