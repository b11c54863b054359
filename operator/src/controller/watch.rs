//! One watch: a list, then its changes, then again. It says of itself when it last heard of the API server.
//!
//! kube's own watcher swallows the bookmarks by which a quiet watch is told from a dead one, so the loop is written here. Every request has
//! a deadline, a quiet watch is opened anew before it counts as stale, and an error is followed by a jittered pause that starts small
//! again after the first success.

use std::time::Duration;

use futures::{StreamExt, pin_mut};
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Controller, Known, pause};
use crate::api::{GROUP, KIND};
use crate::health::Health;
use crate::metrics::Metrics;
use crate::reconcile::build::meta;
use crate::reconcile::error::{Class, class_of};
use crate::reconcile::references::References;

/// Objects of one page of a list.
const PAGE: u32 = 500;
/// Time a request has until its answer begins.
const PATIENCE: Duration = Duration::from_secs(30);
/// Seconds after which the API server ends a watch, and some more after which this side does.
const LASTING: u32 = 240;
const OVERDUE: Duration = Duration::from_secs(LASTING as u64 + 15);
/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Pause between two looks for a kind that is not there.
const ABSENT: Duration = Duration::from_secs(5);
/// No API server ends a watch that soon.
const BRIEF: Duration = Duration::from_secs(1);

/// Where the operator looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every namespace.
    Cluster,
    /// In one.
    Namespace(String),
}

impl Scope {
    /// The namespace, if it is one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(namespace) => Some(namespace),
        }
    }
}

/// What is watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The kind and where.
    pub api: Api<DynamicObject>,
    /// The name of the watch: the kind's plural, and the namespace if it is only one.
    pub kind: String,
    /// What nothing can be done without.
    pub essential: bool,
    /// Labels of what is of interest.
    pub selector: Option<String>,
    /// Where it reports.
    pub health: Health,
    /// Where its failures are counted.
    pub metrics: Metrics,
}

type Meta = PartialObjectMeta<DynamicObject>;

/// What bears our label.
pub(super) fn our_label() -> String {
    format!("{}={}", meta::MANAGED_BY, meta::OPERATOR)
}

/// Keeps the store of `GoHub`s, and asks for a look at each that changes.
pub(super) async fn gohubs(controller: Controller, mut writer: Writer<Known>, queue: mpsc::Sender<ObjectRef<Known>>) {
    let resource = kube::api::ApiResource::erase::<crate::api::v1alpha1::GoHub>(&());
    let watch = Watch { selector: None, essential: true, ..controller.watch_of(&resource) };
    let store = writer.as_reader();
    let (events, mut seen) = mpsc::channel::<Event<Meta>>(1);
    let keep = async {
        while let Some(event) = seen.recv().await {
            let event = known(event);
            writer.apply_watcher_event(&event);
            controller.context.metrics.gohubs(controller.scope.namespace().unwrap_or_default(), store.len());
            let concerned = match &event {
                Event::Apply(object) => vec![ObjectRef::from_obj(object)],
                // What is listed is in the store only when the list is done.
                Event::InitDone => store.state().iter().map(|object| ObjectRef::from_obj(object.as_ref())).collect(),
                Event::Delete(_) | Event::Init | Event::InitApply(_) => Vec::new(),
            };
            for concerned in concerned {
                if queue.send(concerned).await.is_err() {
                    return;
                }
            }
        }
    };
    futures::join!(watch.run(events), keep);
}

fn known(event: Event<Meta>) -> Event<Known> {
    let typed = |object: Meta| PartialObjectMeta {
        types: object.types,
        metadata: object.metadata,
        _phantom: std::marker::PhantomData,
    };
    match event {
        Event::Apply(object) => Event::Apply(typed(object)),
        Event::InitApply(object) => Event::InitApply(typed(object)),
        Event::Delete(object) => Event::Delete(typed(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// Asks for a look at the `GoHub` that a child belongs to, or that names an object of a user's of this kind.
pub(super) async fn children(
    watch: Watch,
    kind: String,
    store: Store<Known>,
    references: References,
    queue: mpsc::Sender<ObjectRef<Known>>,
) {
    let (events, mut seen) = mpsc::channel::<Event<Meta>>(1);
    let map = async {
        while let Some(event) = seen.recv().await {
            let (Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) = event else { continue };
            let namespace = object.metadata.namespace.clone().unwrap_or_default();
            for name in concerned(&object, &kind, &references) {
                let concerned = ObjectRef::<Known>::new(&name).within(&namespace);
                // Of another GoHub's earlier life, or of nobody's.
                if store.get(&concerned).is_some() && queue.send(concerned).await.is_err() {
                    return;
                }
            }
        }
    };
    futures::join!(watch.run(events), map);
}

/// Names of the `GoHub`s that a child concerns: its owner, or whoever its label names, because an owner may be taken away by hand and a
/// volume has none.
fn concerned(object: &Meta, kind: &str, references: &References) -> Vec<String> {
    let metadata = &object.metadata;
    let group = format!("{GROUP}/");
    let owners = metadata.owner_references.iter().flatten();
    let owners = owners.filter(|owner| owner.kind == KIND && owner.api_version.starts_with(&group));
    let mut names: Vec<String> = owners.map(|owner| owner.name.clone()).collect();
    let labels = metadata.labels.iter().flatten();
    let ours = labels.clone().any(|(key, value)| key == meta::MANAGED_BY && value == meta::OPERATOR);
    names.extend(labels.filter(|(key, _)| ours && *key == meta::INSTANCE).map(|(_, value)| value.clone()));
    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
    names.extend(references.to(namespace.unwrap_or_default(), kind, name.unwrap_or_default()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Why a watch is begun anew.
enum Ended {
    /// As agreed: it goes on from its resource version.
    OnTime,
    /// The API server no longer knows that version: it is listed again.
    Desynced,
    Failed(String),
    /// The kind is not there.
    Absent,
    /// Nobody listens any more.
    Unheard,
}

impl From<kube::Error> for Ended {
    fn from(error: kube::Error) -> Self {
        match (&error, class_of(&error)) {
            (kube::Error::Api(status), _) if status.code == 410 => Self::Desynced,
            (_, Class::Gone) => Self::Absent,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl Watch {
    /// Watches for as long as somebody listens.
    pub async fn run(self, events: mpsc::Sender<Event<Meta>>) {
        self.health.heard(&self.kind);
        let mut version = None;
        let mut pause = PAUSES.0;
        loop {
            let ended = self.once(&mut version, &mut pause, &events).await;
            match ended {
                Ended::OnTime => continue,
                Ended::Unheard => return,
                Ended::Absent => {
                    // The API server answers, so the watch is not dead; there is only nothing to watch.
                    self.health.heard(&self.kind);
                    if self.essential {
                        self.health.waiting_for(Some(format!("the API server does not know {}", self.kind)));
                    }
                    tracing::warn!(kind = self.kind, "the API server does not know this kind; waiting for it");
                    version = None;
                    tokio::time::sleep(pause::jittered(ABSENT)).await;
                    continue;
                }
                Ended::Desynced => {
                    tracing::info!(kind = self.kind, "the watch is too far behind: listing again");
                    version = None;
                }
                Ended::Failed(error) => {
                    self.metrics.watch_failed(&self.kind);
                    tracing::warn!(kind = self.kind, error, pause_ms = pause.as_millis(), "the watch failed");
                }
            }
            tokio::time::sleep(pause::jittered(pause)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// A list if there is no version to go on from, and a watch until it ends.
    async fn once(
        &self,
        version: &mut Option<String>,
        pause: &mut Duration,
        events: &mpsc::Sender<Event<Meta>>,
    ) -> Ended {
        let from = match version.clone() {
            Some(version) => version,
            None => match self.list(events).await {
                Ok(listed) => listed,
                Err(ended) => return ended,
            },
        };
        *version = Some(from.clone());
        let mut params = WatchParams::default().timeout(LASTING);
        params.label_selector.clone_from(&self.selector);
        let opened = tokio::time::timeout(PATIENCE, self.api.watch_metadata(&params, &from)).await;
        let changes = match opened {
            Ok(Ok(changes)) => changes,
            Ok(Err(error)) => return error.into(),
            Err(_) => return Ended::Failed("the watch was not answered".to_owned()),
        };
        self.health.heard(&self.kind);
        let opened = Instant::now();
        pin_mut!(changes);
        loop {
            let next = match tokio::time::timeout(OVERDUE, changes.next()).await {
                Ok(Some(Ok(next))) => next,
                Ok(Some(Err(error))) => return error.into(),
                // Something on the way that cuts it at once must not make us ask without end.
                Ok(None) if opened.elapsed() < BRIEF => return Ended::Failed("the watch ended at once".to_owned()),
                Ok(None) => return Ended::OnTime,
                Err(_) => return Ended::Failed("the watch was silent beyond its end".to_owned()),
            };
            self.health.heard(&self.kind);
            *pause = PAUSES.0;
            let event = match next {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => Event::Apply(object),
                WatchEvent::Deleted(object) => Event::Delete(object),
                WatchEvent::Bookmark(bookmark) => {
                    *version = Some(bookmark.metadata.resource_version);
                    continue;
                }
                WatchEvent::Error(status) => return kube::Error::Api(status).into(),
            };
            if let Event::Apply(object) | Event::Delete(object) = &event {
                version.clone_from(&object.metadata.resource_version);
            }
            if events.send(event).await.is_err() {
                return Ended::Unheard;
            }
        }
    }

    /// Lists everything, page by page; the version to watch from.
    async fn list(&self, events: &mpsc::Sender<Event<Meta>>) -> Result<String, Ended> {
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector.clone_from(&self.selector);
        let tell = async |event| events.send(event).await.map_err(|_| Ended::Unheard);
        tell(Event::Init).await?;
        loop {
            let page = tokio::time::timeout(PATIENCE, self.api.list_metadata(&params)).await;
            let page = page.map_err(|_| Ended::Failed("the list was not answered".to_owned()))??;
            self.health.heard(&self.kind);
            for object in page.items {
                tell(Event::InitApply(object)).await?;
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => {
                    tell(Event::InitDone).await?;
                    if self.essential {
                        self.health.waiting_for(None);
                    }
                    return Ok(page.metadata.resource_version.unwrap_or_default());
                }
            }
        }
    }
}
