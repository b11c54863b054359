//! 6 `refresh`: a new token for a living connection. It is judged in a task, as at the handshake: keys may have to be fetched.

use std::sync::Arc;

use gohub_settings::Operation;
use serde_json::{Map, Value};

use super::{Dispatcher, leave};
use crate::auth::{Denied, Proof};
use crate::clock;
use crate::protocol::{CloseCode, DataRef, ErrorCode, HubMessage, Request, RoomName};
use crate::shard::{Command, Refusal, Renewal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let missing = || Refusal::new(ErrorCode::BadRequest, "token is missing");
    let token = request.token.as_ref().ok_or_else(missing)?.expose().to_owned();
    session.has_room_for_wait()?;
    let reference: Option<Box<str>> = request.reference.as_deref().map(Box::from);
    let (auth, client) = (Arc::clone(&dispatcher.auth), session.client());
    let from = session.address().ip().into();
    let (handle, key) = (session.handle(), session.key());
    session.begin_wait();
    dispatcher.tasks.spawn("refresh", async move {
        let proof = match auth.judge(Some(&token), from).await {
            Ok(Proof { client: Some(other), .. }) if other != client => {
                Err((ErrorCode::Forbidden, "token: it is another client's".to_owned()))
            }
            Ok(proof) => Ok(proof),
            Err(denied @ Denied::Unclear) => Err((ErrorCode::Internal, format!("token: {denied}"))),
            Err(denied @ Denied::LockedOut(_)) => Err((ErrorCode::RateLimited, format!("token: {denied}"))),
            Err(denied) => Err((ErrorCode::Unauthorized, format!("token: {denied}"))),
        };
        handle.send(match proof {
            Ok(Proof { expires, rights, pass, judged, .. }) => {
                let expires = expires.and_then(clock::instant_of);
                let renewal = Box::new(Renewal { expires, rights, pass, judged });
                Command::Renew { key, reference, renewal }
            }
            Err(error) => Command::Deliver { key, reference, message: Err(error), is_question: false },
        });
    });
    Ok(())
}

/// The connection has what the new token proves: it leaves the rooms it may not be in any more, and is told.
pub(super) fn renewed(dispatcher: &Dispatcher, session: &mut Session<'_>, reference: Option<&str>) {
    let (client, pass) = (session.client(), session.identity().pass);
    if dispatcher.auth.is_revoked(Some(&client), pass.as_ref()) {
        return session.close(CloseCode::Unauthorized, "the token was revoked");
    }
    let rooms = session.rooms().into_iter();
    let lost: Vec<RoomName> = rooms.filter(|room| !session.rights().allow(Operation::Join, room)).collect();
    for room in &lost {
        if session.leave(room).is_ok() {
            leave::left(dispatcher, &session.client(), room);
            if reference.is_none() {
                session.reply(&HubMessage::Left { room: room.as_str() });
            }
        }
    }
    if reference.is_none() {
        return;
    }
    let mut answer = Map::new();
    if let Some(end) = session.expires() {
        let left = end.saturating_duration_since(std::time::Instant::now());
        answer.insert("expires_in_ms".to_owned(), (left.as_millis() as u64).into());
    }
    if !lost.is_empty() {
        let names = lost.iter().map(|room| room.as_str().into()).collect();
        answer.insert("left".to_owned(), Value::Array(names));
    }
    let answer = Value::Object(answer).to_string();
    session.reply(&HubMessage::Ack { reference, offset: None, data: Some(DataRef::Json(answer.as_bytes())) });
}
