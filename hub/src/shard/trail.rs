//! The shard's side of the black box: notes what happens to its connections, and tells it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::inbox::Whom;
use super::turn::Core;
use crate::blackbox::{By, Ended, Stop, Trail, Waiting, What};
use crate::clock;
use crate::log::Runs;
use crate::protocol::Target;

/// The code of a connection that ended without a close frame (RFC 6455 section 7.4.1).
pub(super) const NO_CLOSE_FRAME: u16 = 1006;

/// A connection that is there, and how it stands.
#[derive(Debug, Clone)]
pub struct Living {
    /// What happened to it until now.
    pub life: Ended,
    /// How it stands.
    pub now: Waiting,
}

impl Core {
    /// Notes what happened to a connection.
    pub(super) fn note(&mut self, slot: usize, what: What) {
        let (max, at) = (self.config.trail_events, self.clock(Instant::now()));
        if let Some(connection) = self.table.get(slot) {
            connection.trail.note(max, at, what);
        }
    }

    /// Notes how a connection ends; who ended it first keeps the word.
    pub(super) fn note_stop(&mut self, slot: usize, by: By, code: u16, reason: impl Into<Cow<'static, str>>) {
        let head = self.view.head();
        let Some(connection) = self.table.get(slot) else { return };
        let unsent = unsent(connection);
        let cursor = if connection.lagging { connection.cursor } else { head };
        let behind = self.view.bytes_between(cursor, head);
        if let Some(connection) = self.table.get(slot) {
            connection.trail.stops(|| Stop { by, code, reason: reason.into(), unsent, behind });
        }
    }

    /// A connection is taken out of the table: its trail goes to the archive.
    pub(super) fn bury(&mut self, connection: &mut Connection) {
        if !connection.identity.echo {
            let opened = self.clock(connection.opened);
            let trail = std::mem::take(&mut connection.trail);
            self.application.ended(ended(connection, opened, trail));
        }
    }

    /// The connections of a client, or the one of them, that are in the table: open, or closing.
    pub(super) fn lives_of(&mut self, whom: &Whom) -> Vec<Living> {
        let Some(stream) = self.view.find(&Target::Client(whom.client.clone())) else { return Vec::new() };
        let slots = self.members.of(stream).to_vec();
        let mut lives = Vec::new();
        for slot in slots {
            let slot = slot as usize;
            let is_meant = self.table.get(slot).is_some_and(|connection| {
                let identity = &connection.identity;
                !identity.echo && whom.connection.is_none_or(|id| identity.connection == id)
            });
            if is_meant && let Some(living) = self.life_of(slot) {
                lives.push(living);
            }
        }
        lives
    }

    fn life_of(&mut self, slot: usize) -> Option<Living> {
        let rooms = self.rooms_of(slot).iter().map(ToString::to_string).collect();
        let (now, head, limit) = (Instant::now(), self.view.head(), self.config.slow_bytes);
        let clock = self.clock(now);
        let opened = self.table.get(slot).map(|connection| connection.opened)?;
        let opened = self.clock(opened);
        let connection = self.table.get(slot)?;
        let mut pending = Runs::default();
        if connection.lagging && connection.follows_log() {
            let from = connection.cursor.max(self.view.first());
            self.view.gather(connection.reader(), from..head, usize::MAX, limit + 1, &mut pending);
        }
        let left = |at: Instant| at.saturating_duration_since(now);
        let waiting = Waiting {
            rooms,
            unsent_bytes: unsent(connection),
            pending_bytes: pending.bytes() as u64,
            blocked: connection.blocked,
            paused: connection.paused.any(),
            inflight: connection.inflight,
            silent_ms: u64::from(clock.wrapping_sub(connection.heard)),
            expires_in_ms: connection.identity.expires.map(|at| left(at).as_millis() as u64),
        };
        let trail = connection.trail.clone();
        Some(Living { life: ended(connection, opened, trail), now: waiting })
    }
}

fn unsent(connection: &Connection) -> u64 {
    let rest = connection.rest.as_ref().map_or(0, |rest| rest.data().len());
    (connection.direct_pending() + rest) as u64
}

fn ended(connection: &Connection, opened: u32, trail: Trail) -> Ended {
    let identity = &connection.identity;
    let now = clock::unix_millis();
    let open_for: Duration = connection.opened.elapsed();
    Ended {
        client: identity.client.clone(),
        connection: identity.connection,
        address: identity.address,
        format: connection.format,
        opened_at: now.saturating_sub(open_for.as_millis() as u64),
        opened,
        ended_at: now,
        trail,
    }
}
