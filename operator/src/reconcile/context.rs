//! What a reconcile works with: handed in, never reached for, so that tests put their own in place of it.

use std::sync::Arc;

use tokio::sync::watch;

use super::memory::Memory;
use super::observe::Hubs;
use super::observed::Family;
use super::references::References;
use crate::events::Events;
use crate::fence::Fence;
use crate::metrics::Metrics;

/// What a reconcile works with.
pub struct Context {
    /// The API server; writes through it are fenced.
    pub client: kube::Client,
    /// Whether this process may still change anything, etcd included.
    pub fence: Fence,
    /// The hubs.
    pub hubs: Arc<dyn Hubs>,
    /// What the API server knows beside Kubernetes' own kinds.
    pub apis: watch::Receiver<Apis>,
    /// What addresses pods have here.
    pub family: Family,
    /// What was done before, to do nothing twice. Losing it costs requests and no correctness.
    pub memory: Memory,
    /// Which ConfigMaps and Secrets of users' concern whom.
    pub references: References,
    /// Kubernetes events.
    pub events: Events,
    /// The operator's own figures.
    pub metrics: Metrics,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("apis", &*self.apis.borrow()).finish_non_exhaustive()
    }
}

/// Kinds that an API server may know or not, and may begin and cease to know while the operator runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Apis {
    /// ServiceMonitors of the Prometheus Operator.
    pub service_monitors: bool,
    /// Its PrometheusRules.
    pub prometheus_rules: bool,
}
