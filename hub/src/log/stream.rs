//! Streams: the position lists of the log. Broadcast is one, every room is one, every client's mailbox is one.

use std::collections::{HashMap, VecDeque};

use slab::Slab;

use super::Position;
use crate::protocol::{ClientId, RoomName, Target};

/// A stream of one [`View`](super::View); a small index, so that shards keep what they know of a stream in a plain `Vec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u32);

impl StreamId {
    /// The stream every connection reads.
    pub const BROADCAST: Self = Self(0);

    /// The stream as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A stream a reader follows, from a position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription {
    /// The stream.
    pub stream: StreamId,
    /// Entries before this position are not for the reader: it had not joined yet.
    pub since: Position,
}

#[derive(Debug)]
struct Stream {
    /// Always the whole log's positions of this target, oldest first.
    positions: VecDeque<Position>,
    readers: u32,
    target: Target,
}

/// All streams of a view. Names are hashed with SipHash (the standard hasher, seeded per process): they come from strangers.
#[derive(Debug)]
pub(super) struct Streams {
    slots: Slab<Stream>,
    rooms: HashMap<RoomName, StreamId>,
    clients: HashMap<ClientId, StreamId>,
}

impl Streams {
    pub(super) fn new() -> Self {
        let mut slots = Slab::new();
        slots.insert(Stream { positions: VecDeque::new(), readers: 1, target: Target::Broadcast });
        Self { slots, rooms: HashMap::new(), clients: HashMap::new() }
    }

    pub(super) fn find(&self, target: &Target) -> Option<StreamId> {
        match target {
            Target::Broadcast => Some(StreamId::BROADCAST),
            Target::Room(room) => self.rooms.get(room).copied(),
            Target::Client(client) => self.clients.get(client).copied(),
        }
    }

    pub(super) fn find_or_create(&mut self, target: &Target) -> StreamId {
        if let Some(found) = self.find(target) {
            return found;
        }
        let key = self.slots.insert(Stream { positions: VecDeque::new(), readers: 0, target: target.clone() });
        let id = StreamId(u32::try_from(key).expect("fewer streams than memory could hold"));
        match target {
            Target::Broadcast => {}
            Target::Room(room) => drop(self.rooms.insert(room.clone(), id)),
            Target::Client(client) => drop(self.clients.insert(client.clone(), id)),
        }
        id
    }

    pub(super) fn push(&mut self, target: &Target, position: Position) -> StreamId {
        let id = self.find_or_create(target);
        self.slots[id.index()].positions.push_back(position);
        id
    }

    /// Takes the oldest position of `target` out (it was trimmed from the log).
    pub(super) fn pop(&mut self, target: &Target) {
        if let Some(id) = self.find(target) {
            self.slots[id.index()].positions.pop_front();
            self.free_if_unused(id);
        }
    }

    pub(super) fn retain(&mut self, id: StreamId) {
        self.slots[id.index()].readers += 1;
    }

    pub(super) fn release(&mut self, id: StreamId) {
        self.slots[id.index()].readers -= 1;
        self.free_if_unused(id);
    }

    fn free_if_unused(&mut self, id: StreamId) {
        let stream = &self.slots[id.index()];
        if stream.readers > 0 || !stream.positions.is_empty() {
            return;
        }
        match self.slots.remove(id.index()).target {
            Target::Broadcast => {}
            Target::Room(room) => drop(self.rooms.remove(&room)),
            Target::Client(client) => drop(self.clients.remove(&client)),
        }
    }

    /// The positions of a stream, oldest first.
    pub(super) fn positions(&self, id: StreamId) -> &VecDeque<Position> {
        &self.slots[id.index()].positions
    }

    pub(super) fn target(&self, id: StreamId) -> &Target {
        &self.slots[id.index()].target
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = (&RoomName, StreamId)> {
        self.rooms.iter().map(|(room, stream)| (room, *stream))
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}
