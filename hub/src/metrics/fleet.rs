//! All shards as one: their counters summed, at scrape time only.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus::proto::MetricFamily;

use super::counter::{Counter, Tally};
use super::family;
use super::histogram::{Histogram, Scale, Snapshot};
use super::shard::{MessageKind, ShardStats};

pub(super) fn collect(shards: &[Arc<ShardStats>], families: &mut Vec<MetricFamily>) {
    let sum = |field: fn(&ShardStats) -> &Counter| shards.iter().map(|shard| field(shard).get()).sum::<u64>();
    let total = |name: &str, help: &str, field: fn(&ShardStats) -> &Counter| family::counter(name, help, sum(field));
    let gauge =
        |name: &str, help: &str, field: fn(&ShardStats) -> &Counter| family::gauge(name, help, sum(field) as f64);
    let times = |name: &str, help: &str, field: fn(&ShardStats) -> &Histogram| {
        let mut snapshot = Snapshot::empty(Scale::Time);
        shards.iter().for_each(|shard| snapshot.add(field(shard)));
        family::histogram(name, help, &snapshot)
    };
    let kinds = MessageKind::ALL
        .map(|kind| (kind.as_str(), shards.iter().map(|shard| shard.messages_in[kind as usize].get()).sum()));

    families.extend([
        gauge("gohub_connections", "Open connections.", |s| &s.connections),
        total("gohub_connections_total", "Connections taken over by shards.", |s| &s.accepted),
        family::counters(
            "gohub_closes_total",
            "Connections that ended, by the close code the hub sent (1006: none could be sent).",
            "code",
            tallied(shards, |s| &s.closes),
        ),
        family::counters("gohub_messages_received_total", "Client messages, by kind.", "kind", kinds),
        total("gohub_messages_delivered_total", "Messages written to sockets.", |s| &s.deliveries),
        total("gohub_bytes_received_total", "Bytes read from sockets.", |s| &s.bytes_in),
        total("gohub_bytes_sent_total", "Bytes written to sockets.", |s| &s.bytes_out),
        total("gohub_passes_total", "Passes over the connections.", |s| &s.passes),
        times("gohub_pass_seconds", "How long a pass over the connections took.", |s| &s.pass_time),
        times("gohub_fanout_latency_seconds", "From publish to the socket write.", |s| &s.fanout_latency),
        family::counters(
            "gohub_slow_clients_total",
            "Clients that fell too far behind, by what was done.",
            "policy",
            [("drop", sum(|s| &s.slow_dropped)), ("kick", sum(|s| &s.slow_kicked))],
        ),
        family::counters("gohub_gaps_total", "Gaps clients were told of.", "reason", tallied(shards, |s| &s.gaps)),
        family::counters(
            "gohub_errors_total",
            "Requests answered with an error, by code.",
            "code",
            tallied(shards, |s| &s.errors),
        ),
        family::counters(
            "gohub_shared_rate_debts_total",
            "Reads after which all connections of a client or of an address were paused (limits.message_rate_per_client and the like).",
            "whose",
            tallied(shards, |s| &s.shared_debts),
        ),
        total("gohub_protocol_errors_total", "Connections that broke RFC 6455.", |s| &s.protocol_errors),
        total("gohub_pings_total", "WebSocket pings sent.", |s| &s.pings),
        total("gohub_pongs_total", "WebSocket pongs received.", |s| &s.pongs),
        total("gohub_heartbeat_timeouts_total", "Peers that went silent.", |s| &s.heartbeat_timeouts),
        gauge("gohub_log_bytes", "Bytes the log holds.", |s| &s.log_bytes),
        gauge("gohub_log_entries", "Publications the log holds.", |s| &s.log_entries),
    ]);
}

/// Sums the tallies of all shards; events past the keys a tally keeps apart count as `other`.
fn tallied<K: Copy + Eq + ToString>(
    shards: &[Arc<ShardStats>],
    field: fn(&ShardStats) -> &Tally<K>,
) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for tally in shards.iter().map(|shard| field(shard)) {
        for (key, count) in tally.counts() {
            *sums.entry(key.to_string()).or_default() += count;
        }
        if tally.rest() > 0 {
            *sums.entry("other".to_owned()).or_default() += tally.rest();
        }
    }
    sums
}
