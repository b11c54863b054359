//! `WsConn`: the trait between the hub and a WebSocket library.

use std::ops::ControlFlow;

use crate::protocol::CloseCode;

/// What a peer sent, complete and checked.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text message; valid UTF-8.
    Text(&'a [u8]),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping; at most 125 bytes.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// A close frame. The code is what to answer: the peer's own, or 1002 when the peer may not send that one. `None`: it gave none.
    Close(Option<u16>),
}

/// The peer broke a rule; the connection ends with this code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code:?})")]
pub struct Fault {
    /// The close code the peer gets.
    pub code: CloseCode,
    /// The close reason: names the rule or the limit, nothing the peer sent.
    pub reason: &'static str,
}

impl Fault {
    /// A fault with code 1002.
    pub fn protocol(reason: &'static str) -> Self {
        Self { code: CloseCode::ProtocolError, reason }
    }
}

/// The receiving half of one WebSocket connection, server role, after the handshake.
///
/// Contract: the bytes handed to [`receive`](Self::receive) are the stream in order, cut anywhere; [`Guard`](super::Guard) has seen them and
/// found lengths and limits right. Every complete message and control frame is handed out exactly once and in order. The library answers
/// nothing itself (no pong, no close): the shard does. After a fault or a `Break` the object is not used again, and `on` says `Break` to a close event.
pub trait WsConn: Send {
    /// Takes the next bytes of the stream and hands out what is complete. Everything is taken unless `on` says `Break`.
    fn receive(
        &mut self,
        bytes: &[u8],
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault>;
}
