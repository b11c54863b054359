//! The slice of the settings that a shard needs, in the units it works with.

use std::time::Duration;

use super::quota::SharedRates;
use crate::ws::{FrameLimits, Library};

/// What happens to a connection that is too far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowPolicy {
    /// Its cursor is moved to the head; it is told what it missed.
    Drop,
    /// It gets the newest of each conflation key, and is told of the rest.
    Conflate,
    /// It is closed with a code that says why.
    Kick,
}

/// Live settings of a shard; replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardConfig {
    /// The WebSocket library for connections adopted from now on.
    pub library: Library,
    /// Limits of one message.
    pub frames: FrameLimits,
    /// Bytes read at once: one buffer per shard, none per connection.
    pub read_buffer: usize,
    /// A message begun must be complete after this long.
    pub read_timeout: Duration,
    /// A peer that takes not one byte for this long is closed.
    pub write_timeout: Duration,
    /// A closing handshake takes at most this long.
    pub close_timeout: Duration,
    /// A ping goes to a peer that was silent for this long.
    pub heartbeat_interval: Duration,
    /// And it is gone when it stays silent for this long after.
    pub heartbeat_timeout: Duration,
    /// The application's own ping (`message_id` 1), for peers that cannot see WebSocket pings; `None`: never sent.
    pub app_interval: Option<Duration>,
    /// A client is told that its token ends so long before; zero: never.
    pub expiry_warning: Duration,
    /// Direct frames (acks, errors, replies) waiting for one peer, in bytes; beyond it the peer is not read from.
    pub out_buffer: usize,
    /// Publications of one connection the bus has not answered yet; beyond it the peer is not read from.
    pub max_inflight: u32,
    /// Rooms one connection may be in.
    pub max_rooms: usize,
    /// Messages per second and connection, and how many at once; 0: no limit. Beyond it the peer is not read from.
    pub message_rate: u32,
    /// See `message_rate`.
    pub message_burst: u32,
    /// Bytes per second and connection; 0: no limit. Beyond it the peer is not read from.
    pub byte_rate: u64,
    /// What a client and an address may send over all their connections; beyond it none of these is read from.
    pub shared: SharedRates,
    /// Pings and unasked pongs per second; beyond it the peer is closed.
    pub control_rate: u32,
    /// Requests refused as malformed before the peer is closed.
    pub max_errors: u32,
    /// What to do with a peer that is too far behind.
    pub slow_policy: SlowPolicy,
    /// Too far behind: bytes waiting for it.
    pub slow_bytes: usize,
    /// Too far behind: age of the oldest message waiting for it.
    pub slow_age: Duration,
    /// Events of a connection that its black box keeps; 0: it only counts.
    pub trail_events: usize,
    /// Messages a `history` answer or a replay carries at most.
    pub max_history: usize,
}
