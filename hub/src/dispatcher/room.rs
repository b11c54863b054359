//! 22 `room message`: to everybody in a room. Who sends need not be in it.

use super::{Context, Dispatcher, permission};
use crate::bus::Receipt;
use crate::clock;
use crate::protocol::{ClientId, ErrorCode, MessageId, Payload, Publication, Request, RoomName, Target};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let room = room_of(request)?;
    let target = Target::Room(room);
    permission::to_target(session, &target)?;
    Context::new(dispatcher, session).forward(target, request);
    Ok(())
}

/// The room a request names.
pub(super) fn room_of(request: &Request<'_>) -> Result<RoomName, Refusal> {
    let room = request.room.as_deref().ok_or_else(|| Refusal::new(ErrorCode::BadRoom, "room is missing"))?;
    RoomName::parse(room).map_err(|error| Refusal::new(ErrorCode::BadRoom, format!("room {error}")))
}

/// Publishes a presence change into the room.
pub(super) fn announce(dispatcher: &Dispatcher, room: &RoomName, change: &str, client: &ClientId) {
    let data = serde_json::json!({ change: client.as_str() }).to_string();
    let publication = Publication {
        target: Target::Room(room.clone()),
        id: MessageId::Presence.id(),
        message_type: None,
        data: Payload::json(data).ok(),
        from: None,
        ts: clock::unix_millis(),
        key: None,
    };
    dispatcher.bus.publish(publication, Receipt::none());
}
