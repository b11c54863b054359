//! The public listener: from an accepted socket to an admitted WebSocket connection on a shard.
//!
//! ```text
//!   accept -> Admission (counts, rates) -> PROXY header -> TLS -> request head -> upgrade::parse (pure) -> Door (path, Origin, token) -> 101 -> shard
//!                 | 503 + Retry-After             | handshake_timeout    | 400 404 405 414 426 431     | 401 403
//! ```
//!
//! Nothing a peer sends before it is admitted is kept beyond `server.max_header_bytes`, and nothing it sends behind its request is looked at before the
//! door has let it in.

mod admission;
mod door;
mod handshake;
mod listener;
mod origin;
mod proxies;
mod response;
mod slots;
pub mod tls;
mod upgrade;

pub use admission::{Admission, AdmissionLimits, ClusterShare, Demand, Permit, Refused};
pub(crate) use door::CANARY;
pub use door::{Admitted, Door};
pub use listener::{Claim, Entrance, Listener};
pub use origin::OriginRule;
pub use proxies::Proxies;
pub use response::Rejection;
pub use upgrade::{MAX_HEADERS, Upgrade};
