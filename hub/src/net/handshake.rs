//! One handshake: TLS, request head, the door, 101. Ends with the connection on a shard or with an answer that says why not.

use std::io;
use std::net::SocketAddr;

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::door::{Admitted, Door};
use super::listener::Claim;
use super::response::{Rejection, switching};
use super::upgrade::Upgrade;
use crate::shard::Transport;

/// Ciphertext a TLS connection may hold back when its peer reads slowly, in bytes.
const TLS_BUFFER: usize = 64 << 10;
/// How long a refused peer gets to read why, in bytes thrown away at most.
const MAX_DISCARDED: usize = 64 << 10;

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
    /// The peer was told.
    Rejected(Rejection),
    /// The peer went away, or spoke something else.
    Io(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Performs the handshake on an accepted socket.
pub(super) async fn perform(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    door: &Door,
    max_header: usize,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<Opened, Failed> {
    socket.set_nodelay(true)?;
    let Some(acceptor) = tls else {
        let mut socket = socket;
        let (admitted, claim, early) = greet(&mut socket, door, max_header, claim).await?;
        let transport = Transport::Plain(into_mio(socket)?);
        return Ok(Opened { admitted, claim, transport, early });
    };
    let mut stream = acceptor.accept(socket).await?;
    let (admitted, claim, early) = greet(&mut stream, door, max_header, claim).await?;
    let (socket, session): (TcpStream, ServerConnection) = stream.into_inner();
    let transport = Transport::tls(into_mio(socket)?, session, TLS_BUFFER);
    Ok(Opened { admitted, claim, transport, early })
}

fn into_mio(socket: TcpStream) -> io::Result<mio::net::TcpStream> {
    Ok(mio::net::TcpStream::from_std(socket.into_std()?))
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    door: &Door,
    max_header: usize,
    claim: impl FnOnce(&Admitted) -> Result<Claim, Rejection>,
) -> Result<(Admitted, Claim, Vec<u8>), Failed> {
    let outcome = match read_head(stream, max_header).await? {
        Ok((head, early)) => Upgrade::parse(&head, |path| door.has_path(path)).and_then(|upgrade| {
            let admitted = door.judge(&upgrade)?;
            let claim = claim(&admitted)?;
            Ok((admitted, claim, early, upgrade.accept))
        }),
        Err(rejection) => Err(rejection),
    };
    match outcome {
        Ok((admitted, claim, early, accept)) => {
            stream.write_all(&switching(&accept, admitted.subprotocol)).await?;
            stream.flush().await?;
            Ok((admitted, claim, early))
        }
        Err(rejection) => {
            refuse(stream, &rejection).await?;
            Err(Failed::Rejected(rejection))
        }
    }
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
            return Ok(if head.len() > max { Err(too_long(&head)) } else { Ok((head, early)) });
        }
        if head.len() > max {
            return Ok(Err(too_long(&head)));
        }
    }
}

fn too_long(head: &[u8]) -> Rejection {
    if head.contains(&b'\n') {
        Rejection::new(431, "the request head is over server.max_header_bytes")
    } else {
        Rejection::new(414, "the request line is over server.max_header_bytes")
    }
}

/// Answers and ends the stream, reading a little on so that the answer is not lost to a reset.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, rejection: &Rejection) -> io::Result<()> {
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
}

/// Where a connection comes from, for logs.
pub(super) fn log_failure(address: SocketAddr, failed: &Failed) {
    match failed {
        Failed::Rejected(rejection) => {
            tracing::debug!(%address, status = rejection.status, reason = %rejection.reason, "handshake refused")
        }
        Failed::Io(error) => tracing::debug!(%address, %error, "handshake broken off"),
    }
}
