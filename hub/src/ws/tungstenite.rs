//! `WsConn` by tungstenite: the sans-IO core of tokio-tungstenite, fed from the shard's scratch buffer.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Event, Fault, FrameLimits, WsConn};
use crate::protocol::CloseCode;

/// What tungstenite reads at once from the scratch. Its defaults (128 KiB read buffer, unlimited write buffer) are not for a hub.
const READ_BUFFER: usize = 16 << 10;

/// One connection's (or, between messages, nobody's) tungstenite state.
#[derive(Debug)]
pub(super) struct Tungstenite(WebSocketContext);

impl Tungstenite {
    pub(super) fn new(limits: FrameLimits) -> Self {
        let max = usize::try_from(limits.max_message).unwrap_or(usize::MAX);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(1 << 10)
            .max_message_size(Some(max))
            .max_frame_size(Some(max));
        Self(WebSocketContext::new(Role::Server, Some(config)))
    }
}

impl WsConn for Tungstenite {
    fn receive(
        &mut self,
        bytes: &[u8],
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut feed = Feed(bytes);
        loop {
            let flow = match self.0.read(&mut feed) {
                Ok(Message::Text(text)) => on(Event::Text(text.as_bytes())),
                Ok(Message::Binary(data)) => on(Event::Binary(&data)),
                Ok(Message::Ping(data)) => on(Event::Ping(&data)),
                Ok(Message::Pong(data)) => on(Event::Pong(&data)),
                Ok(Message::Close(frame)) => on(Event::Close(frame.map(|frame| frame.code.into()))),
                Ok(Message::Frame(_)) => ControlFlow::Continue(()),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(ControlFlow::Continue(()));
                }
                Err(error) => return Err(fault(&error)),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
    }
}

/// The bytes at hand as the stream tungstenite wants. What it writes (its own pongs and close replies) is not sent: the shard answers.
struct Feed<'a>(&'a [u8]);

impl Read for Feed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.read(into)
    }
}

impl Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Capacity(_) => Fault { code: CloseCode::MessageTooBig, reason: "message over limits.max_message" },
        Error::Utf8(_) => Fault { code: CloseCode::InvalidPayload, reason: "text is not UTF-8" },
        Error::Protocol(error) => Fault::protocol(match error {
            ProtocolError::NonZeroReservedBits => "reserved bit set",
            ProtocolError::UnknownControlFrameType(_)
            | ProtocolError::UnknownDataFrameType(_)
            | ProtocolError::InvalidOpcode(_) => "unknown opcode",
            ProtocolError::FragmentedControlFrame => "fragmented control frame",
            ProtocolError::ControlFrameTooBig => "control frame over 125 bytes",
            ProtocolError::UnexpectedContinueFrame => "continuation without a message",
            ProtocolError::ExpectedFragment(_) => "new message inside a fragmented one",
            ProtocolError::InvalidCloseSequence => "malformed close frame",
            _ => "WebSocket protocol error",
        }),
        _ => Fault::protocol("WebSocket protocol error"),
    }
}
