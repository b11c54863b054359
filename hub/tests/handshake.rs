//! S1-S28, S38 and S40: what may happen between a TCP connection and its 101, over raw sockets.

#[path = "handshake/baseline.rs"]
mod baseline;
#[path = "handshake/credentials.rs"]
mod credentials;
#[path = "handshake/crowd.rs"]
mod crowd;
#[path = "handshake/guessing.rs"]
mod guessing;
#[path = "handshake/headers.rs"]
mod headers;
#[path = "handshake/origin.rs"]
mod origin;
#[path = "raw/peer.rs"]
mod peer;
#[path = "raw/process.rs"]
#[expect(dead_code, reason = "what other tests do to a hub")]
mod process;
#[path = "handshake/proxies.rs"]
mod proxies;
#[path = "handshake/record.rs"]
mod record;
#[path = "handshake/request.rs"]
mod request;
#[path = "raw/site.rs"]
mod site;
#[path = "handshake/tls.rs"]
mod tls;
#[path = "handshake/waiting.rs"]
mod waiting;
