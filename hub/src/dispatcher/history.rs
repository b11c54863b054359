//! 13 `history`: what was said in a room, from the same log that delivers.

use gohub_settings::Operation;

use super::permission;
use super::room::room_of;
use crate::protocol::{ErrorCode, Request};
use crate::shard::{Page, Refusal, Session};

/// Messages of a reply when the client does not say how many.
const DEFAULT_LIMIT: usize = 100;

pub(super) fn handle(session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let room = room_of(request)?;
    permission::in_room(session, Operation::History, &room)?;
    let limit = request.limit.map_or(DEFAULT_LIMIT, |limit| limit as usize);
    if limit == 0 {
        return Err(Refusal::new(ErrorCode::BadRequest, "limit must be at least 1"));
    }
    let page = match request.from_offset {
        Some(offset) => Page::Since(offset, limit),
        None => Page::Last(limit),
    };
    session.has_room_for_answers()?;
    session.history(request.reference.as_deref(), &room, page);
    Ok(())
}
