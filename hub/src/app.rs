//! The app: puts the parts together, and changes them while they run.
//!
//! ```text
//!   Builder --start--> Hub { log, shards, switch(bus), dispatcher, listener, admin }
//!                       ^ configure(settings): door, limits, shards, bus, listener - under live connections
//!                       v drain(): listener, connections, bus, admin, in this order
//! ```

mod builder;
mod buses;
mod canary;
mod census;
mod configure;
mod control;
mod drainable;
mod entrance;
mod inlet;
mod local;
mod revocations;
mod shards;
mod stakes;
mod vitals;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use arc_swap::ArcSwap;
use gohub_settings::Settings;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use builder::{Builder, StartError};
pub use shards::Shards;

use crate::auth::Auth;
use crate::bus::{MessageBus, PublishError, Receipt, Switch};
use crate::directory::Directory;
use crate::dispatcher::Dispatcher;
use crate::drain::{self, Report};
use crate::lifecycle::{Lifecycle, Tasks};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::net::tls::TlsSlot;
use crate::net::{Admission, Door};
use crate::protocol::{Offset, Publication};
use crate::reload::Reload;

/// A running hub; clones are the same hub.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    local: Arc<local::Local>,
    buses: buses::Buses,
    settings: watch::Sender<Arc<Settings>>,
    log: Arc<Log>,
    shards: Arc<Shards>,
    bus: Arc<Switch>,
    directory: Arc<Directory>,
    census: Arc<census::Census>,
    dispatcher: Arc<Dispatcher>,
    reload: Arc<Reload>,
    /// Where the admin listener is, and its tasks: they end after everything else.
    admin: OnceLock<(watch::Receiver<SocketAddr>, Tasks)>,
    drain_wanted: Notify,
    canary: canary::Canary,
    admission: Admission,
    stakes: Arc<stakes::Stakes>,
    auth: Arc<Auth>,
    bouncer: Arc<revocations::Bouncer>,
    door: ArcSwap<Door>,
    tls: TlsSlot,
    metrics: Metrics,
    lifecycle: Lifecycle,
    tasks: Tasks,
    listener: Mutex<Listening>,
    next_connection: AtomicU64,
    hurry: CancellationToken,
}

/// The listener in force: where it is, and the tasks that accept.
struct Listening {
    /// What was asked for; with port 0 it differs from the address.
    wanted: SocketAddr,
    address: SocketAddr,
    tasks: Tasks,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("node", &self.local.node())
            .field("phase", &self.lifecycle.phase())
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub with these settings, not started yet.
    pub fn builder(settings: Settings) -> Builder {
        Builder::new(settings)
    }

    /// The hub's own name.
    pub fn node(&self) -> String {
        self.0.local.node()
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.0.listening().address
    }

    /// Where the admin API is.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.0.admin.get().map(|(address, _)| *address.borrow())
    }

    /// The settings' keeper: what is loaded, what was refused, and [`replace`](Reload::replace) for programs.
    pub fn reload(&self) -> &Reload {
        &self.0.reload
    }

    /// Ends when somebody asks over the admin API for a drain.
    pub async fn drain_wanted(&self) {
        self.0.drain_wanted.notified().await;
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.0.settings.borrow())
    }

    /// Where the hub stands between start and stop.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    /// All figures.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Publishes in nobody's name; resolves when the bus has it.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self, publication: Publication) -> Result<Offset, PublishError> {
        let (receipt, answer) = Receipt::channel();
        self.0.bus.publish(publication, receipt);
        answer.await
    }

    /// Goes without anybody noticing: see [`drain`]. Ends when everything has ended or the deadline has passed.
    pub async fn drain(&self) -> Report {
        let settings = self.settings();
        let report = drain::run(&*self.0, &self.0.lifecycle, &settings.drain, &self.0.hurry).await;
        self.0.shards.stop();
        if let Err(late) = self.0.tasks.stop(std::time::Duration::from_secs(5)).await {
            tracing::warn!(%late, "hub stopped with tasks still running");
        }
        report
    }

    /// The hub's tasks, for what lives as long as it does.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// What is left of a drain is done at once.
    pub fn hurry(&self) {
        self.0.hurry.cancel();
    }
}

impl Inner {
    fn listening(&self) -> std::sync::MutexGuard<'_, Listening> {
        self.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn connection_id(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }
}
