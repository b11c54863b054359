//! The directory: which clients and rooms this process has, whatever shard they are on. One short lock per connection made or ended and per room
//! entered or left; nothing per message but a look for a unicast's receiver.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::{ClientId, RoomName};

/// Clients that are gone and still remembered, at most.
const MAX_REMEMBERED: usize = 100_000;

#[derive(Debug, Default)]
struct State {
    /// Connections of each client.
    clients: HashMap<ClientId, u32>,
    /// Clients without a connection that may come back, and until when. The queue has them in order of that time.
    gone: HashMap<ClientId, Instant>,
    queue: VecDeque<(Instant, ClientId)>,
    /// Connections of each client in each room.
    rooms: HashMap<RoomName, HashMap<ClientId, u32>>,
}

/// Who is here.
#[derive(Debug, Default)]
pub struct Directory(Mutex<State>);

/// What entering or leaving a room changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// It was the client's first or last connection in the room.
    pub client_changed: bool,
    /// It was the room's first or last connection.
    pub room_changed: bool,
}

impl Directory {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection of `client`, unless it has `max` already (0: no limit). Returns how many it had.
    ///
    /// # Errors
    /// How many it has, when that is `max` or more.
    pub fn connect(&self, client: &ClientId, max: u32) -> Result<u32, u32> {
        let mut state = self.lock();
        let count = state.clients.get(client).copied().unwrap_or(0);
        if max > 0 && count >= max {
            return Err(count);
        }
        state.clients.insert(client.clone(), count + 1);
        state.gone.remove(client);
        Ok(count)
    }

    /// One connection less; the client counts as known for `remember` more.
    pub fn disconnect(&self, client: &ClientId, remember: Duration, now: Instant) {
        let mut state = self.lock();
        let Some(count) = state.clients.get_mut(client) else { return };
        *count -= 1;
        if *count == 0 {
            state.clients.remove(client);
            let until = now + remember;
            state.gone.insert(client.clone(), until);
            state.queue.push_back((until, client.clone()));
        }
        while state.queue.len() > MAX_REMEMBERED || state.queue.front().is_some_and(|(until, _)| *until <= now) {
            let Some((until, client)) = state.queue.pop_front() else { break };
            if state.gone.get(&client) == Some(&until) {
                state.gone.remove(&client);
            }
        }
    }

    /// Whether the client is connected here, or was so recently that it may resume.
    pub fn knows(&self, client: &ClientId) -> bool {
        let state = self.lock();
        state.clients.contains_key(client) || state.gone.get(client).is_some_and(|until| *until > Instant::now())
    }

    /// Clients connected.
    pub fn clients(&self) -> usize {
        self.lock().clients.len()
    }

    /// Rooms with somebody in them.
    pub fn rooms(&self) -> usize {
        self.lock().rooms.len()
    }

    /// Whether somebody is in the room.
    pub fn has_room(&self, room: &RoomName) -> bool {
        self.lock().rooms.contains_key(room)
    }

    /// A connection of `client` entered `room`.
    pub fn enter(&self, room: &RoomName, client: &ClientId) -> Change {
        let mut state = self.lock();
        let members = state.rooms.entry(room.clone()).or_default();
        let room_changed = members.is_empty();
        let count = members.entry(client.clone()).or_default();
        *count += 1;
        Change { client_changed: *count == 1, room_changed }
    }

    /// A connection of `client` left `room`.
    pub fn exit(&self, room: &RoomName, client: &ClientId) -> Change {
        let nothing = Change { client_changed: false, room_changed: false };
        let mut state = self.lock();
        let Some(members) = state.rooms.get_mut(room) else { return nothing };
        let Some(count) = members.get_mut(client) else { return nothing };
        *count -= 1;
        if *count > 0 {
            return nothing;
        }
        members.remove(client);
        let room_changed = members.is_empty();
        if room_changed {
            state.rooms.remove(room);
        }
        Change { client_changed: true, room_changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> ClientId {
        ClientId::parse(name).expect("a name")
    }

    #[test]
    fn a_client_is_known_while_connected_and_for_a_while_after() {
        let directory = Directory::default();
        let (bob, now) = (client("bob"), Instant::now());
        assert_eq!(directory.connect(&bob, 2), Ok(0));
        assert_eq!(directory.connect(&bob, 2), Ok(1));
        assert_eq!(directory.connect(&bob, 2), Err(2));
        directory.disconnect(&bob, Duration::from_secs(60), now);
        assert!(directory.knows(&bob));
        directory.disconnect(&bob, Duration::from_secs(60), now);
        assert_eq!(directory.clients(), 0);
        assert!(directory.knows(&bob), "it may resume");
        assert!(!directory.knows(&client("nobody")));
        directory.disconnect(&bob, Duration::ZERO, now);
        assert!(directory.knows(&bob), "not connected: nothing to take away");
    }

    #[test]
    fn who_is_gone_is_forgotten_in_time() {
        let directory = Directory::default();
        let (now, short) = (Instant::now(), Duration::from_millis(1));
        assert_eq!(directory.connect(&client("a"), 0), Ok(0));
        assert_eq!(directory.connect(&client("b"), 0), Ok(0));
        directory.disconnect(&client("a"), short, now);
        directory.disconnect(&client("b"), Duration::from_secs(60), now + short * 2);
        assert!(!directory.lock().gone.contains_key(&client("a")));
        assert!(directory.knows(&client("b")));
    }

    #[test]
    fn rooms_fill_and_empty_by_client_and_by_connection() {
        let directory = Directory::default();
        let (room, a, b) = (RoomName::parse("r").expect("a name"), client("a"), client("b"));
        assert_eq!(directory.enter(&room, &a), Change { client_changed: true, room_changed: true });
        assert_eq!(directory.enter(&room, &a), Change { client_changed: false, room_changed: false });
        assert_eq!(directory.enter(&room, &b), Change { client_changed: true, room_changed: false });
        assert_eq!(directory.exit(&room, &a), Change { client_changed: false, room_changed: false });
        assert_eq!(directory.exit(&room, &a), Change { client_changed: true, room_changed: false });
        assert_eq!(directory.exit(&room, &b), Change { client_changed: true, room_changed: true });
        assert_eq!(directory.exit(&room, &b), Change { client_changed: false, room_changed: false });
        assert_eq!(directory.rooms(), 0);
    }
}
