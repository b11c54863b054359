//! The client side of a run: N sockets on one epoll loop with one large read buffer.
//!
//! ```text
//! dial (bounded rate, several source addresses) -> turn: epoll -> Connection::ready -> frames -> Sink
//! ```
//! One thread reads everything: it keeps up with a server thread several times over because it only walks frame headers.

use crate::connection::{Connection, Sink, State, Traffic};
use crate::endpoint::Endpoint;
use crate::frame::{opcode, write_client};
use crate::wire::Format;
use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// Large enough for every frame a hub may send and for many reads' worth of small ones; what is touched stays in cache.
const SCRATCH: usize = 1 << 20;
const EVENTS: usize = 4096;
/// Handshakes under way at once: well below any listen backlog, so that nothing is dropped and retried by TCP.
const DIALLING: usize = 256;
/// The wait before a refused connection is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// All connections are made within this, else the run is given up.
const DIAL_DEADLINE: Duration = Duration::from_secs(120);

/// How to connect.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    /// Connection `i` goes to endpoint `i % len`.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Number of 127.0.0.x source addresses for loopback targets.
    pub(crate) sources: u8,
    /// Connections per second; 0 for as fast as they are answered.
    pub(crate) rate: u32,
    /// The subprotocol to upgrade to; `None` for a raw server without a handshake.
    pub(crate) upgrade: Option<Format>,
    /// Sent as `Authorization: Bearer`.
    pub(crate) token: Option<String>,
}

/// The connections of a run.
#[derive(Debug)]
pub(crate) struct Fleet {
    dial: Dial,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    scratch: Vec<u8>,
    pub(crate) traffic: Traffic,
}

/// How a round of dialling went.
#[derive(Debug, Default, Clone)]
pub(crate) struct Dialled {
    pub(crate) seconds: f64,
    /// Attempts that did not become a connection, and were made again.
    pub(crate) refused: u64,
    /// The first reasons.
    pub(crate) reasons: Vec<String>,
}

impl Fleet {
    /// A fleet without connections.
    ///
    /// # Errors
    /// When there is no epoll descriptor left.
    pub(crate) fn new(dial: Dial) -> anyhow::Result<Self> {
        let poll = Poll::new().context("create the event loop")?;
        Ok(Self {
            dial,
            poll,
            events: Events::with_capacity(EVENTS),
            connections: Vec::new(),
            scratch: vec![0; SCRATCH],
            traffic: Traffic::default(),
        })
    }

    /// Opens connections until there are `count`; with `patient`, a refused one is tried again until the deadline.
    ///
    /// # Errors
    /// When one is refused (and not `patient`), or not all are open in time.
    pub(crate) fn dial(&mut self, count: usize, patient: bool, sink: &mut impl Sink) -> anyhow::Result<Dialled> {
        let started = Instant::now();
        let mut dialled = Dialled::default();
        let mut pending: Vec<usize> = Vec::new();
        let mut again: VecDeque<(Instant, usize)> = VecDeque::new();
        let mut attempts = 0;
        loop {
            pending.retain(|&index| match &self.connections[index].state {
                State::Connecting | State::Upgrading => true,
                State::Refused(reason) => {
                    dialled.refused += 1;
                    if dialled.reasons.len() < 5 {
                        dialled.reasons.push(reason.clone());
                    }
                    again.push_back((Instant::now() + RETRY, index));
                    false
                }
                // Open and gone within one turn: the reports count it as closed.
                State::Open | State::Closed(_) => false,
            });
            if let (false, Some((_, index))) = (patient, again.front()) {
                bail!("connection {index} of {count} was refused: {}", dialled.reasons.join(", "));
            }
            while let Some(&(_, index)) = again.front().filter(|(due, _)| *due <= Instant::now()) {
                again.pop_front();
                self.connections[index] = self.connect(index)?;
                pending.push(index);
            }
            while self.connections.len() < count && pending.len() < DIALLING && self.allowed(attempts, started) {
                let index = self.connections.len();
                let connection = self.connect(index)?;
                self.connections.push(connection);
                pending.push(index);
                attempts += 1;
            }
            if pending.is_empty() && again.is_empty() && self.connections.len() == count {
                dialled.seconds = started.elapsed().as_secs_f64();
                return Ok(dialled);
            }
            if started.elapsed() > DIAL_DEADLINE {
                bail!(
                    "only {} of {count} connections open after {DIAL_DEADLINE:?}: {:?}",
                    self.open(),
                    dialled.reasons
                );
            }
            self.turn(Some(Duration::from_millis(1)), sink)?;
        }
    }

    fn allowed(&self, attempts: u32, started: Instant) -> bool {
        self.dial.rate == 0 || f64::from(attempts) <= started.elapsed().as_secs_f64() * f64::from(self.dial.rate)
    }

    fn connect(&self, index: usize) -> anyhow::Result<Connection> {
        let endpoint = &self.dial.endpoints[index % self.dial.endpoints.len()];
        let socket = Socket::new(Domain::for_address(endpoint.address), Type::STREAM.nonblocking(), None)
            .context("create a socket")?;
        socket.set_tcp_nodelay(true).context("set TCP_NODELAY")?;
        // Closing resets: thousands of connections in TIME_WAIT would disturb the next measurement.
        socket.set_linger(Some(Duration::ZERO)).context("set SO_LINGER")?;
        if let IpAddr::V4(target) = endpoint.address.ip()
            && target.is_loopback()
            && self.dial.sources > 0
        {
            let source = Ipv4Addr::new(127, 0, 0, 2 + (index % usize::from(self.dial.sources)) as u8);
            socket.bind(&SockAddr::from(SocketAddr::from((source, 0)))).with_context(|| format!("bind to {source}"))?;
        }
        match socket.connect(&SockAddr::from(endpoint.address)) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error).with_context(|| format!("connect to {}", endpoint.address)),
        }
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(index), interest).context("register a socket")?;
        let request = self.dial.upgrade.map(|format| self.request(endpoint, index, format));
        Ok(Connection::new(stream, request))
    }

    fn request(&self, endpoint: &Endpoint, index: usize, format: Format) -> Vec<u8> {
        let Endpoint { host, path, .. } = endpoint;
        let joint = if path.contains('?') { '&' } else { '?' };
        let authorization =
            self.dial.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!(
            "GET {path}{joint}client_id={} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Z29odWItYmVuY2gtMTIzNA==\r\n\
             Sec-WebSocket-Protocol: {}\r\n{authorization}\r\n",
            client_id(index),
            format.subprotocol()
        )
        .into_bytes()
    }

    /// Waits for events at most `timeout` and handles them.
    ///
    /// # Errors
    /// When epoll fails.
    pub(crate) fn turn(&mut self, timeout: Option<Duration>, sink: &mut impl Sink) -> anyhow::Result<()> {
        let Self { poll, events, connections, scratch, traffic, .. } = self;
        loop {
            match poll.poll(events, timeout) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
                result => result.context("wait for events")?,
            }
            let mut count = 0;
            for event in events.iter() {
                let index = event.token().0;
                let readable = event.is_readable() || event.is_error() || event.is_read_closed();
                connections[index].ready(index, readable, event.is_writable(), scratch, traffic, sink);
                count += 1;
            }
            // A full list of events: there are more, and a lazy reader wants all of them in one go.
            if count < EVENTS || timeout != Some(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// How many connections there are, open or not.
    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.state == State::Open).count()
    }

    /// What ended the connections that were open, as (count, first close code seen).
    pub(crate) fn closed(&self) -> (u64, Option<u16>) {
        let ended = self.connections.iter().filter_map(|connection| match connection.state {
            State::Closed(code) => Some(code),
            _ => None,
        });
        let codes: Vec<Option<u16>> = ended.collect();
        (codes.len() as u64, codes.iter().flatten().next().copied())
    }

    /// Drops every connection without a close frame.
    pub(crate) fn drop_all(&mut self) {
        self.connections.clear();
    }

    /// Queues bytes on a connection and hands out where; [`Fleet::flush`] sends them.
    pub(crate) fn queue(&mut self, index: usize) -> &mut Vec<u8> {
        self.connections[index].queue()
    }

    /// Sends what is queued on a connection.
    pub(crate) fn flush(&mut self, index: usize) {
        self.connections[index].flush();
    }

    /// Sends one message.
    pub(crate) fn send(&mut self, index: usize, format: Format, payload: &[u8]) {
        let kind = if format == Format::Json { opcode::TEXT } else { opcode::BINARY };
        write_client(kind, payload, self.queue(index));
        self.flush(index);
    }

    /// Bytes of all connections that the server has not taken.
    pub(crate) fn backlog(&self) -> usize {
        self.connections.iter().map(Connection::backlog).sum()
    }
}

/// The client id connection `index` connects with.
pub(crate) fn client_id(index: usize) -> String {
    format!("c{index}")
}
