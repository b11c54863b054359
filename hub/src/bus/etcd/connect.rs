//! Connections to etcd: one member at a time, the next one after a failure.
//!
//! A balanced channel over all members would spread one hub's requests and hide which member is sick; here a connection that fails is
//! dropped and the next member is tried, with the certificates and the token taken anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
use gohub_settings::{Etcd, EtcdTls};
use tokio::time::timeout;

use super::fault::Fault;

/// Where distributions keep the authorities they trust.
const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Makes connections, each to the next member.
pub(crate) struct Connector {
    settings: Etcd,
    next: AtomicUsize,
}

impl Connector {
    pub(crate) fn new(settings: Etcd) -> Self {
        // Hubs that start together do not all take the first member.
        let next = AtomicUsize::new(fastrand::usize(..settings.endpoints.len().max(1)));
        Self { settings, next }
    }

    pub(crate) fn settings(&self) -> &Etcd {
        &self.settings
    }

    /// A channel of its own to the next member. TCP is connected by the first request, which therefore needs a deadline too.
    pub(crate) async fn connect(&self) -> Result<Client, Fault> {
        let endpoints = &self.settings.endpoints;
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(endpoint) = endpoints.get(turn % endpoints.len().max(1)) else {
            return Err(Fault::Refused("cluster.etcd.endpoints is empty".to_owned()));
        };
        let options = self.options()?;
        let dial = self.settings.dial_timeout.as_std();
        match timeout(dial, Client::connect([endpoint], Some(options))).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => {
                tracing::debug!(%error, %endpoint, "etcd connection failed");
                Err(error.into())
            }
            Err(_) => Err(Fault::timeout("connecting to etcd")),
        }
    }

    fn options(&self) -> Result<ConnectOptions, Fault> {
        let settings = &self.settings;
        let request = settings.request_timeout.as_std();
        let mut options = ConnectOptions::new()
            // A member cut off from its leader says so at once instead of letting us wait.
            .with_require_leader(true)
            .with_connect_timeout(settings.dial_timeout.as_std())
            .with_keep_alive(Duration::from_secs(2), request)
            .with_keep_alive_while_idle(true);
        if !settings.username.is_empty() {
            options = options.with_user(&settings.username, settings.password.expose()).with_auto_token_refresh(true);
        }
        if let Some(tls) = &settings.tls {
            options = options.with_tls(tls_options(tls)?);
        }
        Ok(options)
    }
}

fn tls_options(tls: &EtcdTls) -> Result<TlsOptions, Fault> {
    let mut options = TlsOptions::new().ca_certificate(Certificate::from_pem(authorities(tls)?));
    if !tls.cert.is_empty() {
        options = options.identity(Identity::from_pem(read(&tls.cert)?, read(&tls.key)?));
    }
    if !tls.server_name.is_empty() {
        options = options.domain_name(&tls.server_name);
    }
    Ok(options)
}

fn authorities(tls: &EtcdTls) -> Result<Vec<u8>, Fault> {
    if !tls.ca.is_empty() {
        return read(&tls.ca);
    }
    let found = SYSTEM_AUTHORITIES.into_iter().find_map(|path| std::fs::read(path).ok());
    found.ok_or_else(|| Fault::Refused("the system has no authorities: set cluster.etcd.tls.ca".to_owned()))
}

fn read(path: &str) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| Fault::Refused(format!("cannot read {path}: {error}")))
}

/// One connection for everything but the watch (puts, lease, window), shared and replaced when it breaks.
pub(crate) struct Shared {
    connector: Connector,
    /// A std mutex, never held across an await.
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    generation: u64,
    client: Option<Client>,
}

impl Shared {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector, current: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Etcd {
        self.connector.settings()
    }

    /// A connection that is not shared: the watch's.
    pub(crate) async fn own(&self) -> Result<Client, Fault> {
        self.connector.connect().await
    }

    /// The shared connection and its generation, to name it when it proves broken.
    pub(crate) async fn get(&self) -> Result<(u64, Client), Fault> {
        {
            let current = self.current();
            if let Some(client) = &current.client {
                return Ok((current.generation, client.clone()));
            }
        }
        let client = self.connector.connect().await?;
        let mut current = self.current();
        current.generation += 1;
        current.client = Some(client.clone());
        Ok((current.generation, client))
    }

    /// The connection of this generation does not work; the next [`get`](Self::get) goes to another member.
    pub(crate) fn broken(&self, generation: u64) {
        let mut current = self.current();
        if current.generation == generation {
            current.client = None;
        }
    }

    /// One request on the shared connection, with a deadline; a broken connection is dropped.
    pub(crate) async fn call<T>(
        &self,
        what: &str,
        limit: Duration,
        request: impl AsyncFnOnce(Client) -> Result<T, etcd_client::Error>,
    ) -> Result<T, Fault> {
        let (generation, client) = self.get().await?;
        let result = match timeout(limit, request(client)).await {
            Ok(result) => result.map_err(Fault::from),
            Err(_) => Err(Fault::timeout(what)),
        };
        if result.as_ref().is_err_and(Fault::is_broken_connection) {
            self.broken(generation);
        }
        result
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
