//! The peer's side: frames as a client sends them, and a run of them through every library.

use std::ops::ControlFlow;

use gohub::ws::{Event, FrameLimits, Inbound, Library, Pool};

pub(crate) const LIMITS: FrameLimits = FrameLimits { max_message: 300, max_fragments: 6 };

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// A masked frame whose first byte is this.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
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

/// A close frame with a code and a reason.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// The connection ends with this code.
    Fault(u16),
    /// The stream ended inside a message.
    Unfinished,
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(bytes) => Self::Text(bytes.to_vec()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Event::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Event::Close(code) => Self::Close(code),
        }
    }
}

/// Feeds one connection with these parts of its stream; a close or a fault ends it, as in the shard.
pub(crate) fn feed<'a>(pool: &mut Pool, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let (mut inbound, mut seen) = (Inbound::default(), Vec::new());
    for part in parts {
        if !feed_on(&mut inbound, pool, part, &mut seen) {
            return seen;
        }
    }
    if inbound.is_partial() {
        seen.push(Seen::Unfinished);
    }
    seen
}

/// Feeds one part; whether the connection goes on.
pub(crate) fn feed_on(inbound: &mut Inbound, pool: &mut Pool, part: &[u8], seen: &mut Vec<Seen>) -> bool {
    let flow = inbound.receive(pool, part, &mut |event| {
        seen.push(event.into());
        if matches!(seen.last(), Some(Seen::Close(_))) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match flow {
        Ok(flow) => flow.is_continue(),
        Err(fault) => {
            seen.push(Seen::Fault(fault.code.code()));
            false
        }
    }
}

/// What every library must make of the stream: whole, byte by byte, and cut in two at every position.
#[track_caller]
pub(crate) fn expect(stream: &[u8], expected: &[Seen]) {
    for library in Library::ALL {
        let mut pool = Pool::new(*library, LIMITS);
        let whole = feed(&mut pool, [stream]);
        assert_eq!(whole, expected, "{library:?}, whole");
        let bytes = feed(&mut pool, stream.chunks(1));
        assert_eq!(bytes, expected, "{library:?}, byte by byte");
        for at in 1..stream.len() {
            let cut = feed(&mut pool, [&stream[..at], &stream[at..]]);
            assert_eq!(cut, expected, "{library:?}, cut at {at} of {}", stream.len());
        }
    }
}

/// The same for frames that follow each other.
#[track_caller]
pub(crate) fn expect_of<const N: usize>(frames: [Vec<u8>; N], expected: &[Seen]) {
    expect(&frames.concat(), expected);
}
