//! What becomes of a publication while the bus cannot be written, as its room wants it.

use std::time::Duration;

/// The policy for one publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// An error that may be tried again.
    FailClosed,
    /// Delivery to the clients of this hub alone.
    LocalOnly,
    /// It is kept within these bounds, published in order when the bus is back, and acked only then.
    Buffer(BufferLimits),
}

/// How much is kept of what cannot be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferLimits {
    /// Publications to the same target.
    pub messages: usize,
    /// Bytes of all that is kept, whatever its target.
    pub bytes: usize,
    /// How long one is kept.
    pub age: Duration,
}
