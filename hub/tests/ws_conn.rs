//! What a `WsConn` makes of a peer's bytes: the same for every WebSocket library of the build, however the stream is cut.
//!
//! `cargo test --features fastwebsockets --test ws_conn` runs both implementations.

#[path = "ws_conn/agreement.rs"]
mod agreement;
#[path = "ws_conn/closing.rs"]
mod closing;
#[path = "ws_conn/fragments.rs"]
mod fragments;
#[path = "ws_conn/headers.rs"]
mod headers;
#[path = "ws_conn/limits.rs"]
mod limits;
#[path = "ws_conn/peer.rs"]
mod peer;
#[path = "ws_conn/pool.rs"]
mod pool;
#[path = "ws_conn/text.rs"]
mod text;
