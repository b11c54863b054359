//! A TCP proxy that does to its connections what networks do: delay, narrow, cut, reset, or go silent without a word to either side.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What may be on its way through one direction of a connection, in bytes.
const LINE: usize = 256 << 10;
/// The same, and the receive buffer on the server's side, of a narrow proxy: a sender soon notices that nobody reads.
const NARROW: usize = 8 << 10;

/// The path of etcd's watch, `/etcdserverpb.Watch/Watch`, as HPACK's Huffman code writes it once on each connection that has one.
const WATCH: [u8; 18] = *b"\x60\xa9\x24\x88\x2d\x9d\xcb\x65\x71\xaf\xc8\x69\x24\xec\x72\x1a\x49\x3f";

/// What happens to the connections.
#[derive(Clone, Debug, Default)]
struct Link {
    target: String,
    delay: Duration,
    /// Bytes per second of each direction of each connection; 0: as many as there are.
    rate: u32,
    is_narrow: bool,
    is_lost: bool,
    is_watch_lost: bool,
    cuts: u64,
    resets: u64,
}

/// Stands between a client and a server.
pub(crate) struct Proxy {
    address: String,
    link: watch::Sender<Link>,
}

impl Proxy {
    /// Forwards to `url` (`http://host:port`) without delay.
    pub(crate) async fn start(url: &str) -> Self {
        Self::open(url, false).await
    }

    /// The same with buffers so small that a slow reader is noticed.
    pub(crate) async fn narrow(url: &str) -> Self {
        Self::open(url, true).await
    }

    async fn open(url: &str, is_narrow: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let target = url.trim_start_matches("http://").to_owned();
        let link = watch::Sender::new(Link { target, is_narrow, ..Link::default() });
        let mut news = link.subscribe();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    changed = news.changed() => if changed.is_ok() { continue } else { return },
                };
                let Ok((near, _)) = accepted else { continue };
                tokio::spawn(carry(near, news.clone()));
            }
        });
        Self { address, link }
    }

    /// The URL to use instead of the server's.
    pub(crate) fn url(&self) -> String {
        self.address.clone()
    }

    /// New connections go there.
    pub(crate) fn retarget(&self, address: std::net::SocketAddr) {
        self.link.send_modify(|link| link.target = address.to_string());
    }

    /// From now on every byte arrives this much later, in both directions.
    pub(crate) fn delay(&self, delay: Duration) {
        self.link.send_modify(|link| link.delay = delay);
    }

    /// From now on each direction of each connection carries so many bytes a second; 0: as many as there are.
    pub(crate) fn rate(&self, rate: u32) {
        self.link.send_modify(|link| link.rate = rate);
    }

    /// While it is lost, nothing passes and nobody is told; the connections it then has never carry anything again.
    pub(crate) fn lose(&self, is_lost: bool) {
        self.link.send_modify(|link| link.is_lost = is_lost);
    }

    /// While they are lost, nothing comes back on connections with a watch of etcd, and nobody is told; all others work.
    pub(crate) fn lose_watches(&self, is_lost: bool) {
        self.link.send_modify(|link| link.is_watch_lost = is_lost);
    }

    /// Ends every connection there is.
    pub(crate) fn cut(&self) {
        self.link.send_modify(|link| link.cuts += 1);
    }

    /// Ends every connection there is with a reset; what was on its way is thrown away.
    pub(crate) fn reset(&self) {
        self.link.send_modify(|link| link.resets += 1);
    }
}

/// How a direction came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The sender closed, or the receiver takes no more.
    Finished,
    Cut,
    Reset,
    Lost,
}

async fn carry(near: TcpStream, link: watch::Receiver<Link>) {
    let Link { is_lost, is_narrow, target, .. } = link.borrow().clone();
    if is_lost {
        return drain(near.into_split().0).await;
    }
    let Ok(far) = connect(&target, is_narrow).await else { return };
    for stream in [&near, &far] {
        drop(stream.set_nodelay(true));
    }
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let has_watch = Arc::<AtomicBool>::default();
    let mut there = Direction::new(near_read, far_write, link.clone(), Arc::clone(&has_watch));
    let mut back = Direction::new(far_read, near_write, link, has_watch);
    back.is_back = true;
    let ends = tokio::join!(there.forward(), back.forward());
    match ends {
        // Both ends stay open until both have given up by themselves: neither hears of the other.
        (End::Lost, _) | (_, End::Lost) => {
            tokio::join!(drain(there.from), drain(back.from));
        }
        (End::Reset, _) | (_, End::Reset) => {
            for half in [&there.to, &back.to] {
                drop(SockRef::from(AsRef::<TcpStream>::as_ref(half)).set_linger(Some(Duration::ZERO)));
            }
        }
        _ => {}
    }
}

async fn connect(target: &str, is_narrow: bool) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if is_narrow {
        socket.set_recv_buffer_size(NARROW as u32)?;
    }
    socket.connect(target.parse().map_err(std::io::Error::other)?).await
}

/// Reads to the end and throws away.
async fn drain(mut from: OwnedReadHalf) {
    let mut buffer = vec![0; 4 << 10];
    while from.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

struct Direction {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    link: watch::Receiver<Link>,
    /// What was read, and when it arrives.
    line: VecDeque<(Instant, Vec<u8>)>,
    length: usize,
    /// When the bytes before have passed.
    free: Instant,
    /// From the server to the client.
    is_back: bool,
    /// Of the connection: whether the client has asked for a watch.
    has_watch: Arc<AtomicBool>,
}

impl Direction {
    fn new(from: OwnedReadHalf, to: OwnedWriteHalf, link: watch::Receiver<Link>, has_watch: Arc<AtomicBool>) -> Self {
        Self { from, to, link, line: VecDeque::new(), length: 0, free: Instant::now(), is_back: false, has_watch }
    }

    /// Whether these bytes are to vanish.
    fn is_swallowed(&self, bytes: &[u8]) -> bool {
        if !self.is_back && bytes.windows(WATCH.len()).any(|window| window == WATCH) {
            self.has_watch.store(true, Ordering::Relaxed);
        }
        self.is_back && self.has_watch.load(Ordering::Relaxed) && self.link.borrow().is_watch_lost
    }

    async fn forward(&mut self) -> End {
        let mut news = self.link.clone();
        let (cuts, resets) = (self.link.borrow().cuts, self.link.borrow().resets);
        let ended = async {
            let changed = news.wait_for(|link| link.cuts != cuts || link.resets != resets || link.is_lost).await;
            changed.map_or(End::Cut, |link| match (link.is_lost, link.resets != resets) {
                (true, _) => End::Lost,
                (false, true) => End::Reset,
                (false, false) => End::Cut,
            })
        };
        tokio::select! {
            end = ended => end,
            () = self.pass() => End::Finished,
        }
    }

    /// Until the sender has closed and everything has arrived.
    async fn pass(&mut self) {
        let mut buffer = vec![0; NARROW];
        let mut is_open = true;
        let most = if self.link.borrow().is_narrow { NARROW } else { LINE };
        while is_open || !self.line.is_empty() {
            let due = self.line.front().map(|(at, _)| (*at).max(self.free));
            tokio::select! {
                read = self.from.read(&mut buffer), if is_open && self.length < most => {
                    let read = read.unwrap_or(0);
                    is_open = read > 0;
                    if is_open && !self.is_swallowed(&buffer[..read]) {
                        let at = Instant::now() + self.link.borrow().delay;
                        self.line.push_back((at, buffer[..read].to_vec()));
                        self.length += read;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let Some((_, bytes)) = self.line.pop_front() else { continue };
                    self.length -= bytes.len();
                    let rate = self.link.borrow().rate;
                    if rate > 0 {
                        self.free = Instant::now() + Duration::from_secs_f64(bytes.len() as f64 / f64::from(rate));
                    }
                    if self.to.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
        drop(self.to.shutdown().await);
    }
}
