//! Building a hub: settings, handlers and observers in, a running hub out.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use gohub_settings::{Settings, SettingsError};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::buses::{self, Buses};
use super::canary::{self, Canary, Perches};
use super::census::Census;
use super::configure::{Undone, admission_limits, node_name, retention, shard_config};
use super::control::HubControl;
use super::inlet::LogInlet;
use super::local::Local;
use super::revocations::Bouncer;
use super::shards::Shards;
use super::stakes::Stakes;
use super::{Hub, Inner, Listening, vitals};
use crate::admin::{Admin, Error as AdminError, Server};
use crate::auth::{self, Auth};
use crate::backoff::Backoff;
use crate::blackbox::Archive;
use crate::bus::Switch;
use crate::clock;
use crate::cluster::ClusterError;
use crate::directory::Directory;
use crate::dispatcher::{Dispatcher, DispatcherParts, Handler, Live, Observer};
use crate::lifecycle::{Lifecycle, Phase, Tasks};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::net::tls::{TlsError, TlsSlot};
use crate::net::{Admission, Door};
use crate::protocol::Epoch;
use crate::reload::Reload;
use crate::shard::{Application, Quotas, Shard};
use crate::telemetry::Telemetry;

/// Why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The certificate does not load.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A listener could not be bound.
    #[error("{field}: {addr}: {source}")]
    Bind {
        /// The setting.
        field: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The admin listener could not be bound.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The other hubs cannot be answered.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The system gives no epoll instance or no thread.
    #[error("starting a shard failed: {0}")]
    Shard(io::Error),
}

/// A hub to be.
pub struct Builder {
    settings: Settings,
    handlers: HashMap<u32, Arc<dyn Handler>>,
    observers: Vec<Arc<dyn Observer>>,
    reload: Option<Arc<Reload>>,
    telemetry: Telemetry,
    metrics: Metrics,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("handlers", &self.handlers.keys()).finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            handlers: HashMap::new(),
            observers: Vec::new(),
            reload: None,
            telemetry: Telemetry::detached(),
            metrics: Metrics::default(),
        }
    }

    /// Handles messages of this id, which must be 1000 or above, before any configured route.
    ///
    /// # Panics
    /// When the id is one of the protocol's: a mistake of the program, found at its first start.
    #[must_use]
    pub fn handler(mut self, id: u32, handler: impl Handler) -> Self {
        assert!(id >= 1000, "ids below 1000 are the protocol's");
        self.handlers.insert(id, Arc::new(handler));
        self
    }

    /// Is told what happens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Follows these settings while it runs, and reports on them, instead of the ones it was made with.
    #[must_use]
    pub fn reload(mut self, reload: Arc<Reload>) -> Self {
        self.settings = (*reload.settings()).clone();
        self.reload = Some(reload);
        self
    }

    /// Lets the admin listener and the settings change this log.
    #[must_use]
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// Counts here.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Starts the hub on the current tokio runtime. It is ready when this returns.
    ///
    /// # Errors
    /// See [`StartError`]; then nothing is left running.
    pub async fn start(self) -> Result<Hub, StartError> {
        self.settings.validate()?;
        auth::check(&self.settings)?;
        let stats = self.metrics.config();
        let reload = self.reload.unwrap_or_else(|| Arc::new(Reload::fixed(self.settings, Arc::clone(stats))));
        let settings = reload.settings();
        let tasks = Tasks::new(Handle::current());
        let tls = TlsSlot::default();
        tls.load(|| Arc::clone(&settings))?;

        // The bus names the era; until it does there is one that nobody can resume into.
        let log = Arc::new(Log::new(Epoch::from(fastrand::u64(..)), retention(&settings)));
        let shards = Arc::new(Shards::default());
        let inlet = Arc::new(LogInlet::new(Arc::clone(&log), Arc::clone(&shards)));
        let directory = Arc::new(Directory::default());
        let lifecycle = Lifecycle::default();
        let auth = Auth::start(&settings, Arc::clone(self.metrics.net()), &tasks);
        let archive = Arc::new(Archive::new(settings.why.keep.as_usize(), settings.why.keep_for.as_std()));
        let local = Arc::new(Local {
            archive: Arc::clone(&archive),
            node: ArcSwap::from_pointee(node_name(&settings)),
            address: ArcSwap::default(),
            shards: Arc::clone(&shards),
            directory: Arc::clone(&directory),
            auth: Arc::clone(&auth),
            metrics: self.metrics.clone(),
            lifecycle: lifecycle.clone(),
            reload: Arc::clone(&reload),
            started_at: clock::unix_millis(),
        });
        let bouncer = Arc::new(Bouncer { auth: Arc::clone(&auth), shards: Arc::clone(&shards) });
        let admission = Admission::default();
        admission.set_limits(admission_limits(&settings));
        let stakes = Arc::new(Stakes::new(admission.clone(), Arc::clone(&reload), Arc::clone(self.metrics.net())));
        stakes.begin(&settings);
        let buses = Buses {
            bouncer: Arc::clone(&bouncer),
            stakes: Arc::clone(&stakes),
            inlet,
            local: Arc::clone(&local),
            metrics: self.metrics.clone(),
            reload: Arc::clone(&reload),
            tasks: tasks.clone(),
        };
        let (bus, cluster) = buses::first(&buses, &settings).await?;
        let bus = Arc::new(Switch::new(bus));
        let census = Arc::new(Census::new(Arc::clone(&local)));
        census.cluster.store(cluster);
        let dispatcher = Dispatcher::new(DispatcherParts {
            auth: Arc::clone(&auth),
            bus: Arc::clone(&bus) as _,
            directory: Arc::clone(&directory),
            colleagues: Arc::clone(&census) as _,
            handlers: self.handlers,
            observers: self.observers,
            live: Live::new(&settings, &local.node()),
            archive,
            stats: Arc::clone(self.metrics.net()),
            tasks: tasks.clone(),
        });
        let dispatcher = Arc::new(dispatcher);
        start_shards(&settings, &log, &dispatcher, &self.metrics, &shards, &tasks)?;

        let wanted = settings.server.addr;
        let inner = Arc::new(Inner {
            local,
            buses,
            settings: watch::Sender::new(Arc::clone(&settings)),
            log,
            shards,
            bus,
            directory,
            census,
            dispatcher,
            reload,
            admin: OnceLock::new(),
            drain_wanted: Notify::new(),
            canary: Canary::default(),
            admission,
            stakes,
            door: ArcSwap::from_pointee(Door::new(&settings, Arc::clone(&auth))),
            auth,
            bouncer,
            tls,
            metrics: self.metrics,
            lifecycle,
            listener: Mutex::new(Listening { wanted, address: wanted, tasks: tasks.group() }),
            tasks,
            // Unlike any other hub's ids, so that one id is one connection in the whole cluster.
            next_connection: AtomicU64::new(fastrand::u64(1..1 << 31) << 32),
            hurry: CancellationToken::new(),
        });
        if let Err(source) = inner.listen(wanted, settings.server.backlog) {
            inner.shards.stop();
            return Err(StartError::Bind { field: "server.addr", addr: wanted, source });
        }
        if let Err(error) = serve_admin(&inner, self.telemetry).await {
            inner.shards.stop();
            inner.tasks.token().cancel();
            return Err(error.into());
        }
        follow(&inner);
        let perches = Perches::set_up(&inner).await;
        inner.tasks.spawn("canary", canary::watch(Arc::clone(&inner), perches));
        inner.tasks.spawn("vitals", vitals::watch(Arc::clone(&inner)));
        inner.lifecycle.advance(Phase::Ready);
        Ok(Hub(inner))
    }
}

async fn serve_admin(inner: &Arc<Inner>, telemetry: Telemetry) -> Result<(), AdminError> {
    let admin = Admin {
        control: Arc::new(HubControl(Arc::clone(inner))),
        lifecycle: inner.lifecycle.clone(),
        reload: Arc::clone(&inner.reload),
        telemetry,
        metrics: inner.metrics.clone(),
    };
    let server = Server::bind(admin).await?;
    // The admin listener is a group of its own: it stops last, so that a drain can be watched to its end.
    let tasks = Tasks::new(Handle::current());
    let run = server.local_addr();
    tasks.spawn("admin listener", server.run(tasks.clone(), tasks.token()));
    if inner.admin.set((run, tasks)).is_err() {
        tracing::error!("the admin listener was started twice");
    }
    Ok(())
}

/// How soon something that could not be carried out is tried again, and how often in the end: a try for another interface of the same port
/// closes the listener for a moment.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const TRY_AT_LAST: Duration = Duration::from_mins(1);

fn follow(inner: &Arc<Inner>) {
    let mut updates = inner.reload.watch();
    let (hub, stop) = (Arc::clone(inner), inner.tasks.token());
    inner.tasks.spawn("settings", async move {
        let (mut undone, mut backoff) = (Undone::default(), Backoff::new(TRY_AGAIN, TRY_AT_LAST));
        let mut pause = TRY_AGAIN;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                changed = updates.changed() => match changed {
                    Ok(()) => {
                        let settings = Arc::clone(&updates.borrow_and_update());
                        hub.configure(settings, &mut undone).await;
                        backoff.reset();
                    }
                    Err(_) => return,
                },
                () = tokio::time::sleep(pause), if undone.is_any() => hub.finish(&hub.now(), &mut undone).await,
            }
            pause = backoff.bound();
        }
    });
}

/// Counts a shard as failed unless it ended in order: a panic unwinds through here too.
struct DeathWatch(Option<Arc<Shards>>);

impl DeathWatch {
    fn ends_well(&mut self) {
        self.0 = None;
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        if let Some(shards) = &self.0 {
            shards.fail();
        }
    }
}

fn start_shards(
    settings: &Settings,
    log: &Arc<Log>,
    dispatcher: &Arc<Dispatcher>,
    metrics: &Metrics,
    shards: &Arc<Shards>,
    tasks: &Tasks,
) -> Result<(), StartError> {
    let count = match settings.server.shards {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count as usize,
    };
    let (mut made, quotas) = (Vec::with_capacity(count), Arc::<Quotas>::default());
    for _ in 0..count {
        let application: Arc<dyn Application> = Arc::clone(dispatcher) as _;
        let shard = Shard::new(Arc::clone(log), application, shard_config(settings), metrics.shard());
        let (shard, handle) = shard.map_err(StartError::Shard)?;
        made.push((shard.with_quotas(Arc::clone(&quotas)), handle));
    }
    shards.set(made.iter().map(|(_, handle)| handle.clone()).collect());
    for (index, (shard, _)) in made.into_iter().enumerate() {
        let mut watch = DeathWatch(Some(Arc::clone(shards)));
        let run = move || match shard.run() {
            Ok(()) => watch.ends_well(),
            Err(error) => tracing::error!(%error, shard = index, "shard failed"),
        };
        if let Err(error) = tasks.spawn_thread(format!("shard-{index}"), run) {
            shards.stop();
            return Err(StartError::Shard(error));
        }
    }
    Ok(())
}
