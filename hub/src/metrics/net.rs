//! What is counted before a connection belongs to a shard, and about configured routes.

use prometheus::proto::MetricFamily;

use super::counter::{Counter, Tally};
use super::family;
use super::histogram::{Histogram, Scale};

/// Figures of the listener, the handshake and outgoing webhooks; any thread may write them.
#[derive(Debug)]
pub struct NetStats {
    /// Connections and handshakes turned away, by reason.
    pub refused: Tally<&'static str>,
    /// Gauge: accepted sockets that have not finished their handshake.
    pub handshaking: Counter,
    /// Gauge: connections this hub may have of those of the cluster; 0 without such a limit.
    pub share_connections: Counter,
    /// Gauge: new connections a second it may let in of those of the cluster; 0 without such a limit.
    pub share_rate: Counter,
    /// From accept to the 101 answer, nanoseconds.
    pub handshake_time: Histogram,
    /// Gauge: when the certificate in use ends, in seconds since 1970; 0 without TLS.
    pub certificate_end: Counter,
    /// TLS handshakes that failed, by reason.
    pub tls_failures: Tally<&'static str>,
    /// Tokens judged, by outcome.
    pub tokens: Tally<&'static str>,
    /// Resume tickets given.
    pub tickets_given: Counter,
    /// Resume tickets presented, by outcome.
    pub tickets: Tally<&'static str>,
    /// Times that an address was locked out for wrong tokens.
    pub lockouts: Counter,
    /// Fetches of the key set, by outcome.
    pub key_fetches: Tally<&'static str>,
    /// Calls of the auth hook, by outcome.
    pub hook_calls: Tally<&'static str>,
    /// Calls of the room hooks, by outcome.
    pub room_hook_calls: Tally<&'static str>,
    /// What the room hooks say, remembered or new.
    pub room_hook_verdicts: Tally<&'static str>,
    /// Gauge: revocations in force.
    pub revocations: Counter,
    /// Gauge: bytes of the black boxes of connections that have ended.
    pub lives_bytes: Counter,
    /// Of those, how many went before their time for want of space.
    pub lives_dropped: Counter,
    /// Webhook calls of configured routes, by outcome.
    pub webhooks: Tally<&'static str>,
    /// Answers of the admin listener, by HTTP status.
    pub api_answers: Tally<u16>,
    /// API calls with a wrong key.
    pub api_refused: Counter,
}

impl Default for NetStats {
    fn default() -> Self {
        Self {
            refused: Tally::default(),
            handshaking: Counter::default(),
            share_connections: Counter::default(),
            share_rate: Counter::default(),
            handshake_time: Histogram::new(Scale::Time),
            certificate_end: Counter::default(),
            tls_failures: Tally::default(),
            tokens: Tally::default(),
            tickets_given: Counter::default(),
            tickets: Tally::default(),
            lockouts: Counter::default(),
            key_fetches: Tally::default(),
            hook_calls: Tally::default(),
            room_hook_calls: Tally::default(),
            room_hook_verdicts: Tally::default(),
            revocations: Counter::default(),
            lives_bytes: Counter::default(),
            lives_dropped: Counter::default(),
            webhooks: Tally::default(),
            api_answers: Tally::default(),
            api_refused: Counter::default(),
        }
    }
}

impl NetStats {
    pub(super) fn collect(&self, families: &mut Vec<MetricFamily>) {
        families.extend([
            family::counters(
                "gohub_accept_refused_total",
                "Connections and handshakes turned away, by reason.",
                "reason",
                self.refused.counts(),
            ),
            family::gauge(
                "gohub_handshakes_pending",
                "Accepted sockets that have not finished their handshake.",
                self.handshaking.get() as f64,
            ),
            family::gauges(
                "gohub_cluster_share",
                "What this hub may use of the limits of the cluster (limits.cluster), by limit; 0 also without one.",
                "limit",
                [
                    ("max_connections", self.share_connections.get() as f64),
                    ("accept_rate", self.share_rate.get() as f64),
                ],
            ),
            family::histogram(
                "gohub_handshake_seconds",
                "From accept to the answer that upgrades the connection.",
                &self.handshake_time.snapshot(),
            ),
            family::gauge(
                "gohub_tls_certificate_expiration_timestamp_seconds",
                "When the certificate of the public listener ends, in seconds since 1970; 0 without TLS.",
                self.certificate_end.get() as f64,
            ),
            family::counters(
                "gohub_tls_failures_total",
                "TLS handshakes that failed, by reason.",
                "reason",
                self.tls_failures.counts(),
            ),
            family::counters(
                "gohub_tokens_total",
                "Tokens judged, by outcome: good, missing, wrong, revoked, unclear for want of keys, or locked_out: not judged, see auth.lockout.",
                "outcome",
                self.tokens.counts(),
            ),
            family::counter("gohub_tickets_given_total", "Resume tickets given.", self.tickets_given.get()),
            family::counters(
                "gohub_tickets_total",
                "Resume tickets presented, by outcome: good, or why the token was judged instead.",
                "outcome",
                self.tickets.counts(),
            ),
            family::counter(
                "gohub_token_lockouts_total",
                "Times that an address was locked out for too many wrong tokens (auth.lockout).",
                self.lockouts.get(),
            ),
            family::counters(
                "gohub_key_set_fetches_total",
                "Fetches of the key set (auth.jwt.jwks), by outcome.",
                "outcome",
                self.key_fetches.counts(),
            ),
            family::counters(
                "gohub_auth_hook_calls_total",
                "Calls of the auth hook, by outcome.",
                "outcome",
                self.hook_calls.counts(),
            ),
            family::counters(
                "gohub_room_hook_calls_total",
                "Calls of auth.join_hook and auth.publish_hook, by outcome.",
                "outcome",
                self.room_hook_calls.counts(),
            ),
            family::counters(
                "gohub_room_hook_verdicts_total",
                "Joins and publishes that the room hooks judged, also by what they said before: allowed, denied, unclear, or overloaded.",
                "outcome",
                self.room_hook_verdicts.counts(),
            ),
            family::gauge("gohub_revocations", "Revocations of tokens in force.", self.revocations.get() as f64),
            family::gauge(
                "gohub_black_box_bytes",
                "Memory of the black boxes of connections that have ended (why.keep).",
                self.lives_bytes.get() as f64,
            ),
            family::counter(
                "gohub_black_box_dropped_total",
                "Black boxes that went before their time (why.keep_for) for want of space (why.keep).",
                self.lives_dropped.get(),
            ),
            family::counters(
                "gohub_webhooks_total",
                "Webhook calls of configured routes, by outcome.",
                "outcome",
                self.webhooks.counts(),
            ),
            family::counters(
                "gohub_admin_answers_total",
                "Answers of the admin listener, by HTTP status.",
                "status",
                self.api_answers.counts().into_iter().map(|(status, count)| (status.to_string(), count)),
            ),
            family::counter("gohub_admin_wrong_keys_total", "API calls with a wrong key.", self.api_refused.get()),
        ]);
    }
}
