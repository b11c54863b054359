//! The receipt of a publication: a callback that is called exactly once.

use std::fmt;

use super::PublishError;
use crate::protocol::Offset;

type Callback = Box<dyn FnOnce(Result<Offset, PublishError>) + Send>;

/// What the publisher wants to hear. Dropped unresolved it says [`PublishError::Closed`], so nobody waits for ever.
///
/// The callback may run in the caller's thread (before `publish` returns) or in one of the bus's; it must be short.
pub struct Receipt(Option<Callback>);

impl Receipt {
    /// The publisher does not want to know.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls `callback` once.
    pub fn new(callback: impl FnOnce(Result<Offset, PublishError>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    /// A receipt and a future for what it says, for callers that live in an async world.
    pub fn channel() -> (Self, impl Future<Output = Result<Offset, PublishError>> + Send + use<>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let receipt = Self::new(move |result| drop(sender.send(result)));
        (receipt, async move { receiver.await.unwrap_or(Err(PublishError::Closed)) })
    }

    /// Says how it went.
    pub fn resolve(mut self, result: Result<Offset, PublishError>) {
        if let Some(callback) = self.0.take() {
            callback(result);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(PublishError::Closed));
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Receipt(waiting)" } else { "Receipt(none)" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_receipt_is_resolved_once_with_what_was_said() {
        let (sender, receiver) = mpsc::channel();
        Receipt::new(move |result| sender.send(result).unwrap()).resolve(Ok(Offset::new(3, 0)));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [Ok(Offset::new(3, 0))]);
    }

    #[test]
    fn a_dropped_receipt_says_closed() {
        let (sender, receiver) = mpsc::channel();
        drop(Receipt::new(move |result| sender.send(result).unwrap()));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [Err(PublishError::Closed)]);
    }

    #[test]
    fn a_receipt_may_be_awaited() {
        let (receipt, answer) = Receipt::channel();
        receipt.resolve(Err(PublishError::QueueFull));
        assert_eq!(futures::executor::block_on(answer), Err(PublishError::QueueFull));
        let (receipt, answer) = Receipt::channel();
        drop(receipt);
        assert_eq!(futures::executor::block_on(answer), Err(PublishError::Closed));
    }
}
