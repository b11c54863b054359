//! Answers to questions about a shard's connections and rooms, and what concerns all of them at once.

use super::connection::{Connection, Identity};
use super::inbox::{ClientRow, Kick, RoomRow};
use super::turn::Core;
use crate::protocol::{ClientId, RoomName, Target};

impl Core {
    pub(super) fn rooms_of(&mut self, slot: usize) -> Vec<RoomName> {
        let Some(connection) = self.table.get(slot) else { return Vec::new() };
        let rooms = connection.subscriptions.iter().skip(1).filter_map(|subscription| {
            match self.view.target(subscription.stream) {
                Target::Room(room) => Some(room.clone()),
                Target::Broadcast | Target::Client(_) => None,
            }
        });
        rooms.collect()
    }

    pub(super) fn client_rows(&mut self) -> Vec<ClientRow> {
        let slots = self.table.slots();
        let rows = slots.into_iter().filter_map(|slot| {
            let rooms = self.rooms_of(slot);
            let connection = self.table.get(slot).filter(|connection| connection.is_open())?;
            Some(ClientRow {
                client: connection.identity.client.clone(),
                connection: connection.identity.connection,
                since: connection.opened,
                rooms,
                address: connection.identity.address,
            })
        });
        rows.collect()
    }

    pub(super) fn room_rows(&self) -> Vec<RoomRow> {
        let rooms = self.view.rooms();
        let rows = rooms.map(|(room, stream)| RoomRow { room: room.clone(), members: self.members.of(stream).len() });
        rows.filter(|row| row.members > 0).collect()
    }

    pub(super) fn members_of(&mut self, room: &RoomName) -> Vec<ClientId> {
        let Some(stream) = self.view.find(&Target::Room(room.clone())) else { return Vec::new() };
        let slots = self.members.of(stream).to_vec();
        let clients = slots
            .iter()
            .filter_map(|slot| self.table.get(*slot as usize).map(|connection| connection.identity.client.clone()));
        let mut clients: Vec<ClientId> = clients.collect();
        clients.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        clients.dedup();
        clients
    }

    pub(super) fn matching(&mut self, who: &Kick) -> Vec<usize> {
        match who {
            Kick::Connection(id) => {
                let found = self.table.iter().find(|(_, connection)| connection.identity.connection == *id);
                found.map(|(slot, _)| slot).into_iter().collect()
            }
            Kick::Client(client) => self.of_client(client, u64::MAX),
            Kick::ClientBefore(client, id) => self.of_client(client, *id),
            Kick::Revoked(revocation) => {
                let is_meant = |connection: &Connection| {
                    let Identity { client, pass, .. } = &connection.identity;
                    connection.is_open() && pass.as_ref().is_some_and(|pass| revocation.covers(client, pass))
                };
                self.table.iter().filter(|(_, connection)| is_meant(connection)).map(|(slot, _)| slot).collect()
            }
        }
    }

    pub(super) fn of_client(&mut self, client: &ClientId, before: u64) -> Vec<usize> {
        let Some(stream) = self.view.find(&Target::Client(client.clone())) else { return Vec::new() };
        let slots = self.members.of(stream).to_vec();
        let is_meant = |slot: &usize| {
            self.table
                .get(*slot)
                .is_some_and(|connection| connection.is_open() && connection.identity.connection < before)
        };
        slots.into_iter().map(|slot| slot as usize).filter(is_meant).collect()
    }
}
