//! 3 `welcome`: the first message, and again when the epoch changed.

use super::{Dispatcher, ticket};
use crate::protocol::{HubMessage, Welcome};
use crate::shard::Session;

pub(super) fn send(dispatcher: &Dispatcher, session: &mut Session<'_>, recovered: bool) {
    let live = dispatcher.live.load();
    let (epoch, offset) = session.starting_point();
    let ticket = ticket::give(dispatcher, session);
    let life = dispatcher.auth.tickets().life().unwrap_or_default().as_millis() as u64;
    let welcome = Welcome {
        client_id: session.client(),
        connection_id: session.key().id.to_string().into(),
        node: live.node.clone(),
        epoch,
        offset,
        recovered,
        heartbeat_interval_ms: live.heartbeat_interval_ms,
        heartbeat_timeout_ms: live.heartbeat_timeout_ms,
        max_message: live.max_message,
        max_rooms: live.max_rooms_per_connection,
        mode: dispatcher.bus.health().mode,
        rooms: session.rooms(),
        ticket: ticket.map(|ticket| (ticket.into(), life)),
    };
    session.reply(&HubMessage::Welcome(welcome));
}
