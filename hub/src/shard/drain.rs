//! Draining a shard: everybody is told at once, and closed in its own slot.

use std::sync::Arc;
use std::time::Instant;

use super::deadline::Due;
use super::turn::Core;
use crate::blackbox::What;
use crate::drain::{Pace, plan};
use crate::protocol::{CloseCode, HubMessage};

impl Core {
    /// Tells every connection when it will be closed and when to come back, each its own time.
    pub(super) fn plan_drain(&mut self, pace: Pace, reason: String) {
        let slots = self.table.slots();
        self.tell_drain(slots, pace, &reason);
        self.draining = Some((pace, reason));
    }

    /// A connection whose handshake was under way when the drain or the stop began goes like the others.
    pub(super) fn drain_late(&mut self, slot: usize) {
        if self.stopping {
            return self.close(slot, CloseCode::ServiceRestart, "hub stops");
        }
        if let Some((pace, reason)) = self.draining.take() {
            self.tell_drain(vec![slot], pace, &reason);
            self.draining = Some((pace, reason));
        }
    }

    fn tell_drain(&mut self, slots: Vec<usize>, pace: Pace, reason: &str) {
        let now = Instant::now();
        let times = plan(slots.len(), pace, fastrand::u64(..));
        for (slot, time) in slots.into_iter().zip(times) {
            let Some(key) = self.table.key(slot) else { continue };
            let is_echo = self.table.get(slot).is_some_and(|connection| connection.identity.echo);
            let application = Arc::clone(&self.application);
            if let Some(mut session) = self.session(slot).filter(|_| !is_echo) {
                let ticket = application.ticket(&mut session);
                session.reply(&HubMessage::Drain {
                    close_in_ms: time.close_in.as_millis() as u64,
                    reconnect_in_ms: time.reconnect_in.as_millis() as u64,
                    reason,
                    ticket: ticket.as_deref(),
                });
            }
            self.note(slot, What::Drain(time.close_in.as_millis() as u64));
            self.deadlines.add(now + time.close_in, key, Due::Drain);
        }
    }

    /// A connection's turn: what is in the log for it goes out first, then the close.
    pub(super) fn drain_one(&mut self, slot: usize) {
        self.pull();
        let fresh = self.pass.fresh.start;
        let Some(connection) = self.table.get(slot).filter(|connection| connection.is_open()) else { return };
        if !connection.lagging {
            connection.cursor = fresh;
            connection.lagging = true;
        }
        self.flush(slot);
        self.close(slot, CloseCode::ServiceRestart, "drain");
    }
}
