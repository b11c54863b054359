//! Eras: a new epoch under live connections. Its entries are not sent before the welcome that names it, however far behind a connection is.

use std::sync::Arc;

use super::turn::Core;
use crate::blackbox::What;
use crate::log::Position;
use crate::protocol::{GapReason, Offset};

impl Core {
    /// New epochs begin, the first at `at`: everybody gets what was before, then a new `welcome`, then what comes after (but
    /// not what was said in the new epoch before this hub came to it).
    pub(super) fn begin_era(&mut self, at: Position) {
        let (fresh, handed) = (self.pass.fresh.start, self.pass.handed);
        for slot in self.table.slots() {
            let Some(connection) = self.table.get(slot) else { continue };
            if connection.is_open() && !connection.identity.echo {
                if !connection.lagging {
                    connection.cursor = fresh;
                    connection.owed = handed;
                    connection.lagging = true;
                }
                connection.barrier = connection.barrier.or(Some(at));
                self.enqueue(slot);
            }
        }
    }

    /// The connection has everything before its barrier: it is greeted in the era that begins there.
    pub(super) fn greet_again(&mut self, slot: usize) {
        let eras = &self.view.tip().eras;
        let Some(connection) = self.table.get(slot) else { return };
        let Some(barrier) = connection.barrier else { return };
        let era = eras.at(barrier);
        let (position, offset) = era.live;
        connection.cursor = connection.cursor.max(position);
        connection.lagging = true;
        connection.owed = offset;
        connection.barrier = eras.end_at(barrier);
        connection.start = Some(Box::new((era.epoch.clone(), offset)));
        let is_return = era.is_return;
        let recovered = !is_return && self.view.tip().holes.since(position).is_none();
        self.note(slot, What::Epoch(recovered));
        let application = Arc::clone(&self.application);
        if let Some(mut session) = self.session(slot) {
            application.welcome(&mut session, recovered);
        }
        if is_return {
            self.gap(slot, Offset::ZERO, offset, None, GapReason::EpochChanged);
        }
    }
}
