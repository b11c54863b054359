//! Accepting: sockets in, handshakes out, and never a busy loop.

use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::admission::{Admission, Permit, Refused};
use super::door::{Admitted, Door};
use super::handshake::{self, Arrival, Failed, Terms};
use super::response::Rejection;
use super::tls::TlsSlot;
use crate::lifecycle::Tasks;
use crate::metrics::NetStats;
use crate::shard::Transport;

/// Refused peers that are being told why at the same time; more are cut without a word.
const MAX_REFUSALS: usize = 512;

/// What the last word before 101 took for the connection; given back when dropped.
pub type Claim = Box<dyn Any + Send>;

/// What the listener needs from the hub; all of it changes while it runs.
pub trait Entrance: Send + Sync + 'static {
    /// The rules at the door.
    fn door(&self) -> Arc<Door>;

    /// From the first byte to 101.
    fn handshake_timeout(&self) -> Duration;

    /// Bytes of a request head.
    fn max_header(&self) -> usize;

    /// What a refused peer is told to wait.
    fn retry_after(&self) -> Duration;

    /// The kernel's send buffer of a connection in bytes; 0: the kernel decides.
    fn send_buffer(&self) -> usize;

    /// The last word before 101: rules that need to know who else is connected.
    ///
    /// # Errors
    /// The answer the peer gets.
    fn claim(&self, admitted: &Admitted) -> Result<Claim, Rejection>;

    /// The connection is through.
    fn enter(
        &self,
        admitted: Admitted,
        transport: Transport,
        early: Vec<u8>,
        address: SocketAddr,
        permit: Permit,
        claim: Claim,
    );

    /// Where the listener counts.
    fn stats(&self) -> &NetStats;

    /// The end of the hub, which no handshake outlives; one that began at a listener which has moved goes on.
    fn stopping(&self) -> CancellationToken;
}

/// A bound public listener.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn bind(address: SocketAddr, backlog: u32) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        let socket = TcpListener::from_std(socket.into())?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts until `tasks` stop.
    pub async fn serve(self, entrance: Arc<dyn Entrance>, admission: Admission, tls: TlsSlot, tasks: Tasks) {
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        let backoff = ArcSwap::from_pointee(Duration::ZERO);
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = tasks.stopping() => return,
            };
            match accepted {
                Ok((socket, address)) => {
                    backoff.store(Arc::default());
                    accept_one(socket, address, &entrance, &admission, &tls, &tasks, &refusals);
                }
                Err(error) => pause(&error, &backoff).await,
            }
        }
    }
}

/// Out of descriptors or memory: waits a little, so that others of this process can end and free some.
async fn pause(error: &io::Error, backoff: &ArcSwap<Duration>) {
    let is_the_peers = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    );
    if is_the_peers {
        return;
    }
    let wait = (**backoff.load() * 2).clamp(Duration::from_millis(5), Duration::from_secs(1));
    tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "accept failed");
    backoff.store(Arc::new(wait));
    tokio::time::sleep(wait).await;
}

fn accept_one(
    socket: TcpStream,
    address: SocketAddr,
    entrance: &Arc<dyn Entrance>,
    admission: &Admission,
    tls: &TlsSlot,
    tasks: &Tasks,
    refusals: &Arc<Semaphore>,
) {
    let stop = entrance.stopping();
    let is_relayed = entrance.door().proxies().relays(address.ip());
    let now = Instant::now();
    match if is_relayed { admission.admit_relayed(now) } else { admission.admit(address.ip(), now) } {
        Ok(permit) => {
            let (entrance, tls) = (Arc::clone(entrance), tls.current());
            let shake = shake(socket, Arrival { address, permit }, entrance, tls);
            tasks.spawn("handshake", stop.run_until_cancelled_owned(shake));
        }
        Err(refused) => {
            entrance.stats().refused.inc(refused.label());
            if let Ok(slot) = Arc::clone(refusals).try_acquire_owned() {
                // Only who is told takes a slot.
                let rejection = refused.rejection(admission.slot_for(refused, entrance.retry_after(), now));
                tasks.spawn("refusal", async move {
                    stop.run_until_cancelled(turn_away(socket, refused, rejection)).await;
                    drop(slot);
                });
            }
        }
    }
}

/// Tells a peer that there is no room, in plain HTTP: a TLS handshake would cost more than the place it asks for.
async fn turn_away(mut socket: TcpStream, refused: Refused, rejection: Rejection) {
    let told = handshake::refuse(&mut socket, &rejection).await;
    tracing::debug!(reason = refused.label(), told = told.is_ok(), "connection refused");
}

/// Counts a handshake while it lasts, however it ends.
struct Handshaking(Arc<dyn Entrance>);

impl Handshaking {
    fn begin(entrance: &Arc<dyn Entrance>) -> Self {
        entrance.stats().handshaking.inc();
        Self(Arc::clone(entrance))
    }
}

impl Drop for Handshaking {
    fn drop(&mut self) {
        self.0.stats().handshaking.sub(1);
    }
}

async fn shake(
    socket: TcpStream,
    mut arrival: Arrival,
    entrance: Arc<dyn Entrance>,
    tls: Option<Arc<rustls::ServerConfig>>,
) {
    let send_buffer = entrance.send_buffer();
    if send_buffer > 0
        && let Err(error) = SockRef::from(&socket).set_send_buffer_size(send_buffer)
    {
        tracing::debug!(address = %arrival.address, %error, "send buffer not set");
    }
    let started = Instant::now();
    let handshaking = Handshaking::begin(&entrance);
    let door = entrance.door();
    let claim = |admitted: &Admitted| entrance.claim(admitted);
    let terms = Terms {
        tls: tls.map(TlsAcceptor::from),
        door: &door,
        max_header: entrance.max_header(),
        until: tokio::time::Instant::now() + entrance.handshake_timeout(),
        retry_after: entrance.retry_after(),
    };
    let outcome = handshake::perform(socket, terms, &mut arrival, claim).await;
    drop(handshaking);
    let stats = entrance.stats();
    let Arrival { address, permit } = arrival;
    match outcome {
        Ok(opened) => {
            stats.handshake_time.observe_duration(started.elapsed());
            entrance.enter(opened.admitted, opened.transport, opened.early, address, permit, opened.claim);
        }
        Err(failed) => {
            match &failed {
                Failed::Tls(_) => stats.tls_failures.inc("handshake"),
                Failed::Rejected(_) => stats.refused.inc("handshake"),
                Failed::Limited(refused) => stats.refused.inc(refused.label()),
                Failed::Late => stats.refused.inc("handshake_timeout"),
                Failed::Io(_) => stats.refused.inc("broken_off"),
            }
            handshake::log_failure(address, &failed);
        }
    }
}
