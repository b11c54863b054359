//! A crowd of clients and one steady publisher, as programs that follow `sdk/protocol/PROTOCOL.md` to the letter: they resume, wait for
//! their slot after a drain, back off with jitter, and repeat a publish with its key.
//!
//! ```text
//! publisher -- acked (epoch, offset, number) --> ledger --+
//! member ----- received, told, epochs ---------> record --+--> report: is there a loss that nobody was told of?
//! ```
//! The books are pure and tested here; only [`connection`], [`member`] and [`publisher`] touch a socket.

pub mod backoff;
pub mod connection;
mod gathering;
pub mod ledger;
pub mod member;
pub mod publisher;
pub mod record;
pub mod report;
pub mod target;

pub use gathering::{Event, Gathering, Plan, Progress};
