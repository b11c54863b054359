//! From the events of the watch to groups of publications, one per revision: the order every hub agrees on.
//!
//! The order inside a revision is the index its publisher gave each publication over the whole transaction; what has none (a value put
//! by hand) stands in the order of the transaction's events. The offset's minor is the place in that order, counted over everything
//! readable, so it is the same on every hub.
//!
//! etcd may split the events of one large response, and with it a revision, over several. The group of a hub's transaction says how
//! many publications it has, so it waits for its rest; whatever comes of a later revision, or a restart of the watch, ends the waiting.

use bytes::Bytes;

use super::foreign;
use super::keys::{Keys, Place};
use crate::bus::batch::{self, BatchId, MARKER};
use crate::protocol::Publication;

/// What one revision carried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its etcd revision.
    pub(crate) revision: u64,
    /// Offset minor of the first publication; above 0 only when a revision put by hand came in pieces.
    pub(crate) first: u32,
    /// The transaction, when a hub put it.
    pub(crate) batch: Option<BatchId>,
    /// In order, each with the index its publisher knows it by.
    pub(crate) publications: Vec<(u32, Publication)>,
    /// Bytes of the values.
    pub(crate) bytes: u64,
}

/// One event of the watch, without etcd's types.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) revision: u64,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// What an event was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// Publications, or a key of the hubs' own.
    Fine,
    /// The epoch key, with its value.
    Epoch(Vec<u8>),
    /// No message; counted, never fatal.
    Skipped,
}

/// Collects the events of a revision.
#[derive(Debug)]
pub(crate) struct Assembler {
    keys: Keys,
    max_value: usize,
    group: Group,
    /// Publications the transaction has in all; what was skipped makes it unknown.
    expected: Option<u32>,
    ready: Vec<Group>,
}

impl Assembler {
    /// Values above `max_value` bytes are skipped.
    pub(crate) fn new(keys: Keys, max_value: usize) -> Self {
        Self { keys, max_value, group: empty(0, 0), expected: None, ready: Vec::new() }
    }

    /// Takes the next event; `now` in milliseconds since 1970 stamps what has no time of its own.
    pub(crate) fn push(&mut self, event: Event<'_>, now: u64) -> Pushed {
        if event.revision != self.group.revision {
            self.end_revision();
            self.group = empty(event.revision, 0);
            self.expected = None;
        }
        let client = match self.keys.place(event.key) {
            Place::Broadcast => None,
            Place::Unicast(client) => Some(client),
            Place::Epoch => return Pushed::Epoch(event.value.to_vec()),
            Place::Own => return Pushed::Fine,
            Place::Foreign => return Pushed::Skipped,
        };
        if event.value.len() > self.max_value {
            self.expected = None;
            return Pushed::Skipped;
        }
        self.group.bytes += event.value.len() as u64;
        if event.value.first() != Some(&MARKER) {
            return match foreign::read(event.value, client.as_ref(), now) {
                Ok(publication) => {
                    let index = self.group.publications.len() as u32;
                    self.group.publications.push((index, publication));
                    Pushed::Fine
                }
                Err(error) => {
                    tracing::debug!(key = %event.key.escape_ascii(), %error, "value is no message");
                    Pushed::Skipped
                }
            };
        }
        match batch::decode(&Bytes::copy_from_slice(event.value), client.as_ref()) {
            Ok(batch) => {
                let first = self.group.batch.is_none();
                self.expected = if first || self.expected.is_some() { Some(batch.total) } else { None };
                self.group.batch = Some(batch.id);
                self.group.publications.extend(batch.entries);
                Pushed::Fine
            }
            Err(error) => {
                tracing::debug!(key = %event.key.escape_ascii(), %error, "value is no batch");
                self.expected = None;
                Pushed::Skipped
            }
        }
    }

    /// Whether the newest event was of this revision, on this very stream.
    pub(crate) fn is_at(&self, revision: u64) -> bool {
        self.group.revision == revision
    }

    /// The end of a response: the groups that are complete.
    pub(crate) fn take(&mut self) -> Vec<Group> {
        let have = self.group.publications.len() as u32;
        if self.expected.is_none_or(|expected| have >= expected) {
            self.end_revision();
        }
        std::mem::take(&mut self.ready)
    }

    /// Where the watch goes on after a break: what was not taken must come again.
    pub(crate) fn resume(&mut self, next: u64) -> u64 {
        let next = if self.group.publications.is_empty() { next } else { next.min(self.group.revision) };
        self.group = empty(0, 0);
        self.ready.clear();
        next
    }

    fn end_revision(&mut self) {
        if self.group.publications.is_empty() {
            return;
        }
        let next = empty(self.group.revision, self.group.first + self.group.publications.len() as u32);
        let mut group = std::mem::replace(&mut self.group, next);
        self.expected = None;
        group.publications.sort_by_key(|(index, _)| *index);
        self.ready.push(group);
    }
}

fn empty(revision: u64, first: u32) -> Group {
    Group { revision, first, batch: None, publications: Vec::new(), bytes: 0 }
}

#[cfg(test)]
mod tests;
