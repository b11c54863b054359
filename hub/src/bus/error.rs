//! Why a publication was not acknowledged.

use thiserror::Error;

use crate::protocol::ErrorCode;

/// Why a receipt has no offset.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishError {
    /// One publication is larger than the bus carries, in bytes. Trying again does not help.
    #[error("the message takes {size} bytes on the bus, which carries at most {limit}")]
    TooLarge {
        /// Bytes it would take.
        size: usize,
        /// Bytes the bus carries at most.
        limit: usize,
    },
    /// The bus does not work now; the publication was not sent.
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
    /// The hub is cut off from its bus, and the room's policy is `fail_closed`; the publication was not sent.
    #[error("the hub is cut off from its bus: {0}")]
    Degraded(String),
    /// No answer in time: the publication may or may not be delivered.
    #[error("the bus did not answer in time; the message may or may not be delivered")]
    Timeout,
    /// What waits for the bus is at its bound; the publication was not sent.
    #[error("the queue to the bus is full")]
    QueueFull,
    /// The hub is cut off from its bus and keeps as much as it may until it is back; the publication was not sent.
    #[error(
        "the hub is cut off from its bus and keeps as much as it may until it is back, {kept} messages of this target"
    )]
    BufferFull {
        /// Publications to the same target that are kept.
        kept: usize,
    },
    /// The bus is closing or was swapped for another one.
    #[error("the bus is closed")]
    Closed,
}

impl PublishError {
    /// Whether the same publication may succeed later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::TooLarge { .. })
    }

    /// Whether it is certain that the publication is not delivered. After an uncertain error only a retry with the same `key` is safe.
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::Timeout | Self::Closed)
    }

    /// The code clients see.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Unavailable(_) | Self::Closed => ErrorCode::BusUnavailable,
            Self::Degraded(_) => ErrorCode::Degraded,
            Self::QueueFull | Self::BufferFull { .. } => ErrorCode::Overloaded,
            Self::Timeout => ErrorCode::Timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_try_again_exactly_when_the_code_says_so() {
        let errors = [
            PublishError::TooLarge { size: 2, limit: 1 },
            PublishError::Unavailable("x".to_owned()),
            PublishError::Degraded("x".to_owned()),
            PublishError::Timeout,
            PublishError::QueueFull,
            PublishError::BufferFull { kept: 1 },
            PublishError::Closed,
        ];
        for error in errors {
            assert_eq!(error.is_retryable(), error.code().retryable(), "{error}");
            let is_uncertain = matches!(error, PublishError::Timeout | PublishError::Closed);
            assert_eq!(error.is_certain(), !is_uncertain, "{error}");
        }
    }
}
