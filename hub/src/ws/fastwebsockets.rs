//! `WsConn` by fastwebsockets, whose reading is a future over a stream: here the stream is a tap of bytes in memory, and the future waits,
//! half read frame and all, until the next bytes come. No runtime and no waker take part.
//!
//! The library reads, unmasks and judges frames; [`message`] puts messages together, and says why the library's own collector does not.

mod message;
mod tap;

use std::ops::ControlFlow;
use std::task::{Context, Poll, Waker};

use fastwebsockets::{Frame, Role, WebSocket, WebSocketError};
use tokio_util::sync::ReusableBoxFuture;

use self::message::Assembly;
use self::tap::Tap;
use super::{Event, Fault, FrameLimits, WsConn};
use crate::protocol::CloseCode;

type Read = (WebSocket<Tap>, Result<Frame<'static>, WebSocketError>);

/// One connection's (or, between messages, nobody's) fastwebsockets state.
pub(super) struct FastWebSockets {
    tap: Tap,
    /// The reading of the next frame; it owns the library's object and gives it back with the frame.
    reading: ReusableBoxFuture<'static, Read>,
    assembly: Assembly,
}

impl FastWebSockets {
    pub(super) fn new(limits: FrameLimits) -> Self {
        let tap = Tap::default();
        let mut socket = WebSocket::after_handshake(tap.clone(), Role::Server);
        // The shard answers, and the close frame is judged by us: with these on, the library would do both.
        socket.set_auto_pong(false);
        socket.set_auto_close(false);
        // The library refuses a frame *of* this length.
        socket.set_max_message_size(usize::try_from(limits.max_message).unwrap_or(usize::MAX).saturating_add(1));
        Self { tap, reading: ReusableBoxFuture::new(read(socket)), assembly: Assembly::default() }
    }

    fn fault(&self, error: &WebSocketError) -> Fault {
        match error {
            // The library looks into a text before we see that it may not begin here.
            WebSocketError::InvalidUTF8 if self.assembly.is_open() => message::INSIDE,
            WebSocketError::InvalidUTF8 => message::NOT_UTF8,
            WebSocketError::FrameTooLarge => {
                Fault { code: CloseCode::MessageTooBig, reason: "message over limits.max_message" }
            }
            WebSocketError::ReservedBitsNotZero => Fault::protocol("reserved bit set"),
            WebSocketError::InvalidValue => Fault::protocol("unknown opcode"),
            WebSocketError::ControlFrameFragmented => Fault::protocol("fragmented control frame"),
            WebSocketError::PingFrameTooLarge => Fault::protocol("control frame over 125 bytes"),
            _ => Fault::protocol("WebSocket protocol error"),
        }
    }
}

impl WsConn for FastWebSockets {
    fn receive(
        &mut self,
        bytes: &[u8],
        on: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Fault> {
        self.tap.pour(bytes);
        // Nobody needs to be woken: what the future waits for is the next call of this function.
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready((socket, frame)) = self.reading.poll(&mut context) {
            self.reading.set(read(socket));
            let frame = frame.map_err(|error| self.fault(&error))?;
            let flow = self.assembly.take(&frame, on)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

async fn read(mut socket: WebSocket<Tap>) -> Read {
    let frame = socket.read_frame().await;
    (socket, frame)
}
