//! Questions to the application's room hooks: whether this client may join that room, or send to it.
//!
//! What is known is settled on the spot. Else the message waits in its shard with those behind it, a task asks, and the verdict brings it back.

use std::sync::Arc;

use gohub_settings::{Operation, RouteTo};

use super::Dispatcher;
use super::room::room_of;
use crate::auth::{HookKind, Verdict};
use crate::protocol::{ErrorCode, MessageId, Request, RoomName};
use crate::shard::{Command, Refusal, Session};

/// What is to be done with a message.
pub(super) enum Asked {
    /// It may go its way.
    No,
    /// It waits for the answer.
    Waits,
}

/// Whether the message must wait for a hook.
///
/// # Errors
/// It is refused: the hook has said so, or cannot be asked.
pub(super) fn ask(
    dispatcher: &Dispatcher,
    session: &mut Session<'_>,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Asked, Refusal> {
    let Some((kind, room)) = question(dispatcher, session, request) else { return Ok(Asked::No) };
    let client = session.client();
    if let Some(verdict) = dispatcher.auth.room_verdict(kind, &client, &room) {
        return refusal(kind, verdict).map_or(Ok(Asked::No), Err);
    }
    // No more than one question of a connection is under way: what comes behind it is not looked at.
    let auth = Arc::clone(&dispatcher.auth);
    let (handle, key) = (session.handle(), session.key());
    session.hold(bytes);
    dispatcher.tasks.spawn("room hook", async move {
        let verdict = auth.ask_room(kind, &client, &room).await;
        handle.send(Command::Verdict { key, refusal: refusal(kind, verdict) });
    });
    Ok(Asked::Waits)
}

/// What the hook is to be asked. Nothing about what is refused anyway.
fn question(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Option<(HookKind, RoomName)> {
    let kind = match MessageId::from_id(request.id) {
        Some(MessageId::Join) => HookKind::Join,
        Some(MessageId::RoomMessage) | None => HookKind::Publish,
        Some(_) => return None,
    };
    if !dispatcher.auth.has_room_hook(kind) {
        return None;
    }
    let room = match MessageId::from_id(request.id) {
        None => routed(dispatcher, request)?,
        Some(_) => room_of(request).ok()?,
    };
    let (operation, is_done) = match kind {
        HookKind::Join => (Operation::Join, session.is_in(&room)),
        HookKind::Publish => (Operation::Publish, false),
    };
    (!is_done && session.rights().allow(operation, &room)).then_some((kind, room))
}

/// The room that a configured route sends to. A handler of the library is trusted.
fn routed(dispatcher: &Dispatcher, request: &Request<'_>) -> Option<RoomName> {
    if dispatcher.handlers.contains_key(&request.id) {
        return None;
    }
    let live = dispatcher.live.load();
    let route = live.route(request.id).filter(|route| route.to == RouteTo::Room)?;
    let configured = Some(route.room.as_str()).filter(|room| !room.is_empty());
    RoomName::parse(configured.or(request.room.as_deref())?).ok()
}

fn refusal(kind: HookKind, verdict: Verdict) -> Option<Refusal> {
    let (code, message) = match (verdict, kind) {
        (Verdict::Allowed, _) => return None,
        (Verdict::Denied, HookKind::Join) => (ErrorCode::Forbidden, "room: this client may not join it"),
        (Verdict::Denied, HookKind::Publish) => (ErrorCode::Forbidden, "room: this client may not publish there"),
        (Verdict::Unclear, _) => (ErrorCode::HandlerFailed, "room: the application cannot be asked now"),
        (Verdict::Overloaded, _) => (ErrorCode::Overloaded, "room: too many ask the application now"),
    };
    Some(Refusal::new(code, message))
}
