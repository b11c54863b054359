//! What tests of a running hub share: a client that speaks both forms of the protocol and never waits for ever, and settings
//! for a hub on a free port. A crate and not a module, so that no test has to use all of it.
//!
//! ```ignore
//! let hub = start(settings()).await;
//! let mut alice = Client::connect(&hub, "alice").await;
//! alice.join("lobby").await;
//! let offset = alice.publish(ClientRequest::room_message("lobby", json("1"))).await;
//! assert_eq!(alice.publication().await.1, offset);
//! ```

mod client;
mod connect;
mod payload;
mod running;
mod wait;

pub use client::{Client, Closed, Received};
pub use connect::{Connect, Declined, Stream};
pub use payload::{json, padded, text_of};
pub use running::{settings, start};
pub use wait::{DEADLINE, until, within};
