//! Watches say *when* to look; `reconcile` looks and acts. This is what stands between the two.
//!
//! ```text
//! watch gohubs ------> store --------+
//! watch children ----> their owner --+--> queue -> applier (one reconcile per GoHub at a time) -> again after a pause
//! ConfigMaps, Secrets > who names it -+
//! kinds come and go -> everybody ----+
//! ```
//! Watches ask for metadata only: what they tell is a name, and the reconcile reads what it needs itself. A watch that is lost is begun
//! anew with a list, and then everything is looked at once more, so nothing is missed.

mod apis;
mod pause;
mod watch;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Error as ApplierError, applier};
use kube::runtime::reflector::{self, ObjectRef, Store};
use tokio::sync::{mpsc, watch as channel};
use tokio::task::JoinSet;

use crate::api::v1alpha1::GoHub;
use crate::health::Health;
use crate::reconcile::context::{Apis, Context};
use crate::reconcile::error::Error;
use crate::reconcile::{kinds, reconcile, references};

pub use apis::ask as ask_apis;
pub use watch::{Scope, Watch};

/// What the applier keeps of a `GoHub`.
type Known = PartialObjectMeta<GoHub>;

/// Reconciles at once. One that waits for a slow answer holds up nobody else.
const AT_ONCE: u16 = 16;
/// Changes that come in a burst, as a rollout's do, are one look.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Look-ups that wait for the applier. The watches wait when it is full: nothing is lost, because a look reads what is there then.
const QUEUE: usize = 1024;

/// What the controller works with.
#[derive(Clone, Debug)]
pub struct Controller {
    /// What a reconcile works with.
    pub context: Arc<Context>,
    /// Where to look.
    pub scope: Scope,
    /// Where watches report.
    pub health: Health,
    /// The other end of [`Context::apis`].
    pub apis: channel::Sender<Apis>,
    /// How often it is asked which optional kinds there are.
    pub apis_every: Duration,
}

impl Controller {
    /// Runs until it is dropped; it never ends by itself. Dropping it ends every request that is under way on this side.
    pub async fn run(self) {
        let (store, writer) = reflector::store::<Known>();
        let (queue, requests) = mpsc::channel::<ObjectRef<Known>>(QUEUE);
        // A set of tasks of its own: all end with it.
        let mut tasks = JoinSet::new();
        tasks.spawn(watch::gohubs(self.clone(), writer, queue.clone()));
        for resource in kinds::applied().into_iter().chain(kinds::stepped()) {
            let watch = self.watch_of(&resource);
            let references = self.context.references.clone();
            tasks.spawn(watch::children(watch, resource.kind, store.clone(), references, queue.clone()));
        }
        tasks.spawn(apis::follow(self.clone(), store.clone(), queue));
        let reconciler = Reconciler { context: Arc::clone(&self.context), store: store.clone() };
        let requests = futures::stream::unfold(requests, async |mut requests| {
            let next = requests.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(next), requests))
        });
        let config = Config::default().concurrency(AT_ONCE).debounce(DEBOUNCE);
        let run = applier(
            |known, reconciler: Arc<Reconciler>| Box::pin(async move { reconciler.one(&known).await }),
            |known, error, reconciler: Arc<Reconciler>| reconciler.failed(&known, error),
            Arc::new(reconciler),
            store,
            Box::pin(requests),
            config,
        );
        run.for_each(async |done| {
            match done {
                Ok(_) | Err(ApplierError::ObjectNotFound(_)) => {}
                // Told by the error policy.
                Err(ApplierError::ReconcilerFailed(..)) => {}
                Err(error) => tracing::error!(%error, "the queue failed"),
            }
        })
        .await;
    }

    fn watch_of(&self, resource: &ApiResource) -> Watch {
        // These are watched whether ours or not: a user's own may be named by a GoHub.
        let ours = ![references::CONFIG_MAP, references::SECRET].contains(&resource.kind.as_str());
        Watch {
            api: self.api(resource),
            kind: self.watch_name(resource),
            essential: false,
            selector: ours.then(watch::our_label),
            health: self.health.clone(),
            metrics: self.context.metrics.clone(),
        }
    }

    fn watch_name(&self, resource: &ApiResource) -> String {
        match self.scope.namespace() {
            None => resource.plural.clone(),
            Some(namespace) => format!("{}/{namespace}", resource.plural),
        }
    }

    fn api(&self, resource: &ApiResource) -> Api<DynamicObject> {
        let client = self.context.client.clone();
        match &self.scope {
            Scope::Cluster => Api::all_with(client, resource),
            Scope::Namespace(namespace) => Api::namespaced_with(client, namespace, resource),
        }
    }
}

/// What the applier calls.
struct Reconciler {
    context: Arc<Context>,
    store: Store<Known>,
}

impl Reconciler {
    async fn one(&self, known: &Known) -> Result<Action, Error> {
        let begun = Instant::now();
        let (namespace, name) =
            (known.metadata.namespace.as_deref().unwrap_or_default(), known.metadata.name.as_deref());
        let name = name.unwrap_or_default();
        self.tidy();
        let done = reconcile(&self.context, namespace, name).await;
        let failure = done.as_ref().err().map(|error| error.class().as_str());
        self.context.metrics.reconciled(begun.elapsed(), failure);
        done.map(pause::after)
    }

    fn failed(&self, known: &Known, error: &Error) -> Action {
        let uid = known.metadata.uid.as_deref().unwrap_or_default();
        let pause = pause::after_failure(error.class(), self.context.memory.failures(uid));
        tracing::warn!(
            namespace = known.metadata.namespace,
            name = known.metadata.name,
            %error,
            class = error.class().as_str(),
            again_in_ms = pause.as_millis(),
            "reconcile failed"
        );
        Action::requeue(pause)
    }

    /// Forgets what is gone.
    fn tidy(&self) {
        let known = self.store.state();
        let uids: HashSet<&str> = known.iter().filter_map(|known| known.metadata.uid.as_deref()).collect();
        self.context.memory.keep(|uid| uids.contains(uid));
        let name = |known: &Known| (known.metadata.namespace.clone(), known.metadata.name.clone());
        let names: HashSet<_> = known.iter().map(|known| name(known)).collect();
        let is_there =
            |namespace: &str, name: &str| names.contains(&(Some(namespace.to_owned()), Some(name.to_owned())));
        self.context.references.keep(is_there);
    }
}
