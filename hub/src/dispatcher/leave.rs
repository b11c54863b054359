//! 11 `leave`: a connection leaves a room.

use super::room::{announce, room_of};
use super::{Dispatcher, HubEvent};
use crate::protocol::{ClientId, HubMessage, Request, RoomName};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let room = room_of(request)?;
    // Leaving a room one is not in succeeds: the client's wish is fulfilled.
    if session.leave(&room).is_ok() {
        left(dispatcher, &session.client(), &room);
    }
    if let Some(reference) = request.reference.as_deref() {
        session.reply(&HubMessage::Ack { reference: Some(reference), offset: None, data: None });
    }
    Ok(())
}

/// The back end takes a connection out of a room. One that is not in it is where it is wanted.
pub(super) fn by_back_end(dispatcher: &Dispatcher, session: &mut Session<'_>, room: &RoomName) {
    if session.leave(room).is_ok() {
        session.reply(&HubMessage::Left { room: room.as_str() });
        left(dispatcher, &session.client(), room);
    }
}

/// Books one connection of `client` out of `room`, and says so to whom it concerns.
pub(super) fn left(dispatcher: &Dispatcher, client: &ClientId, room: &RoomName) {
    let change = dispatcher.directory.exit(room, client);
    if change.room_changed {
        dispatcher.notify(&HubEvent::RoomVacated { room: room.clone() });
    }
    if change.client_changed && dispatcher.live.load().announces(room) {
        announce(dispatcher, room, "left", client);
    }
}
