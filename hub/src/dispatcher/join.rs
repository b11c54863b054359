//! 10 `join`: a connection enters a room.

use gohub_settings::Operation;

use super::room::{announce, room_of};
use super::{Dispatcher, HubEvent, permission};
use crate::protocol::{ClientId, ErrorCode, HubMessage, Request, RoomName};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let room = room_of(request)?;
    permission::in_room(session, Operation::Join, &room)?;
    if request.from_offset.is_some() {
        permission::in_room(session, Operation::History, &room)?;
    }
    let is_new = !session.is_in(&room);
    if is_new {
        has_place(dispatcher, &room, 0)?;
    }
    let offset = session.join(&room, request.from_offset)?;
    if let Some(reference) = request.reference.as_deref() {
        session.reply(&HubMessage::Ack { reference: Some(reference), offset: Some(offset), data: None });
    }
    if is_new {
        entered(dispatcher, &session.client(), &room);
    }
    Ok(())
}

/// The back end puts a connection into a room: its rights are not asked, its limits are.
pub(super) fn by_back_end(dispatcher: &Dispatcher, session: &mut Session<'_>, room: &RoomName) -> Result<(), Refusal> {
    if session.is_in(room) {
        return Ok(());
    }
    has_place(dispatcher, room, 0)?;
    let offset = session.join(room, None)?;
    session.reply(&HubMessage::Joined { room: room.as_str(), offset });
    entered(dispatcher, &session.client(), room);
    Ok(())
}

/// Whether the room exists (0) or may be made (1), by one that makes so many others at the same time.
pub(super) fn has_place(dispatcher: &Dispatcher, room: &RoomName, made: usize) -> Result<usize, Refusal> {
    if dispatcher.directory.has_room(room) {
        return Ok(0);
    }
    let max = dispatcher.live.load().max_rooms;
    if dispatcher.directory.rooms() + made >= max {
        let message = format!("room: this hub has {max} rooms already (limits.max_rooms)");
        return Err(Refusal::new(ErrorCode::TooManyRooms, message));
    }
    Ok(1)
}

/// Books one more connection of `client` in `room`, and says so to whom it concerns.
pub(super) fn entered(dispatcher: &Dispatcher, client: &ClientId, room: &RoomName) {
    let change = dispatcher.directory.enter(room, client);
    if change.room_changed {
        dispatcher.notify(&HubEvent::RoomOccupied { room: room.clone() });
    }
    if change.client_changed && dispatcher.live.load().announces(room) {
        announce(dispatcher, room, "joined", client);
    }
}
