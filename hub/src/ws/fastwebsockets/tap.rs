//! The stream that fastwebsockets reads: bytes in memory, poured in from outside, and `Pending` instead of an end.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Clones are the same tap: one is poured into, the other belongs to the library, which hands out no reference to its stream. Both are
/// used by one thread, in turn, so the lock is never waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct Tap(Arc<Mutex<BytesMut>>);

impl Tap {
    /// The next bytes of the stream.
    pub(super) fn pour(&self, bytes: &[u8]) {
        self.bytes().extend_from_slice(bytes);
    }

    fn bytes(&self) -> MutexGuard<'_, BytesMut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = self.bytes();
        if bytes.is_empty() {
            return Poll::Pending;
        }
        let taken = bytes.len().min(into.remaining());
        into.put_slice(&bytes[..taken]);
        bytes.advance(taken);
        Poll::Ready(Ok(()))
    }
}

/// The library's bounds ask for a stream that can be written to. It has nothing to write.
impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
