//! What the back end does to a client's connections: into a room and out of it, other rights, a new token wanted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inbox::{Placed, Placement, Terms, Whom};
use super::turn::Core;
use crate::blackbox::{By, What};
use crate::protocol::RoomName;

impl Core {
    /// Open connections of the client, without those of the echo.
    fn meant(&mut self, whom: &Whom) -> Vec<usize> {
        let mut slots = self.of_client(&whom.client, u64::MAX);
        slots.retain(|slot| {
            let connection = self.table.get(*slot);
            connection.is_some_and(|connection| {
                let identity = &connection.identity;
                !identity.echo && whom.connection.is_none_or(|id| identity.connection == id)
            })
        });
        slots
    }

    /// Puts connections into a room or takes them out. Where they are already, they stay.
    pub(super) fn place(&mut self, whom: &Whom, room: &RoomName, placement: Placement) -> Placed {
        let application = Arc::clone(&self.application);
        let mut placed = Placed::default();
        for slot in self.meant(whom) {
            let Some(mut session) = self.session_by(slot, By::BackEnd) else { continue };
            let id = session.key().id;
            match application.placed(&mut session, room, placement) {
                Ok(()) => placed.connections += 1,
                Err(refusal) => placed.refused.push((id, refusal)),
            }
        }
        placed
    }

    /// New terms for connections; how many it were.
    pub(super) fn impose(&mut self, whom: &Whom, terms: &Terms) -> usize {
        let slots = self.meant(whom);
        for slot in &slots {
            self.impose_one(*slot, terms);
        }
        slots.len()
    }

    fn impose_one(&mut self, slot: usize, terms: &Terms) {
        let application = Arc::clone(&self.application);
        let Some(connection) = self.table.get(slot) else { return };
        let mut left = None;
        if let Some(within) = terms.within {
            let now = Instant::now();
            // Nobody gets more time than the token had.
            let end = (now + within).min(connection.identity.expires.unwrap_or(now + within));
            connection.identity.expires = Some(end);
            connection.warned = true;
            left = Some(end.saturating_duration_since(now));
        }
        if let Some(rights) = &terms.rights {
            connection.identity.rights = rights.clone();
            // With the next pong comes a resume ticket that is worth no more than this.
            connection.identity.ticket_at = 0;
            self.note(slot, What::Imposed);
            if let Some(mut session) = self.session_by(slot, By::Rights) {
                application.renewed(&mut session, None);
            }
        }
        if let Some(left) = left {
            self.warn_of_expiry(slot, left.max(Duration::from_millis(1)));
        }
    }
}

impl Placed {
    /// Adds what another shard says.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.connections += other.connections;
        self.refused.extend(other.refused);
        self
    }
}
