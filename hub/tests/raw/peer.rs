//! A peer that is nothing but a TCP socket: every byte it sends is written by hand, every byte it gets is looked at.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::site::PATIENCE;

/// The example key of RFC 6455.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// An upgrade request with further header lines, each with its line end.
pub(crate) fn request(target: &str, more: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: hub.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5A, 0x00, 0xFF, 0x13];
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(0x80 | short as u8),
        medium @ 126..65_536 => {
            out.push(0x80 | 126);
            out.extend((medium as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    out
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn has(&self, line: &str) -> bool {
        self.head.lines().any(|header| header.eq_ignore_ascii_case(line))
    }
}

/// A frame of the hub.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.opcode, 1, "{self:?}");
        std::str::from_utf8(&self.payload).unwrap()
    }

    /// The code of a close frame; 1005 without one.
    pub(crate) fn code(&self) -> u16 {
        assert_eq!(self.opcode, 8, "{self:?}");
        self.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The socket, and what was read ahead.
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    got: Vec<u8>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket, got: Vec::new() }
    }

    /// A WebSocket on `/ws` whose `welcome` has come.
    pub(crate) fn opened(address: SocketAddr) -> Self {
        Self::opened_at(address, "/ws")
    }

    pub(crate) fn opened_at(address: SocketAddr, target: &str) -> Self {
        let mut peer = Self::connect(address);
        peer.send(request(target, ""));
        let answer = peer.answer();
        assert!(answer.status == 101 && answer.has("Upgrade: websocket") && answer.body.is_empty(), "{answer:?}");
        if !target.starts_with("/echo") {
            assert!(peer.frame().expect("a welcome").text().contains(r#""message_id":3"#));
        }
        peer
    }

    /// Sends, and does not mind when the hub no longer listens: what it then says is what is looked at.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        match self.socket.write_all(bytes.as_ref()) {
            Ok(()) => true,
            Err(error) => {
                let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
                assert!(gone.contains(&error.kind()), "{error}");
                false
            }
        }
    }

    /// No more will be sent.
    pub(crate) fn finish(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Gone without a word: the kernel sends RST.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Reads on. `false`: the stream has ended, or the hub has reset it.
    fn more(&mut self) -> bool {
        let mut chunk = [0; 64 << 10];
        match self.socket.read(&mut chunk) {
            Ok(0) => false,
            Ok(n) => {
                self.got.extend_from_slice(&chunk[..n]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}; so far {:?}", String::from_utf8_lossy(&self.got)),
        }
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.got.len() < length {
            if !self.more() {
                return None;
            }
        }
        Some(self.got.drain(..length).collect())
    }

    /// The hub's answer to a request.
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().expect("an HTTP answer")
    }

    /// As [`answer`](Self::answer); `None` when the hub just hangs up.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.got.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                assert!(self.got.is_empty(), "cut: {:?}", String::from_utf8_lossy(&self.got));
                return None;
            }
        };
        let head = String::from_utf8(self.take(end).unwrap()).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let body = self.take(length.map_or(0, |length| length.parse().unwrap())).expect("the whole body");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        let head = self.take(2)?;
        assert_eq!(head[0] & 0xF0, 0x80, "the hub's frames are whole, without reserved bits");
        assert!(head[1] < 0x80, "the hub's frames are not masked");
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.take(2)?.try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8)?.try_into().unwrap()),
            short => u64::from(short),
        };
        Some(Frame { opcode: head[0] & 0x0F, payload: self.take(length as usize)? })
    }

    /// The next text frame; heartbeats of the hub stay unanswered.
    pub(crate) fn text(&mut self) -> String {
        loop {
            let frame = self.frame().expect("a text frame");
            if frame.opcode != 9 {
                return frame.text().to_owned();
            }
        }
    }

    /// Reads up to the close frame and the end of the stream behind it; the code. 1006 when there is no close frame.
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.frame() {
                None => return 1006,
                Some(frame) if frame.opcode == 8 => {
                    assert!(self.is_hung_up_on(), "nothing follows a close frame");
                    return frame.code();
                }
                Some(_) => {}
            }
        }
    }

    /// Whether the hub ends the stream without another byte.
    pub(crate) fn is_hung_up_on(&mut self) -> bool {
        self.take(1).is_none()
    }
}
