//! Whether a client may do what it asks for: its rights against rooms and clients. A refusal names the field and nothing of what exists.

use gohub_settings::Operation;

use crate::protocol::{ClientId, ErrorCode, RoomName, Target};
use crate::shard::{Refusal, Session};

fn forbidden(message: &str) -> Refusal {
    Refusal::new(ErrorCode::Forbidden, message)
}

/// Whether the client may do this in the room.
pub(super) fn in_room(session: &mut Session<'_>, operation: Operation, room: &RoomName) -> Result<(), Refusal> {
    if session.rights().allow(operation, room) {
        return Ok(());
    }
    Err(forbidden(match operation {
        Operation::Join => "room: this client may not join it",
        Operation::Publish => "room: this client may not publish there",
        Operation::Presence => "room: this client may not ask who is in it",
        Operation::History => "room: this client may not ask what was said there",
    }))
}

/// Whether the client may send there.
pub(super) fn to_target(session: &mut Session<'_>, target: &Target) -> Result<(), Refusal> {
    match target {
        Target::Room(room) => in_room(session, Operation::Publish, room),
        Target::Client(client) => to_client(session, client),
        Target::Broadcast if session.rights().allow_broadcast() => Ok(()),
        Target::Broadcast => Err(forbidden("this client may not send to everybody")),
    }
}

/// Whether the client may send to another.
pub(super) fn to_client(session: &mut Session<'_>, client: &ClientId) -> Result<(), Refusal> {
    if session.rights().allow_unicast(client) { Ok(()) } else { Err(forbidden("to: this client may not send to it")) }
}
