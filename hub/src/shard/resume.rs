//! Resuming: a connection's first moments, and those that wait until the log has come to where they were.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deadline::Due;
use super::inbox::Resume;
use super::turn::Core;
use crate::log::Located;
use crate::protocol::{Epoch, GapReason, Offset, RoomName};

/// How long a client that has seen more than this hub waits for the hub's bus to come there.
const PATIENCE: Duration = Duration::from_secs(10);

impl Core {
    /// Honours the cursor and the rooms a connection came with, and greets it.
    pub(super) fn start(&mut self, slot: usize, resume: Option<Resume>, rooms: &[RoomName]) {
        let application = Arc::clone(&self.application);
        let echo = self.table.get(slot).is_some_and(|connection| connection.identity.echo);
        if echo {
            return;
        }
        let mut made = 0;
        for room in rooms {
            let Some(mut session) = self.session(slot) else { return };
            let entered =
                application.admits(&mut session, room, made).and_then(|new| session.join(room, None).map(|_| new));
            match entered {
                Ok(new) => made += new,
                // It is missing from the welcome's list: that is how the client is told.
                Err(refusal) => {
                    tracing::debug!(connection = session.key().id, %refusal, "room of the query refused");
                }
            }
        }
        let honoured = resume.as_ref().is_some_and(|resume| self.rewind(slot, resume));
        match &resume {
            Some(resume) if honoured => self.starts_after(slot, resume),
            _ => self.starts_at_head(slot),
        }
        // From before a hole it gets what there is, and the gap in its place.
        let cursor = self.table.get(slot).map_or(0, |connection| connection.cursor);
        let recovered = honoured && self.view.tip().holes.since(cursor).is_none();
        if let (true, Some(connection)) = (resume.is_some(), self.table.get(slot)) {
            connection.trail.resumed(recovered);
        }
        if let Some(mut session) = self.session(slot) {
            application.welcome(&mut session, recovered);
        }
        if let (Some(resume), false) = (resume, honoured) {
            self.tell_lost(slot, &resume);
        }
        if let Some(mut session) = self.session(slot) {
            application.connected(&mut session);
        }
    }

    /// What lies between the client's offset and the newest is lost to it; of an epoch that is over, nobody knows how much that is.
    fn tell_lost(&mut self, slot: usize, resume: &Resume) {
        let (epoch, newest) = (self.view.tip().epoch.clone(), self.view.tip().newest);
        let (from, reason) = match epoch.as_str() == resume.epoch {
            true => (resume.offset, GapReason::Expired),
            false => (Offset::ZERO, GapReason::EpochChanged),
        };
        self.gap(slot, from, newest, None, reason);
    }

    fn starts_after(&mut self, slot: usize, resume: &Resume) {
        let epoch = Epoch::parse(&resume.epoch).ok();
        if let (Some(epoch), Some(connection)) = (epoch, self.table.get(slot)) {
            connection.start = Some(Box::new((epoch, resume.offset)));
        }
    }

    /// What came while it was taken in is before its time: the welcome names the head, and delivery starts there.
    fn starts_at_head(&mut self, slot: usize) {
        self.pull();
        let head = self.view.head();
        let Some(connection) = self.table.get(slot) else { return };
        connection.since = head;
        connection.subscriptions.iter_mut().for_each(|subscription| subscription.since = head);
        connection.lagging = false;
        connection.barrier = None;
    }

    /// Sets the cursor behind the offset the client saw. `false`: it cannot be honoured.
    pub(super) fn rewind(&mut self, slot: usize, resume: &Resume) -> bool {
        self.pull();
        let key = self.table.key(slot);
        match self.log.locate(&resume.epoch, resume.offset) {
            Located::At(position) if position >= self.view.first() => {
                // An offset of an epoch that is over: its rest, a new welcome, and then what came since.
                let barrier = self.view.tip().eras.end_of(&resume.epoch);
                let Some(connection) = self.table.get(slot) else { return false };
                connection.cursor = position;
                connection.since = position;
                connection.lagging = true;
                connection.owed = resume.offset;
                connection.barrier = barrier;
                for subscription in &mut connection.subscriptions {
                    subscription.since = position;
                }
                self.enqueue(slot);
                true
            }
            Located::Ahead => {
                let (Some(key), Some(connection)) = (key, self.table.get(slot)) else { return false };
                connection.ahead = Some(Box::new(resume.clone()));
                self.ahead.push(key);
                self.deadlines.add(Instant::now() + PATIENCE, key, Due::Ahead);
                true
            }
            Located::At(_) | Located::Lost => false,
        }
    }

    /// See [`Session::complete`](super::Session::complete). Direct frames go out before anything at the cursor, so what counts is what was written before.
    pub(super) fn complete(&mut self, slot: usize) -> Option<Offset> {
        let eras = &self.view.tip().eras;
        let (era, handed, handed_in) = (eras.current(), self.pass.handed, self.pass.handed_in);
        let connection = self.table.get(slot).filter(|connection| connection.follows_log())?;
        // Offsets are of the epoch of the last welcome: at a barrier the next one has begun already.
        if connection.barrier.is_some() || !connection.replay.is_empty() {
            return None;
        }
        if !connection.lagging {
            return (handed_in == eras.serial()).then_some(handed);
        }
        let last = connection.cursor.checked_sub(1).filter(|last| *last >= era.start)?;
        self.view.offset(last)
    }

    /// Sends those on their way whose offset the log has come to, or whose epoch is over.
    pub(super) fn look_ahead(&mut self) {
        if self.ahead.is_empty() {
            return;
        }
        let (epoch, newest) = (self.view.tip().epoch.clone(), self.view.tip().newest);
        for key in std::mem::take(&mut self.ahead) {
            let Some(connection) = self.table.find(key) else { continue };
            match connection.ahead.take() {
                Some(resume) if resume.epoch == epoch.as_str() && resume.offset > newest => {
                    connection.ahead = Some(resume);
                    self.ahead.push(key);
                }
                Some(resume) if !self.rewind(key.slot, &resume) => {
                    self.tell_lost(key.slot, &resume);
                }
                _ => {}
            }
        }
    }

    /// Nothing came while it waited. Whatever this log holds stands before the offset that the client has seen, so it has missed nothing: it goes on
    /// at the head. (Were this hub still behind, the client would see some messages again, but never miss one.)
    pub(super) fn stop_waiting(&mut self, slot: usize) {
        let (head, newest) = (self.view.head(), self.view.tip().newest);
        let Some(connection) = self.table.get(slot) else { return };
        if connection.ahead.take().is_some() {
            connection.cursor = head;
            connection.since = head;
            connection.subscriptions.iter_mut().for_each(|subscription| subscription.since = head);
            connection.lagging = true;
            connection.owed = newest;
            self.enqueue(slot);
        }
    }
}
