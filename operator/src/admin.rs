//! `/livez`, `/readyz` and `/metrics` for Kubernetes and Prometheus. They change nothing and name nobody, so they need no key.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Metrics;

/// Why the listener failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("listening on {addr} (--admin-addr) failed: {error}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// It stopped by itself.
    #[error("serving {addr} failed: {error}")]
    Serve {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// The listener, bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Server {
    /// Binds the address; with port 0 the system chooses one.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn bind(addr: SocketAddr) -> Result<Self, Error> {
        let bound = async {
            let listener = TcpListener::bind(addr).await?;
            let addr = listener.local_addr()?;
            Ok(Self { listener, addr })
        };
        bound.await.map_err(|error| Error::Bind { addr, error })
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// [`Error::Serve`].
    pub async fn run(self, health: Health, metrics: Metrics, stop: CancellationToken) -> Result<(), Error> {
        let served = axum::serve(self.listener, router(health, metrics)).with_graceful_shutdown(stop.cancelled_owned());
        served.await.map_err(|error| Error::Serve { addr: self.addr, error })
    }
}

/// The answers.
pub fn router(health: Health, metrics: Metrics) -> Router {
    let probes = Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(health.clone());
    probes.merge(Router::new().route("/metrics", get(figures)).with_state((health, metrics)))
}

async fn livez(State(health): State<Health>) -> Response {
    answer(health.alive(Instant::now()))
}

async fn readyz(State(health): State<Health>) -> Response {
    answer(health.ready())
}

fn answer(verdict: Result<(), String>) -> Response {
    match verdict {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response(),
    }
}

async fn figures(State((health, metrics)): State<(Health, Metrics)>) -> Response {
    health.measure(&metrics);
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
