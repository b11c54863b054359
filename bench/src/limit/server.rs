//! The raw server: accepts N sockets, then writes batches of ready frames, one `write` per socket and batch.
//!
//! It speaks to its parent through its streams: prints its address, later the number of messages it published, and
//! ends when its standard input does.

use super::STOP;
use crate::args::LimitServerArgs;
use crate::clock::{now, sleep_until};
use crate::frame::{opcode, write_server_header};
use crate::stamp::Stamp;
use anyhow::Context;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Serves one run.
///
/// # Errors
/// When sockets fail before the run begins; later ones are skipped.
pub(crate) fn run(args: &LimitServerArgs) -> anyhow::Result<()> {
    crate::machine::allow_descriptors(args.connections)?;
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).context("create a socket")?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).context("bind")?;
    listener.listen(4096).context("listen")?;
    let listener = std::net::TcpListener::from(listener);
    say(&listener.local_addr().context("read the own address")?.to_string())?;
    let mut writer = Writer::accept(&listener, args)?;
    writer.serve()?;
    say(&writer.published.to_string())?;
    writer.finish()?;
    // Sockets stay open until the parent has read everything.
    let mut rest = Vec::new();
    io::stdin().read_to_end(&mut rest).context("wait for the end of the input")?;
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("speak to the parent")
}

struct Writer {
    poll: Poll,
    events: Events,
    sockets: Vec<TcpStream>,
    /// Sockets that did not take the whole batch, and how much they took.
    behind: Vec<(usize, usize)>,
    batch: Vec<u8>,
    stamps: Vec<usize>,
    outstanding: u64,
    interval: Option<f64>,
    published: u64,
    acked: u64,
    stopped: bool,
    control: Vec<u8>,
}

impl Writer {
    fn accept(listener: &std::net::TcpListener, args: &LimitServerArgs) -> anyhow::Result<Self> {
        let poll = Poll::new().context("create the event loop")?;
        let mut sockets = Vec::with_capacity(args.connections);
        for at in 0..args.connections {
            let (socket, _) = listener.accept().context("accept a connection")?;
            socket.set_nonblocking(true).and_then(|()| socket.set_nodelay(true)).context("set up a connection")?;
            let mut socket = TcpStream::from_std(socket);
            let interest = if at == 0 { Interest::READABLE | Interest::WRITABLE } else { Interest::WRITABLE };
            poll.registry().register(&mut socket, Token(at), interest).context("register a connection")?;
            sockets.push(socket);
        }
        let mut batch = Vec::new();
        let mut stamps = Vec::new();
        for _ in 0..args.batch {
            write_server_header(opcode::TEXT, args.length, &mut batch);
            stamps.push(batch.len() + args.stamp_at);
            batch.resize(batch.len() + args.length, b'x');
        }
        let interval = args.rate.map(|rate| 1e9 / rate * f64::from(args.batch));
        Ok(Self {
            poll,
            events: Events::with_capacity(4096),
            sockets,
            behind: Vec::new(),
            batch,
            stamps,
            outstanding: u64::from(args.outstanding),
            interval,
            published: 0,
            acked: 0,
            stopped: false,
            control: Vec::new(),
        })
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        let mut due = now() as f64;
        loop {
            self.read_control();
            if self.stopped {
                return Ok(());
            }
            let sent = match self.interval {
                Some(_) if (now() as f64) < due => {
                    // In short naps, so that the order to stop is seen.
                    sleep_until((due as u64).min(now() + 50_000_000));
                    continue;
                }
                Some(interval) => {
                    due += interval;
                    (due - interval) as u64
                }
                None => {
                    let under_way = self.published.saturating_sub(self.acked);
                    if under_way > 0 && under_way + self.stamps.len() as u64 > self.outstanding {
                        self.wait(Duration::from_millis(100))?;
                        continue;
                    }
                    now()
                }
            };
            self.write_batch(sent)?;
        }
    }

    fn write_batch(&mut self, sent: u64) -> anyhow::Result<()> {
        for &at in &self.stamps {
            Stamp { stream: 0, sequence: self.published as u32, sent }.write(&mut self.batch[at..]);
            self.published += 1;
        }
        for (at, socket) in self.sockets.iter_mut().enumerate() {
            let taken = write(socket, &self.batch);
            if taken < self.batch.len() {
                self.behind.push((at, taken));
            }
        }
        self.finish_behind(false)
    }

    /// The next batch may only follow a whole one.
    fn finish_behind(&mut self, to_the_end: bool) -> anyhow::Result<()> {
        while !self.behind.is_empty() {
            let (sockets, batch) = (&mut self.sockets, &self.batch);
            self.behind.retain_mut(|(at, taken)| {
                *taken += write(&mut sockets[*at], &batch[*taken..]);
                *taken < batch.len()
            });
            if !self.behind.is_empty() {
                self.wait(Duration::from_millis(1))?;
                self.read_control();
                if self.stopped && !to_the_end {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Writes what is left of the last batch.
    fn finish(&mut self) -> anyhow::Result<()> {
        self.finish_behind(true)
    }

    fn wait(&mut self, timeout: Duration) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result.context("wait for events"),
        }
    }

    fn read_control(&mut self) {
        let mut bytes = [0; 4096];
        let Some(socket) = self.sockets.first_mut() else { return };
        match socket.read(&mut bytes) {
            Ok(0) => self.stopped = true,
            Ok(read) => self.control.extend_from_slice(&bytes[..read]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return,
            Err(_) => self.stopped = true,
        }
        let (numbers, rest) = self.control.as_chunks();
        for number in numbers {
            match u64::from_le_bytes(*number) {
                STOP => self.stopped = true,
                acked => self.acked = acked,
            }
        }
        self.control = rest.to_vec();
    }
}

/// Bytes the socket took. A connection that is gone takes everything: the reader counts its losses.
fn write(socket: &mut TcpStream, bytes: &[u8]) -> usize {
    match socket.write(bytes) {
        Ok(taken) => taken,
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
        Err(_) => bytes.len(),
    }
}
