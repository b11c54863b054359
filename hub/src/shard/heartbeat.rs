//! Heartbeats: a sweep over all connections instead of a timer for each. It also ends those whose token has run out.
//!
//! A peer that was silent for `heartbeat.interval` gets a ping; one that stays silent for `heartbeat.timeout` more is closed. The sweep runs eight times in the
//! shorter of the two, so a vanished peer is gone within interval + timeout; the ping goes out one sweep early to keep that promise.

use std::time::{Duration, Instant};

use super::turn::Core;
use crate::blackbox::What;
use crate::protocol::{CloseCode, HubMessage};
use crate::ws::frame;

const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// When the next sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    next: Option<Instant>,
    expire: Option<Instant>,
}

impl Sweep {
    pub(super) fn next(&self, connections: usize) -> Option<Instant> {
        if connections == 0 { None } else { self.next }
    }

    /// Whether it is time to let old entries go.
    pub(super) fn expire_due(&mut self, now: Instant) -> bool {
        let is_due = self.expire.is_none_or(|at| now >= at);
        if is_due {
            self.expire = Some(now + EXPIRE_EVERY);
        }
        is_due
    }
}

/// What a silent peer gets.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Ping,
    Gone,
}

/// Milliseconds since it was heard, and since it was asked. It has the whole timeout to answer, also when the silence before was long: because
/// the interval was shortened a moment ago, or because this process stood still.
fn judge(silent: u32, asked: Option<u32>, interval: Duration, timeout: Duration, step: Duration) -> Verdict {
    let millis = |time: u32| Duration::from_millis(u64::from(time));
    match asked {
        Some(asked) if millis(asked) + step >= timeout => Verdict::Gone,
        None if millis(silent) + step >= interval => Verdict::Ping,
        _ => Verdict::Fine,
    }
}

impl Core {
    /// Runs the sweep when it is due.
    pub(super) fn beat(&mut self, now: Instant) {
        if self.sweep.next.is_some_and(|next| now < next) {
            return;
        }
        let (interval, timeout) = (self.config.heartbeat_interval, self.config.heartbeat_timeout);
        let shortest = self.config.app_interval.map_or(interval, |app| app.min(interval)).min(timeout);
        let step = (shortest / 8).clamp(SHORTEST, LONGEST);
        self.sweep.next = Some(now + step);
        let clock = self.clock(now);
        for slot in 0..self.table.end() {
            let Some(connection) = self.table.get(slot) else { continue };
            if !connection.is_open() {
                continue;
            }
            if let Some(left) = connection.identity.expires.map(|at| at.saturating_duration_since(now)) {
                if left.is_zero() {
                    self.close(slot, CloseCode::TokenExpired, "the token has expired");
                    continue;
                }
                let is_told = connection.warned || connection.identity.echo;
                if !is_told && left <= self.config.expiry_warning {
                    connection.warned = true;
                    self.warn_of_expiry(slot, left);
                }
            }
            let Some(connection) = self.table.get(slot) else { continue };
            if connection.paused.any() {
                // It is this hub that does not listen; what pauses a peer has a limit of its own.
                (connection.heard, connection.heard_app) = (clock, clock);
                continue;
            }
            let silent = clock.wrapping_sub(connection.heard);
            let asked = connection.pinged.map(|at| clock.wrapping_sub(at));
            match judge(silent, asked, interval, timeout, step) {
                Verdict::Fine => self.beat_app(slot, clock, timeout, step),
                Verdict::Ping => {
                    connection.pinged = Some(clock);
                    frame::whole(frame::PING, b"", &mut connection.direct);
                    self.stats.pings.inc();
                    self.enqueue(slot);
                }
                Verdict::Gone => self.silent(slot, "no sign of life within heartbeat.interval + heartbeat.timeout"),
            }
        }
    }

    pub(super) fn warn_of_expiry(&mut self, slot: usize, left: Duration) {
        self.note(slot, What::TokenEnds(left.as_millis() as u64));
        if let Some(mut session) = self.session(slot) {
            session.reply(&HubMessage::Refresh { close_in_ms: left.as_millis() as u64 });
        }
    }

    /// The application's own heartbeat, for peers whose WebSocket library hides pings: a hung page still answers those.
    fn beat_app(&mut self, slot: usize, clock: u32, timeout: Duration, step: Duration) {
        let Some(interval) = self.config.app_interval else { return };
        let Some(connection) = self.table.get(slot).filter(|connection| !connection.identity.echo) else { return };
        let silent = clock.wrapping_sub(connection.heard_app);
        let asked = connection.app_pinged.map(|at| clock.wrapping_sub(at));
        match judge(silent, asked, interval, timeout, step) {
            Verdict::Fine => {}
            Verdict::Ping => {
                connection.app_pinged = Some(clock);
                if let Some(mut session) = self.session(slot) {
                    let offset = session.complete();
                    session.reply(&HubMessage::Ping { offset });
                }
            }
            Verdict::Gone => self.silent(slot, "no message within heartbeat.app_interval + heartbeat.timeout"),
        }
    }

    fn silent(&mut self, slot: usize, reason: &str) {
        self.stats.heartbeat_timeouts.inc();
        self.close(slot, CloseCode::HeartbeatTimeout, reason);
        // Nobody is there to answer the close; a bounded wait would only keep the client in presence lists.
        self.flush(slot);
        self.remove(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_pinged_then_gone() {
        let judge = |silent, asked| {
            judge(silent, asked, Duration::from_secs(10), Duration::from_secs(4), Duration::from_millis(500))
        };
        assert_eq!(judge(9_000, None), Verdict::Fine);
        assert_eq!(judge(9_600, None), Verdict::Ping);
        assert_eq!(judge(13_000, Some(3_400)), Verdict::Fine);
        assert_eq!(judge(13_100, Some(3_500)), Verdict::Gone);
        assert_eq!(judge(60_000, None), Verdict::Ping, "nobody is gone without having been asked");
        assert_eq!(judge(60_000, Some(500)), Verdict::Fine, "and everybody has the time to answer");
    }
}
