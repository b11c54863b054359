//! A crowd of clients and some steady publishers, as programs that follow `sdk/protocol/PROTOCOL.md` to the letter: they resume, wait for
//! their slot after a drain, back off with jitter, and repeat a publish with its key.
//!
//! ```text
//! publishers - acked (epoch, offset, number, audience) --> ledger --+
//! member ----- received, told, epochs, visits -----------> record --+--> report: is there a loss that nobody was told of?
//! ```
//! The books are pure and tested here; only [`connection`], [`member`] and [`publisher`] touch a socket. A crate of its own, because both
//! the end-to-end tests (as a pod) and the fault runs of `hub/tests/chaos.rs` judge by the same books.
#![forbid(unsafe_code)]

pub mod backoff;
pub mod connection;
mod gathering;
pub mod ledger;
pub mod member;
pub mod publisher;
pub mod record;
pub mod report;
pub mod target;
pub mod transcript;
mod turn;

pub use gathering::{Books, Event, Gathering, Plan, Progress};
