//! The slice of the settings that handlers need.

use std::collections::HashMap;

use gohub_settings::{Rooms, Route, Settings};

use crate::protocol::RoomName;

/// Live settings of the dispatcher; replaced as a whole.
#[derive(Debug, Clone)]
pub struct Live {
    pub(super) node: Box<str>,
    pub(super) heartbeat_interval_ms: u64,
    pub(super) heartbeat_timeout_ms: u64,
    pub(super) max_message: u64,
    pub(super) max_rooms_per_connection: u64,
    pub(super) max_rooms: usize,
    pub(super) max_page: usize,
    rooms: Rooms,
    routes: HashMap<u32, Route>,
}

impl Live {
    /// The slice of these settings; `node` is the hub's own name.
    pub fn new(settings: &Settings, node: &str) -> Self {
        Self {
            node: node.into(),
            heartbeat_interval_ms: settings.heartbeat.interval.as_millis(),
            heartbeat_timeout_ms: settings.heartbeat.timeout.as_millis(),
            max_message: settings.limits.max_message.as_u64(),
            max_rooms_per_connection: settings.limits.max_rooms_per_connection.into(),
            max_rooms: settings.limits.max_rooms as usize,
            max_page: settings.limits.max_page as usize,
            rooms: settings.rooms.clone(),
            routes: settings.routes.iter().map(|route| (route.id, route.clone())).collect(),
        }
    }

    pub(super) fn route(&self, id: u32) -> Option<&Route> {
        self.routes.get(&id)
    }

    pub(super) fn announces(&self, room: &RoomName) -> bool {
        self.rooms.policy(room.as_str()).presence_changes
    }
}
