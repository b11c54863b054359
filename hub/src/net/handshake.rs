//! One handshake: TLS, request head, the door, 101. Ends with the connection on a shard or with an answer that says why not.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::door::{Admitted, Door};
use super::listener::Claim;
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

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failed {
    /// The peer was told, if it listened.
    Rejected(Rejection),
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

/// Performs the handshake on an accepted socket, which must be complete at `until`.
pub(super) async fn perform(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    door: &Door,
    max_header: usize,
    until: Instant,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<Opened, Failed> {
    socket.set_nodelay(true)?;
    let Some(acceptor) = tls else {
        let mut socket = socket;
        let (admitted, claim, early) = greet(&mut socket, door, max_header, until, claim).await?;
        let transport = Transport::Plain(into_mio(socket)?);
        return Ok(Opened { admitted, claim, transport, early });
    };
    let mut stream =
        timeout_at(until, acceptor.accept(socket)).await.map_err(|_| Failed::Late)?.map_err(Failed::Tls)?;
    let (admitted, claim, early) = greet(&mut stream, door, max_header, until, claim).await?;
    let (socket, session): (TcpStream, ServerConnection) = stream.into_inner();
    let transport = Transport::tls(into_mio(socket)?, session, TLS_BUFFER);
    Ok(Opened { admitted, claim, transport, early })
}

fn into_mio(socket: TcpStream) -> io::Result<mio::net::TcpStream> {
    Ok(mio::net::TcpStream::from_std(socket.into_std()?))
}

/// Request and answer; a peer that is not let in is told why.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    door: &Door,
    max_header: usize,
    until: Instant,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<(Admitted, Claim, Vec<u8>), Failed> {
    let outcome = timeout_at(until, exchange(stream, door, max_header, claim)).await.unwrap_or(Err(Failed::Late));
    if let Err(Failed::Rejected(rejection)) = &outcome
        && let Err(error) = refuse(stream, rejection).await
    {
        tracing::trace!(%error, "refused peer did not listen");
    }
    outcome
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    door: &Door,
    max_header: usize,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<(Admitted, Claim, Vec<u8>), Failed> {
    let (head, early) = read_head(stream, max_header).await??;
    let upgrade = Upgrade::parse(&head, |path| door.has_path(path))?;
    let admitted = door.judge(&upgrade)?;
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
        Failed::Tls(error) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Failed::Late => tracing::debug!(%address, "handshake not complete within server.handshake_timeout"),
        Failed::Io(error) => tracing::debug!(%address, %error, "handshake broken off"),
    }
}
