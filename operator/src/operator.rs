//! The whole operator: what is started in which order, and how it ends.
//!
//! ```text
//! admin listener -> rights checked -> lease held -> controller
//!                                                      | SIGTERM: controller stopped, fence closed, lease given back
//!                                                      | lease lost: fence closed, controller stopped, the process ends in failure
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::client::ClientBuilder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::controller::{Controller, Scope};
use crate::events::Events;
use crate::fence::Fence;
use crate::health::Health;
use crate::lease::{Lease, Lost};
use crate::metrics::Metrics;
use crate::reconcile::context::{Apis, Context};
use crate::reconcile::memory::Memory;
use crate::reconcile::observe::HttpHubs;
use crate::reconcile::observed::Family;
use crate::reconcile::references::References;
use crate::rights;

/// Pause between two looks whether a missing right was granted.
const RIGHTS_PAUSE: Duration = Duration::from_secs(10);
/// How often it is asked which optional kinds there are.
const APIS_EVERY: Duration = Duration::from_secs(30);

/// What the operator is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces that are looked at; none is every one.
    pub namespaces: Vec<String>,
    /// The operator's own, where its lease is; `None` is the one of its service account.
    pub own_namespace: Option<String>,
    /// This process's name among operators.
    pub identity: Option<String>,
    /// The lease whose holder acts; without one there can be one operator at most.
    pub lease: Option<String>,
    /// Where health and metrics are served.
    pub admin_addr: SocketAddr,
    /// What addresses pods have here.
    pub family: Family,
}

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no way to the API server.
    #[error("there is no way to the API server: {0}")]
    Config(#[from] kube::config::InferConfigError),
    /// A client could not be made.
    #[error("cannot make the client of the API server: {0}")]
    Client(#[from] kube::Error),
    /// The client for hubs could not be made.
    #[error("cannot make the client of hubs: {0}")]
    Hubs(#[from] reqwest::Error),
    /// The figures could not be made.
    #[error("cannot make the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The admin listener failed.
    #[error(transparent)]
    Admin(#[from] admin::Error),
    /// Somebody else leads, or may.
    #[error("stopped, because {0}")]
    Lost(#[from] Lost),
    /// A part that never ends ended.
    #[error("the {0} ended by itself")]
    Ended(&'static str),
}

/// Runs until `stop`.
///
/// # Errors
/// What ended it otherwise.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), Error> {
    let config = kube::Config::infer().await?;
    let own = options.own_namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let fence = if options.lease.is_some() { Fence::closed() } else { Fence::open() };
    let free = kube::Client::try_from(config.clone())?;
    let fenced = ClientBuilder::try_from(config)?.with_layer(&fence).build();
    let (health, metrics) = (Health::default(), Metrics::new()?);
    let server = admin::Server::bind(options.admin_addr).await?;
    tracing::info!(addr = %server.addr(), version = env!("CARGO_PKG_VERSION"), "operator started");
    let served = server.run(health.clone(), metrics.clone(), stop.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(served);
    let mut work = std::pin::pin!(work(&options, &own, Clients { free, fenced, fence }, health, metrics, &stop));
    tokio::select! {
        done = &mut work => return done,
        ended = tasks.join_next() => match ended {
            Some(Ok(Err(error))) => return Err(error.into()),
            // It stops as soon as it is told; the lease is still to be given back.
            _ if stop.is_cancelled() => {}
            _ => return Err(Error::Ended("admin listener")),
        },
    }
    work.await
}

/// The two ways to the API server.
struct Clients {
    /// For the lease and for questions.
    free: kube::Client,
    /// For the controller.
    fenced: kube::Client,
    fence: Fence,
}

async fn work(
    options: &Options,
    own: &str,
    clients: Clients,
    health: Health,
    metrics: Metrics,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let Clients { free, fenced, fence } = clients;
    let scopes = scopes(&options.namespaces);
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = granted(&free, &scopes, own, options.lease.is_some(), &health, &metrics) => {}
    }
    // Another's turn is a fine state to be in: a rollout of the operator must not wait for the lease.
    health.waiting_for(None);
    let identity = identity(options.identity.as_deref());
    let mut lease = options.lease.as_ref().map(|name| Lease::new(free.clone(), own, name.clone(), identity));
    if let Some(lease) = &mut lease {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = lease.acquire(&fence) => {}
        }
    }
    metrics.leading(true);
    let mut controllers = JoinSet::new();
    for scope in scopes {
        let apis = watch::Sender::new(Apis::default());
        let context = Context {
            client: fenced.clone(),
            fence: fence.clone(),
            hubs: Arc::new(HttpHubs::new()?),
            apis: apis.subscribe(),
            family: options.family,
            memory: Memory::default(),
            references: References::default(),
            events: Events::new(fenced.clone(), options.identity.clone()),
            metrics: metrics.clone(),
        };
        let context = Arc::new(context);
        controllers.spawn(Controller { context, scope, health: health.clone(), apis, apis_every: APIS_EVERY }.run());
    }
    let lost = tokio::select! {
        () = stop.cancelled() => None,
        lost = keep(&mut lease, &fence) => Some(lost),
        _ = controllers.join_next() => return Err(Error::Ended("controller")),
    };
    // What was not sent by now is not sent any more.
    fence.close();
    controllers.shutdown().await;
    metrics.leading(false);
    match (lost, lease) {
        (Some(lost), _) => Err(lost.into()),
        (None, Some(lease)) => {
            lease.release().await;
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// Where to look. Every namespace has a controller of its own.
fn scopes(namespaces: &[String]) -> Vec<Scope> {
    if namespaces.is_empty() {
        return vec![Scope::Cluster];
    }
    namespaces.iter().cloned().map(Scope::Namespace).collect()
}

/// Renews the lease, if there is one.
async fn keep(lease: &mut Option<Lease>, fence: &Fence) -> Lost {
    match lease {
        Some(lease) => lease.keep(fence).await,
        None => std::future::pending().await,
    }
}

/// Waits until every right is granted, and says meanwhile which is not.
async fn granted(
    client: &kube::Client,
    scopes: &[Scope],
    own: &str,
    with_lease: bool,
    health: &Health,
    metrics: &Metrics,
) {
    loop {
        let reason = match rights::missing(client, scopes, own, with_lease).await {
            Ok(missing) => {
                metrics.missing_rights(missing.len());
                if missing.is_empty() {
                    return;
                }
                format!("the operator may not: {}", missing.join("; "))
            }
            Err(error) => format!("the API server does not say what the operator may do: {error}"),
        };
        tracing::error!(reason, "waiting for rights");
        health.waiting_for(Some(reason));
        tokio::time::sleep(RIGHTS_PAUSE).await;
    }
}

/// A name that no other process has, not even this pod's own container before it was restarted.
fn identity(name: Option<&str>) -> String {
    format!("{}_{:016x}", name.unwrap_or("gohub-operator"), fastrand::u64(..))
}
