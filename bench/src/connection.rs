//! One client socket: connecting, upgrading, then frames in and bytes out, never blocking.

use crate::frame::{Frames, opcode, write_client};
use mio::net::TcpStream;
use std::io::{self, Read, Write};

/// Takes what a connection receives. Generic, so that the reader's loop is compiled into one piece with it.
pub(crate) trait Sink {
    /// A whole text or binary message of `connection`, read at `now` ([`crate::clock::now`]).
    fn message(&mut self, connection: usize, payload: &[u8], now: u64);

    /// Several messages of one read are handed over between two calls of this; raw servers need no more.
    fn fragment(&mut self, connection: usize);
}

/// Where a connection is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    /// The request is out, the answer is not complete.
    Upgrading,
    Open,
    /// Never came to be: refused, reset or answered with something other than 101.
    Refused(String),
    /// Was open; the code when the peer sent a close frame.
    Closed(Option<u16>),
}

/// Counters of one turn of the reader, kept by the fleet.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
    pub(crate) pings: u64,
}

/// A socket and what does not fit into it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) state: State,
    /// The request of the handshake; `None` for a raw server that writes frames at once.
    pub(crate) request: Option<Vec<u8>>,
    /// The beginning of a frame whose end has not come.
    held: Vec<u8>,
    out: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, request: Option<Vec<u8>>) -> Self {
        Self { stream, state: State::Connecting, request, held: Vec::new(), out: Vec::new() }
    }

    /// Queues bytes; [`Connection::flush`] sends them.
    pub(crate) fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes queued that the socket has not taken.
    pub(crate) fn backlog(&self) -> usize {
        self.out.len()
    }

    /// Sends what is queued as far as the socket takes it; the rest goes when it becomes writable.
    pub(crate) fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(taken) => drop(self.out.drain(..taken)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.end(&error.to_string());
                    return;
                }
            }
        }
    }

    /// The socket is ready for something; edge-triggered, so everything there is to do is done.
    pub(crate) fn ready(
        &mut self,
        index: usize,
        readable: bool,
        writable: bool,
        scratch: &mut [u8],
        traffic: &mut Traffic,
        sink: &mut impl Sink,
    ) {
        if self.state == State::Connecting && (writable || readable) && !self.connected() {
            return;
        }
        if writable {
            self.flush();
        }
        if readable {
            self.receive(index, scratch, traffic, sink);
        }
    }

    /// The connect came to an end; true when it succeeded.
    fn connected(&mut self) -> bool {
        match self.stream.take_error() {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => {
                self.end(&error.to_string());
                return false;
            }
        }
        if let Err(error) = self.stream.peer_addr() {
            if error.kind() != io::ErrorKind::NotConnected {
                self.end(&error.to_string());
            }
            return false;
        }
        match self.request.take() {
            Some(request) => {
                self.state = State::Upgrading;
                self.out.extend_from_slice(&request);
            }
            None => self.state = State::Open,
        }
        true
    }

    fn receive(&mut self, index: usize, scratch: &mut [u8], traffic: &mut Traffic, sink: &mut impl Sink) {
        while matches!(self.state, State::Upgrading | State::Open) {
            let held = self.held.len();
            scratch[..held].copy_from_slice(&self.held);
            let space = scratch.len() - held;
            let read = match self.stream.read(&mut scratch[held..]) {
                Ok(0) => return self.end("closed by the server"),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.end(&error.to_string()),
            };
            traffic.bytes += read as u64;
            traffic.reads += 1;
            let bytes = &scratch[..held + read];
            let consumed = self.consume(index, bytes, traffic, sink);
            self.held.clear();
            self.held.extend_from_slice(&bytes[consumed..]);
            if self.held.len() == scratch.len() {
                return self.end("a frame larger than the read buffer");
            }
            // A short read has emptied the socket: the next edge comes with the next byte (epoll(7)).
            if read < space {
                return;
            }
        }
    }

    fn consume(&mut self, index: usize, bytes: &[u8], traffic: &mut Traffic, sink: &mut impl Sink) -> usize {
        let mut begin = 0;
        if self.state == State::Upgrading {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return 0 };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let status = String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
                self.end(&status);
                return bytes.len();
            }
            self.state = State::Open;
            begin = end + 4;
        }
        let now = crate::clock::now();
        let mut frames = Frames::new(&bytes[begin..]);
        for frame in frames.by_ref() {
            match frame.opcode {
                opcode::TEXT | opcode::BINARY if frame.fin => sink.message(index, frame.payload, now),
                opcode::PING => {
                    traffic.pings += 1;
                    write_client(opcode::PONG, frame.payload, &mut self.out);
                }
                opcode::PONG => {}
                opcode::CLOSE => {
                    let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    self.state = State::Closed(code);
                    return bytes.len();
                }
                _ => sink.fragment(index),
            }
        }
        let consumed = begin + frames.consumed();
        self.flush();
        consumed
    }

    fn end(&mut self, reason: &str) {
        self.state = match &self.state {
            State::Connecting | State::Upgrading => State::Refused(reason.to_owned()),
            State::Closed(code) => State::Closed(*code),
            _ => State::Closed(None),
        };
        self.out = Vec::new();
    }
}
