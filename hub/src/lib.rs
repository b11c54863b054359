//! gohub: a WebSocket hub. One ordered log per process; every connection is a cursor into it.
//!
//! As a library, a hub with a message of one's own:
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use gohub::dispatcher::{Context, Reply};
//! use gohub::protocol::{Request, Target};
//!
//! let shout = |context: &mut Context<'_, '_>, request: &Request<'_>| {
//!     context.forward(Target::Broadcast, request);
//!     Ok(Reply::Later)
//! };
//! let hub = gohub::Hub::builder(gohub::Settings::default()).handler(1000, shout).start().await?;
//! println!("ws://{}/ws", hub.address());
//! # Ok(())
//! # }
//! ```

mod address_block;
pub mod admin;
pub mod app;
pub mod args;
pub mod auth;
mod backoff;
pub mod blackbox;
pub mod bus;
pub mod clock;
pub mod cluster;
pub mod directory;
pub mod dispatcher;
pub mod drain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod http;
pub mod inquiry;
pub mod inventory;
pub mod lifecycle;
pub mod log;
pub mod metrics;
pub mod net;
pub mod protocol;
pub mod reload;
pub mod shard;
pub mod telemetry;
pub mod ws;

pub use address_block::AddressBlock;
pub use app::{Builder, Hub, StartError};
pub use gohub_settings::Settings;
