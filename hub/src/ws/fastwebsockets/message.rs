//! From frames to messages: fragments (RFC 6455 section 5.4), their UTF-8 (8.1) and close frames (7.4).
//!
//! fastwebsockets has a collector of fragments, but it forgets an unfinished message without a word when another one begins with a
//! fragment, and its close rules come only with answers of its own. Both are a peer's offence that must end the connection with 1002.

use std::ops::ControlFlow;

use fastwebsockets::{Frame, OpCode};

use super::{Event, Fault};
use crate::protocol::CloseCode;

/// A text, or the reason of a close frame, is not UTF-8.
pub(super) const NOT_UTF8: Fault = Fault { code: CloseCode::InvalidPayload, reason: "text is not UTF-8" };
/// A message begins before the last one has ended.
pub(super) const INSIDE: Fault =
    Fault { code: CloseCode::ProtocolError, reason: "new message inside a fragmented one" };

/// The message under way, while it comes in fragments.
#[derive(Default)]
pub(super) struct Assembly {
    open: Option<Kind>,
    bytes: Vec<u8>,
    /// So many of the bytes are known to be UTF-8: each byte is looked at once, and a fault is found in the fragment that has it.
    valid: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl Assembly {
    /// Whether a message has begun and not ended.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Takes the next frame; `on` gets the event that it completes.
    pub(super) fn take(
        &mut self,
        frame: &Frame<'_>,
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        let payload: &[u8] = &frame.payload;
        match frame.opcode {
            OpCode::Text | OpCode::Binary if self.is_open() => Err(INSIDE),
            // The library has found a whole text to be UTF-8.
            OpCode::Text if frame.fin => Ok(on(Event::Text(payload))),
            OpCode::Binary if frame.fin => Ok(on(Event::Binary(payload))),
            OpCode::Text => self.append(Kind::Text, payload),
            OpCode::Binary => self.append(Kind::Binary, payload),
            OpCode::Continuation => {
                let kind = self.open.ok_or_else(|| Fault::protocol("continuation without a message"))?;
                let flow = self.append(kind, payload)?;
                if frame.fin { self.finish(kind, on) } else { Ok(flow) }
            }
            OpCode::Ping => Ok(on(Event::Ping(payload))),
            OpCode::Pong => Ok(on(Event::Pong(payload))),
            OpCode::Close => Ok(on(Event::Close(close_code(payload)?))),
        }
    }

    fn append(&mut self, kind: Kind, payload: &[u8]) -> Result<ControlFlow<()>, Fault> {
        self.open = Some(kind);
        self.bytes.extend_from_slice(payload);
        if kind == Kind::Text {
            match std::str::from_utf8(&self.bytes[self.valid..]) {
                Ok(text) => self.valid += text.len(),
                // A character may end in the next fragment.
                Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
                Err(_) => return Err(NOT_UTF8),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(
        &mut self,
        kind: Kind,
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        if kind == Kind::Text && self.valid < self.bytes.len() {
            return Err(NOT_UTF8);
        }
        let flow = on(match kind {
            Kind::Text => Event::Text(&self.bytes),
            Kind::Binary => Event::Binary(&self.bytes),
        });
        *self = Self::default();
        Ok(flow)
    }
}

/// What to answer a close frame with.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Fault::protocol("malformed close frame")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(NOT_UTF8);
    }
    let is_allowed = fastwebsockets::CloseCode::from(code).is_allowed();
    Ok(Some(if is_allowed { code } else { CloseCode::ProtocolError.code() }))
}
