//! The shard's connections, and who follows which stream.

use slab::Slab;

use super::connection::Connection;
use super::inbox::ConnectionKey;
use crate::log::StreamId;

/// Connections by slot.
#[derive(Debug, Default)]
pub(super) struct Table(Slab<Connection>);

impl Table {
    pub(super) fn next_slot(&self) -> usize {
        self.0.vacant_key()
    }

    pub(super) fn insert(&mut self, connection: Connection) -> usize {
        self.0.insert(connection)
    }

    pub(super) fn remove(&mut self, slot: usize) -> Option<Connection> {
        self.0.try_remove(slot)
    }

    pub(super) fn get(&mut self, slot: usize) -> Option<&mut Connection> {
        self.0.get_mut(slot)
    }

    /// The connection of that key, unless it has gone.
    pub(super) fn find(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        self.0.get_mut(key.slot).filter(|connection| connection.identity.connection == key.id)
    }

    pub(super) fn key(&self, slot: usize) -> Option<ConnectionKey> {
        self.0.get(slot).map(|connection| ConnectionKey { slot, id: connection.identity.connection })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Connection)> {
        self.0.iter()
    }

    pub(super) fn slots(&self) -> Vec<usize> {
        self.0.iter().map(|(slot, _)| slot).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One more than the highest slot in use may be.
    pub(super) fn end(&self) -> usize {
        self.0.capacity()
    }
}

/// The slots that follow each stream, broadcast excepted (everybody does).
#[derive(Debug, Default)]
pub(super) struct Members(Vec<Vec<u32>>);

impl Members {
    pub(super) fn add(&mut self, stream: StreamId, slot: usize) {
        if self.0.len() <= stream.index() {
            self.0.resize_with(stream.index() + 1, Vec::new);
        }
        self.0[stream.index()].push(slot as u32);
    }

    pub(super) fn remove(&mut self, stream: StreamId, slot: usize) {
        if let Some(list) = self.0.get_mut(stream.index()) {
            if let Some(at) = list.iter().position(|member| *member == slot as u32) {
                list.swap_remove(at);
            }
            if list.is_empty() {
                *list = Vec::new();
            }
        }
    }

    pub(super) fn of(&self, stream: StreamId) -> &[u32] {
        self.0.get(stream.index()).map_or(&[], Vec::as_slice)
    }
}
