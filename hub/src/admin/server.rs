//! The admin listener's socket: it follows `admin.addr` while the hub runs, and bounds what a caller can hold.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Admin, router};
use crate::backoff::Backoff;
use crate::lifecycle::Tasks;

/// Time a caller has to send a request's head, and to begin the next one on a connection it keeps.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Connections at once; more are closed as they come. Probes, scrapers and a few back ends need far fewer.
const MAX_CONNECTIONS: usize = 512;
/// How soon a move that failed is tried again, and how often in the end.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const TRY_AT_LAST: Duration = Duration::from_mins(1);
/// Pause after an accept that failed for want of descriptors, which nobody but time gives back.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the admin listener could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("listening on {addr} (admin.addr) failed: {error}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// The admin listener, bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    admin: Admin,
    listener: TcpListener,
    /// The address that was asked for; with port 0 it differs from the listener's own.
    wanted: SocketAddr,
    local: watch::Sender<SocketAddr>,
}

impl Server {
    /// Binds `admin.addr`.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn bind(admin: Admin) -> Result<Self, Error> {
        let wanted = admin.reload.settings().admin.addr;
        let (listener, local) = bind(wanted).await?;
        Ok(Self { admin, listener, wanted, local: watch::Sender::new(local) })
    }

    /// The address it listens on, waking when that changes.
    #[must_use]
    pub fn local_addr(&self) -> watch::Receiver<SocketAddr> {
        self.local.subscribe()
    }

    /// Serves until `stop`; connections are tasks of `tasks`, and end after the call they are in.
    pub async fn run(mut self, tasks: Tasks, stop: CancellationToken) {
        let router = router(self.admin.clone());
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut settings = self.admin.reload.watch();
        // What changed between the bind and here is looked at once.
        settings.mark_changed();
        let mut backoff = Backoff::new(TRY_AGAIN, TRY_AT_LAST);
        let mut again = Instant::now();
        loop {
            let asked = settings.borrow().admin.addr;
            tokio::select! {
                () = stop.cancelled() => return,
                changed = settings.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let wanted = settings.borrow_and_update().admin.addr;
                    self.move_to(wanted).await;
                    backoff.reset();
                    again = Instant::now() + backoff.bound();
                }
                () = tokio::time::sleep_until(again), if asked != self.wanted => {
                    self.move_to(asked).await;
                    again = Instant::now() + backoff.bound();
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                            tasks.spawn("admin connection", connection(stream, router.clone(), stop.clone(), place));
                        } else {
                            self.admin.metrics.net().refused.inc("admin_connections");
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "accepting on the admin listener failed");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    /// Listens on `wanted` instead, or goes on where it was. The new socket first, where the system allows both; `0.0.0.0:9090` after
    /// `127.0.0.1:9090` needs the port to be free.
    async fn move_to(&mut self, wanted: SocketAddr) {
        if wanted == self.wanted {
            return self.admin.reload.content("admin.addr");
        }
        let old = *self.local.borrow();
        let mut moved = bind(wanted).await;
        if matches!(&moved, Err(Error::Bind { error, .. }) if error.kind() == io::ErrorKind::AddrInUse)
            && old.port() == wanted.port()
            && let Ok((placeholder, _)) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await
        {
            self.listener = placeholder;
            moved = bind(wanted).await;
            if moved.is_err()
                && let Ok((listener, _)) = bind(old).await
            {
                self.listener = listener;
            }
        }
        match moved {
            Ok((listener, local)) => {
                tracing::info!(from = %old, to = %local, "admin listener moved");
                (self.listener, self.wanted) = (listener, wanted);
                self.local.send_replace(local);
                self.admin.reload.content("admin.addr");
            }
            Err(error) => self.admin.reload.complain("admin.addr", &error),
        }
    }
}

async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |error| Error::Bind { addr, error };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken, _place: OwnedSemaphorePermit) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(64 << 10);
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "admin connection ended badly");
    }
}
