//! One handshake: TLS, request head, the door, 101. Ends with the connection on a shard or with an answer that says why not.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::admission::{Admission, Permit, Refused};
use super::door::{Admitted, Door};
use super::listener::Claim;
use super::proxies;
use super::response::{Rejection, switching};
use super::upgrade::{self, Upgrade};
use crate::shard::Transport;

/// Ciphertext a TLS connection may hold back when its peer reads slowly, in bytes.
const TLS_BUFFER: usize = 64 << 10;
/// What a refused peer may still send while it is told why; all of it is thrown away.
const MAX_DISCARDED: usize = 256 << 10;
/// How long a refused peer gets to read why and to hang up.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection that is let in.
pub(super) struct Opened {
    pub(super) admitted: Admitted,
    pub(super) claim: Claim,
    pub(super) transport: Transport,
    pub(super) early: Vec<u8>,
}

/// What a handshake goes by.
pub(super) struct Terms<'a> {
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) door: &'a Door,
    pub(super) max_header: usize,
    /// When it must be complete.
    pub(super) until: Instant,
    /// What a peer is told to wait that is refused for a limit.
    pub(super) retry_after: Duration,
}

/// Who has come.
pub(super) struct Arrival {
    /// The peer's, until a proxy says whom it speaks for; then the client's, with port 0 where a proxy told none.
    pub(super) address: SocketAddr,
    pub(super) permit: Permit,
}

impl Arrival {
    fn is_from(&mut self, client: SocketAddr) -> Result<(), Failed> {
        self.permit.is_from(client.ip(), std::time::Instant::now()).map_err(Failed::Limited)?;
        self.address = client;
        Ok(())
    }

    /// Nobody was named: the connection is the proxy's own.
    fn is_the_proxys(&mut self) -> Result<(), Failed> {
        self.is_from(self.address)
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failed {
    /// The peer was told, if it listened.
    Rejected(Rejection),
    /// A limit of the client behind a proxy. It was told, too.
    Limited(Refused),
    /// `server.handshake_timeout` has passed.
    Late,
    /// The peer went away, or spoke something else.
    Io(io::Error),
    /// There is no TLS session with this peer.
    Tls(io::Error),
}

impl From<Rejection> for Failed {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Failed {
    /// What the peer is told: who shall come again, in a slot of its own.
    fn rejection(&self, retry_after: Duration, admission: &Admission) -> Option<Rejection> {
        let now = std::time::Instant::now();
        match self {
            Self::Rejected(rejection) if rejection.status == 503 => {
                Some(Rejection::unavailable(rejection.reason.clone(), admission.slot(retry_after, now)))
            }
            Self::Rejected(rejection) => Some(rejection.clone()),
            Self::Limited(refused) => Some(refused.rejection(admission.slot_for(*refused, retry_after, now))),
            Self::Late | Self::Io(_) | Self::Tls(_) => None,
        }
    }
}

/// Performs the handshake on an accepted socket.
pub(super) async fn perform(
    mut socket: TcpStream,
    mut terms: Terms<'_>,
    arrival: &mut Arrival,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<Opened, Failed> {
    socket.set_nodelay(true)?;
    if terms.door.proxies().speaks_protocol(arrival.address.ip()) {
        introduce(&mut socket, &terms, arrival).await?;
    }
    let Some(acceptor) = terms.tls.take() else {
        let (admitted, claim, early) = greet(&mut socket, &terms, arrival, claim).await?;
        let transport = Transport::Plain(into_mio(socket)?);
        return Ok(Opened { admitted, claim, transport, early });
    };
    let accepted = timeout_at(terms.until, acceptor.accept(socket)).await;
    let mut stream = accepted.map_err(|_| Failed::Late)?.map_err(Failed::Tls)?;
    let (admitted, claim, early) = greet(&mut stream, &terms, arrival, claim).await?;
    let (socket, session): (TcpStream, ServerConnection) = stream.into_inner();
    let transport = Transport::tls(into_mio(socket)?, session, TLS_BUFFER);
    Ok(Opened { admitted, claim, transport, early })
}

/// A proxy says whom it speaks for before anything else, TLS included.
async fn introduce(socket: &mut TcpStream, terms: &Terms<'_>, arrival: &mut Arrival) -> Result<(), Failed> {
    let source = timeout_at(terms.until, proxies::read_header(socket)).await.map_err(|_| Failed::Late)?;
    let outcome = match source {
        Ok(Some(client)) => arrival.is_from(client),
        Ok(None) => arrival.is_the_proxys(),
        // Somebody has set this up: a proxy that is not told to speak it, or the wrong address in `proxies.trusted`.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Rejection::bad_request(format!("proxies.proxy_protocol: {error}")).into())
        }
        Err(error) => Err(error.into()),
    };
    told(socket, terms, arrival, outcome).await
}

fn into_mio(socket: TcpStream) -> io::Result<mio::net::TcpStream> {
    Ok(mio::net::TcpStream::from_std(socket.into_std()?))
}

/// Request and answer; a peer that is not let in is told why.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    terms: &Terms<'_>,
    arrival: &mut Arrival,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<(Admitted, Claim, Vec<u8>), Failed> {
    let exchanged = timeout_at(terms.until, exchange(stream, terms, arrival, claim)).await;
    told(stream, terms, arrival, exchanged.unwrap_or(Err(Failed::Late))).await
}

async fn told<S: AsyncRead + AsyncWrite + Unpin, T>(
    stream: &mut S,
    terms: &Terms<'_>,
    arrival: &Arrival,
    outcome: Result<T, Failed>,
) -> Result<T, Failed> {
    let admission = arrival.permit.admission();
    if let Some(rejection) = outcome.as_ref().err().and_then(|failed| failed.rejection(terms.retry_after, admission))
        && let Err(error) = refuse(stream, &rejection).await
    {
        tracing::trace!(%error, "refused peer did not listen");
    }
    outcome
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    terms: &Terms<'_>,
    arrival: &mut Arrival,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<(Admitted, Claim, Vec<u8>), Failed> {
    let door = terms.door;
    let (head, early) = read_head(stream, terms.max_header).await??;
    let header = door.proxies().header(arrival.address.ip());
    let upgrade = Upgrade::parse(&head, |path| door.has_path(path), header)?;
    if header.is_some() {
        let client: Option<IpAddr> = door.proxies().client(upgrade.forwarded.iter().map(String::as_str))?;
        match client {
            Some(client) => arrival.is_from((client, 0).into())?,
            None => arrival.is_the_proxys()?,
        }
    }
    let admitted = door.judge(&upgrade, arrival.address.ip().into()).await?;
    let claim = claim(&admitted)?;
    stream.write_all(&switching(&upgrade.accept, admitted.subprotocol)).await?;
    stream.flush().await?;
    Ok((admitted, claim, early))
}

/// Reads up to the empty line that ends the head, and what came behind it.
async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    max: usize,
) -> io::Result<Result<(Vec<u8>, Vec<u8>), Rejection>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::with_capacity(1024);
    loop {
        let searched = head.len().saturating_sub(END.len() - 1);
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !head[0].is_ascii_uppercase() {
            return Ok(Err(Rejection::bad_request("this is not HTTP (server.tls decides whether TLS is spoken here)")));
        }
        // Each byte is looked at once, however small the pieces it comes in.
        if let Some(at) = head[searched..].windows(END.len()).position(|window| window == END) {
            let early = head.split_off(searched + at + END.len());
            return Ok(if head.len() > max { Err(too_long(&head, max)) } else { Ok((head, early)) });
        }
        if head.len() > max {
            return Ok(Err(too_long(&head, max)));
        }
        // Such a head may never come to its empty line.
        if upgrade::has_bare_line_feed(&head[searched..]) {
            return Ok(Err(Rejection::bad_request("a line ends without CR LF")));
        }
    }
}

fn too_long(head: &[u8], max: usize) -> Rejection {
    if head.iter().take(max).any(|byte| *byte == b'\n') {
        Rejection::new(431, "the request head is over server.max_header_bytes")
    } else {
        Rejection::new(414, "the request line is over server.max_header_bytes")
    }
}

/// Answers and ends the stream, reading a little on so that the answer is not lost to a reset.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, rejection: &Rejection) -> io::Result<()> {
    let farewell = async {
        stream.write_all(&rejection.encode()).await?;
        stream.shutdown().await?;
        let mut scratch = [0; 2048];
        let mut discarded = 0;
        while discarded < MAX_DISCARDED {
            match stream.read(&mut scratch).await? {
                0 => break,
                n => discarded += n,
            }
        }
        Ok(())
    };
    timeout(FAREWELL, farewell).await?
}

/// Where a connection comes from, for logs.
pub(super) fn log_failure(address: SocketAddr, failed: &Failed) {
    match failed {
        Failed::Rejected(rejection) => {
            tracing::debug!(%address, status = rejection.status, reason = %rejection.reason, "handshake refused")
        }
        Failed::Limited(refused) => tracing::debug!(%address, reason = %refused, "handshake refused"),
        Failed::Tls(error) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Failed::Late => tracing::debug!(%address, "handshake not complete within server.handshake_timeout"),
        Failed::Io(error) => tracing::debug!(%address, %error, "handshake broken off"),
    }
}
