//! WebSocket (RFC 6455) below the protocol: bytes in, events out; frames out, bytes.
//!
//! ```text
//!   socket --read--> shard's scratch --> Guard (headers, limits) --> WsConn (unmask, UTF-8, rules) --> Event
//!   socket <--------- one vectored write <--------------------------- frame::* and the log's ready-made frames
//! ```
//!
//! [`WsConn`] is all the hub knows of a WebSocket library. It is *sans-IO* and receives only, because the writer sends frames that were encoded once
//! for everybody. A connection needs one only while a message is half received: between messages it holds nothing, and the library's
//! object serves the next connection that has bytes.

mod conn;
#[cfg(feature = "fastwebsockets")]
mod fastwebsockets;
pub mod frame;
mod guard;
mod inbound;
mod tungstenite;

pub use conn::{Event, Fault, WsConn};
pub use guard::{FrameLimits, Guard};
pub use inbound::{Inbound, Library, Pool};
