//! The archive: connections that have ended, kept for a while. A ring, bounded in bytes and in age; the oldest goes first, and what went for want of space is counted.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::trail::Trail;
use crate::protocol::{ClientId, Format};

/// What a shard knows of a connection.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Whose it was.
    pub client: ClientId,
    /// Its id.
    pub connection: u64,
    /// The peer's address.
    pub address: SocketAddr,
    /// Its wire format.
    pub format: Format,
    /// When it was opened, unix milliseconds.
    pub opened_at: u64,
    /// The same by the clock of its shard, which the trail's events have.
    pub opened: u32,
    /// When it ended, unix milliseconds; of one that lives: now.
    pub ended_at: u64,
    /// What happened.
    pub trail: Trail,
}

impl Ended {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.client.as_str().len() + self.trail.weight()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Archive(Mutex<State>);

#[derive(Debug)]
struct State {
    max_bytes: usize,
    max_age: Duration,
    lives: VecDeque<Ended>,
    bytes: usize,
    dropped: u64,
}

impl Archive {
    /// An archive of so many bytes and this age.
    #[must_use]
    pub fn new(max_bytes: usize, max_age: Duration) -> Self {
        Self(Mutex::new(State { max_bytes, max_age, lives: VecDeque::new(), bytes: 0, dropped: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Other limits, at once.
    pub fn set_limits(&self, max_bytes: usize, max_age: Duration, now: u64) {
        let mut state = self.lock();
        (state.max_bytes, state.max_age) = (max_bytes, max_age);
        state.trim(now);
    }

    /// Keeps a connection that has ended.
    pub fn keep(&self, mut ended: Ended) {
        ended.trail.events.shrink_to_fit();
        let now = ended.ended_at;
        let mut state = self.lock();
        state.bytes += ended.weight();
        state.lives.push_back(ended);
        state.trim(now);
    }

    /// The connections of a client, or the one of them, the newest first, at most `max`. `now` in unix milliseconds.
    #[must_use]
    pub fn find(&self, client: &ClientId, connection: Option<u64>, max: usize, now: u64) -> Vec<Ended> {
        let mut state = self.lock();
        state.trim(now);
        let is_meant = |ended: &&Ended| {
            ended.client == *client && connection.is_none_or(|connection| ended.connection == connection)
        };
        state.lives.iter().rev().filter(is_meant).take(max).cloned().collect()
    }

    /// Bytes in use, and connections that went for want of space, ever.
    #[must_use]
    pub fn figures(&self) -> (usize, u64) {
        let state = self.lock();
        (state.bytes, state.dropped)
    }
}

impl State {
    fn trim(&mut self, now: u64) {
        let oldest = now.saturating_sub(self.max_age.as_millis() as u64);
        while let Some(first) = self.lives.front() {
            let is_full = self.bytes > self.max_bytes;
            if !is_full && first.ended_at >= oldest {
                return;
            }
            self.dropped += u64::from(is_full);
            self.bytes -= first.weight();
            self.lives.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blackbox::{By, Stop, What};
    use crate::protocol::ErrorCode;

    fn ended(client: &str, connection: u64, ended_at: u64) -> Ended {
        let mut trail = Trail::default();
        trail.note(8, 5, What::Refused(ErrorCode::Forbidden));
        trail.stops(|| Stop { by: By::Hub, code: 4001, reason: "slow".into(), unsent: 1, behind: 2 });
        Ended {
            client: ClientId::parse(client).expect("a name"),
            connection,
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            format: Format::Json,
            opened_at: 1_000,
            opened: 0,
            ended_at,
            trail,
        }
    }

    fn found(archive: &Archive, client: &str, connection: Option<u64>, now: u64) -> Vec<u64> {
        let client = ClientId::parse(client).expect("a name");
        archive.find(&client, connection, 10, now).iter().map(|ended| ended.connection).collect()
    }

    #[test]
    fn the_newest_comes_first_and_the_old_go_by_themselves() {
        let archive = Archive::new(1 << 20, Duration::from_secs(10));
        for (client, connection, at) in [("a", 1, 1_000), ("b", 2, 2_000), ("a", 3, 3_000)] {
            archive.keep(ended(client, connection, at));
        }
        assert_eq!(found(&archive, "a", None, 3_000), [3, 1]);
        assert_eq!(found(&archive, "a", Some(1), 3_000), [1]);
        assert!(found(&archive, "b", Some(1), 3_000).is_empty());
        assert_eq!(found(&archive, "a", None, 11_500), [3]);
        assert!(found(&archive, "a", None, 60_000).is_empty());
        assert_eq!(archive.figures(), (0, 0), "age is no loss");
    }

    #[test]
    fn its_bytes_are_bounded_and_what_goes_for_it_is_counted() {
        let one = ended("a", 1, 0).weight();
        let archive = Archive::new(one * 3, Duration::from_secs(3600));
        for connection in 1..=100 {
            archive.keep(ended("a", connection, 0));
        }
        let (bytes, dropped) = archive.figures();
        assert!(bytes <= one * 3 && dropped >= 90, "{bytes} {dropped}");
        assert_eq!(found(&archive, "a", None, 0).first(), Some(&100));
        archive.set_limits(0, Duration::from_secs(3600), 0);
        assert_eq!(archive.figures().0, 0, "hot");
    }
}
