//! What one shard counts about itself, on cache lines that no other shard touches.

use super::counter::{Counter, Tally};
use super::histogram::{Histogram, Scale};

/// What a client's message asked for, as far as a metric tells kinds apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum MessageKind {
    /// Ids 1 and 2: the application's heartbeat.
    Heartbeat,
    /// Id 10.
    Join,
    /// Id 11.
    Leave,
    /// Id 12.
    Presence,
    /// Id 13.
    History,
    /// Id 20.
    Broadcast,
    /// Id 21.
    Unicast,
    /// Id 22.
    Room,
    /// Ids of 1000 and above: a handler's or a route's.
    Application,
    /// Any other id: refused.
    Unknown,
}

impl MessageKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Heartbeat,
        Self::Join,
        Self::Leave,
        Self::Presence,
        Self::History,
        Self::Broadcast,
        Self::Unicast,
        Self::Room,
        Self::Application,
        Self::Unknown,
    ];

    /// The kind of a `message_id`.
    #[must_use]
    pub fn of(message_id: u32) -> Self {
        match message_id {
            1 | 2 => Self::Heartbeat,
            10 => Self::Join,
            11 => Self::Leave,
            12 => Self::Presence,
            13 => Self::History,
            20 => Self::Broadcast,
            21 => Self::Unicast,
            22 => Self::Room,
            1000.. => Self::Application,
            _ => Self::Unknown,
        }
    }

    /// The value of the label `kind`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Presence => "presence",
            Self::History => "history",
            Self::Broadcast => "broadcast",
            Self::Unicast => "unicast",
            Self::Room => "room",
            Self::Application => "application",
            Self::Unknown => "unknown",
        }
    }
}

/// A shard's counters; get one per shard from [`super::Metrics::shard`]. The scrape sums them.
///
/// Aligned so that two shards never write to one cache line (128 bytes: CPUs fetch lines in pairs).
#[derive(Debug)]
#[repr(align(128))]
pub struct ShardStats {
    /// Gauge: connections this shard owns now.
    pub connections: Counter,
    /// Connections this shard has taken over since it started.
    pub accepted: Counter,
    /// Connections that have ended, by the close code the hub sent (1006 where none could be sent).
    pub closes: Tally<u16>,
    /// Client messages by [`MessageKind`]; use [`ShardStats::received`].
    pub messages_in: [Counter; MessageKind::ALL.len()],
    /// Messages written to sockets: one publication to 100 subscribers counts 100.
    pub deliveries: Counter,
    /// Bytes read from sockets (after TLS).
    pub bytes_in: Counter,
    /// Bytes written to sockets (before TLS).
    pub bytes_out: Counter,
    /// Passes over the connections.
    pub passes: Counter,
    /// How long a pass took, nanoseconds. One writer: `observe_alone` is allowed.
    pub pass_time: Histogram,
    /// From publish (the log's timestamp) to the socket write, nanoseconds. One writer: `observe_alone` is allowed.
    pub fanout_latency: Histogram,
    /// Slow clients whose cursor was moved on (policy `drop`).
    pub slow_dropped: Counter,
    /// Slow clients that were disconnected (policy `kick`).
    pub slow_kicked: Counter,
    /// `gap` messages sent, by reason.
    pub gaps: Tally<&'static str>,
    /// Requests answered with an `error`, by error code.
    pub errors: Tally<&'static str>,
    /// Reads after which a client or an address was in debt to a limit over all its connections, by which of the two.
    pub shared_debts: Tally<&'static str>,
    /// Connections closed because the peer broke RFC 6455.
    pub protocol_errors: Counter,
    /// WebSocket pings sent.
    pub pings: Counter,
    /// WebSocket pongs received.
    pub pongs: Counter,
    /// Peers disconnected because they went silent.
    pub heartbeat_timeouts: Counter,
    /// Gauge: bytes the log holds. A log that shards share is reported by one of them only.
    pub log_bytes: Counter,
    /// Gauge: publications the log holds; see `log_bytes`.
    pub log_entries: Counter,
}

impl Default for ShardStats {
    fn default() -> Self {
        Self {
            connections: Counter::default(),
            accepted: Counter::default(),
            closes: Tally::default(),
            messages_in: Default::default(),
            deliveries: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            passes: Counter::default(),
            pass_time: Histogram::new(Scale::Time),
            fanout_latency: Histogram::new(Scale::Time),
            slow_dropped: Counter::default(),
            slow_kicked: Counter::default(),
            gaps: Tally::default(),
            errors: Tally::default(),
            shared_debts: Tally::default(),
            protocol_errors: Counter::default(),
            pings: Counter::default(),
            pongs: Counter::default(),
            heartbeat_timeouts: Counter::default(),
            log_bytes: Counter::default(),
            log_entries: Counter::default(),
        }
    }
}

impl ShardStats {
    /// Counts a client's message.
    pub fn received(&self, message_id: u32) {
        self.messages_in[MessageKind::of(message_id) as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_own_number() {
        for (number, kind) in MessageKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number, "{kind:?} would be counted as its neighbour");
        }
    }

    #[test]
    fn a_message_is_counted_under_the_kind_of_its_id() {
        let stats = ShardStats::default();
        for id in [20, 20, 1000, 4_000_000_000, 999, 0] {
            stats.received(id);
        }
        let count = |kind: MessageKind| stats.messages_in[kind as usize].get();
        assert_eq!(
            (count(MessageKind::Broadcast), count(MessageKind::Application), count(MessageKind::Unknown)),
            (2, 2, 2)
        );
    }
}
