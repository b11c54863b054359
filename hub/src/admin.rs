//! The admin listener: health for Kubernetes, metrics for Prometheus, and the server API for operators and back ends.
//!
//! ```text
//! GET /livez /readyz /accepting        open: they say "ok" or why not, and name no client
//! GET /metrics                         open unless admin.open_metrics is off
//! GET /api/v1/openapi.json             open: the document of what follows
//! /api/v1/...                          API key with the scope of the call: Authorization: Bearer KEY, or X-API-Key: KEY
//! ```
//! It is plain HTTP on an address of its own, by default a loopback one, and never on the clients' listener. Without any key configured
//! the API answers 401 to everybody. Everything it needs of the hub is the trait [`Control`].

mod answer;
mod body;
mod clients;
mod config;
mod control;
mod drain;
mod health;
mod key;
mod lists;
mod log_level;
mod publish;
mod revocations;
mod rooms;
mod router;
mod server;
mod why;

use std::sync::Arc;

use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;
use crate::reload::Reload;
use crate::telemetry::Telemetry;

pub use answer::Problem;
pub use clients::{PlacedAnswer, Reached};
pub use control::{ClientFilter, Control, Everybody, Failure, Kicked};
pub use router::{openapi, router};
pub use server::{Error, Server};

/// What the handlers work with; clones share it.
#[derive(Clone)]
pub struct Admin {
    /// The hub.
    pub control: Arc<dyn Control>,
    /// Its phase.
    pub lifecycle: Lifecycle,
    /// Its settings.
    pub reload: Arc<Reload>,
    /// Its log.
    pub telemetry: Telemetry,
    /// Its figures.
    pub metrics: Metrics,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("phase", &self.lifecycle.phase()).finish_non_exhaustive()
    }
}
