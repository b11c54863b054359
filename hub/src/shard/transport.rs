//! The byte stream of a connection: a plain socket, or one under TLS (rustls without its own I/O).

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use rustls::ServerConnection;

/// A non-blocking socket, with or without TLS.
#[derive(Debug)]
pub enum Transport {
    /// The socket itself.
    Plain(TcpStream),
    /// TLS over the socket; boxed, because a TLS session is large and most hubs stand behind a proxy.
    Tls(Box<Tls>),
}

/// A TLS session and its socket.
#[derive(Debug)]
pub struct Tls {
    socket: TcpStream,
    session: ServerConnection,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Bytes of the caller that were taken; of a flush, bytes of ciphertext.
    pub(super) taken: usize,
    /// The kernel takes no more for now; it will say when it does.
    pub(super) blocked: bool,
}

impl Transport {
    /// A TLS transport whose handshake is done. At most `buffer` bytes of ciphertext wait in it.
    pub fn tls(socket: TcpStream, mut session: ServerConnection, buffer: usize) -> Self {
        session.set_buffer_limit(Some(buffer));
        Self::Tls(Box::new(Tls { socket, session }))
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &mut tls.socket,
        }
    }

    /// Reads plaintext; `Ok(0)` is the end of the stream.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(tls) => tls.read(into),
        }
    }

    /// Writes as much as the kernel takes now.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<Written> {
        match self {
            Self::Plain(socket) => write_plain(socket, slices),
            Self::Tls(tls) => tls.write(slices),
        }
    }

    /// Sends what an earlier write left inside.
    pub(super) fn flush(&mut self) -> io::Result<Written> {
        match self {
            Self::Plain(_) => Ok(Written { taken: 0, blocked: false }),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// No more will be written: the peer sees the end of the stream after what was sent.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Self::Tls(tls) = self {
            tls.session.send_close_notify();
            tls.flush()?;
        }
        self.socket().shutdown(Shutdown::Write)
    }
}

fn write_plain(socket: &mut TcpStream, slices: &[IoSlice<'_>]) -> io::Result<Written> {
    let offered: usize = slices.iter().map(|slice| slice.len()).sum();
    let result = match slices {
        [one] => socket.write(one),
        many => socket.write_vectored(many),
    };
    match result {
        Ok(taken) => Ok(Written { taken, blocked: taken < offered }),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Written { taken: 0, blocked: true }),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => write_plain(socket, slices),
        Err(error) => Err(error),
    }
}

impl Tls {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A stream cut without close_notify is an end like any other: WebSocket has its own closing handshake.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            if self.session.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            self.session.process_new_packets().map_err(io::Error::other)?;
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<Written> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let taken = self.session.writer().write_vectored(slices)?;
        let flushed = self.flush()?;
        Ok(Written { taken, blocked: flushed.blocked || (taken == 0 && offered > 0) })
    }

    fn flush(&mut self) -> io::Result<Written> {
        let mut taken = 0;
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(n) => taken += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Written { taken, blocked: true }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Written { taken, blocked: false })
    }
}
