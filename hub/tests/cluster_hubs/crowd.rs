//! A crowd: very many clients that only count and hash what they get, straight from the socket's bytes. A thousand of them cost little
//! beside the hubs they watch.

use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::deadline::PATIENCE;

/// A message whose frame is longer than this is the last one.
pub(crate) const LAST: usize = 4000;
const BROADCAST: &[u8] = b"{\"message_id\":20,";
const GAP: &[u8] = b"{\"message_id\":31,";
/// So many shake hands at a time.
const STEP: usize = 50;

/// What one of them got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) broadcasts: usize,
    /// Rolls over the whole text of every broadcast, offsets included: equal means the same messages in the same order.
    pub(crate) hash: u64,
    pub(crate) gaps: usize,
}

pub(crate) struct Crowd(Vec<JoinHandle<Tally>>);

impl Crowd {
    /// Connects `count` clients to these addresses in turn. All have their welcome when this returns.
    pub(crate) async fn gather(count: usize, addresses: &[SocketAddr]) -> Self {
        let mut members = Vec::with_capacity(count);
        for from in (0..count).step_by(STEP) {
            let step = (from..count.min(from + STEP)).map(|index| Member::connect(addresses[index % addresses.len()]));
            members.extend(futures::future::join_all(step).await);
        }
        Self(members.into_iter().map(|member| tokio::spawn(member.watch())).collect())
    }

    /// What each of them got up to the last message.
    pub(crate) async fn tallies(self) -> Vec<Tally> {
        let tallies = futures::future::join_all(self.0).await;
        tallies.into_iter().map(|tally| tally.expect("nobody of the crowd was disconnected")).collect()
    }
}

struct Member {
    stream: TcpStream,
    /// What was read; frames before `start` are done.
    buffer: Vec<u8>,
    start: usize,
}

impl Member {
    async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("the hub listens");
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut member = Self { stream, buffer: Vec::new(), start: 0 };
        let end = loop {
            member.read().await;
            if let Some(end) = member.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
        };
        assert!(member.buffer.starts_with(b"HTTP/1.1 101"), "{:?}", String::from_utf8_lossy(&member.buffer));
        member.start = end + 4;
        let welcome = member.frame().await;
        assert!(welcome.starts_with(b"{\"message_id\":3,"), "{:?}", String::from_utf8_lossy(&welcome));
        member
    }

    async fn watch(mut self) -> Tally {
        let mut hash = DefaultHasher::new();
        let (mut broadcasts, mut gaps) = (0, 0);
        loop {
            let range = self.next().await;
            let payload = &self.buffer[range];
            if payload.starts_with(BROADCAST) {
                if payload.len() > LAST {
                    return Tally { broadcasts, hash: hash.finish(), gaps };
                }
                broadcasts += 1;
                hash.write(payload);
            } else if payload.starts_with(GAP) {
                gaps += 1;
            }
        }
    }

    async fn frame(&mut self) -> Vec<u8> {
        let range = self.next().await;
        self.buffer[range].to_vec()
    }

    /// Where the next text frame's payload lies in the buffer.
    async fn next(&mut self) -> std::ops::Range<usize> {
        loop {
            let rest = &self.buffer[self.start..];
            if let Some((header, length)) = header_of(rest)
                && rest.len() >= header + length
            {
                let opcode = rest[0] & 0x0f;
                assert_ne!(opcode, 8, "closed: {:?}", String::from_utf8_lossy(&rest[header..header + length]));
                let begin = self.start + header;
                self.start = begin + length;
                if opcode == 1 {
                    return begin..begin + length;
                }
                continue;
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            self.read().await;
        }
    }

    async fn read(&mut self) {
        self.buffer.reserve(16 << 10);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
        let count = read.unwrap_or_else(|_| panic!("nothing within {PATIENCE:?}")).expect("the connection is whole");
        assert!(count > 0, "the stream ended");
    }
}

/// Length of the header and of the payload, once they can be told. A hub masks nothing.
fn header_of(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? {
        126 => Some((4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])))),
        127 => Some((10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize)),
        length => Some((2, usize::from(*length))),
    }
}
