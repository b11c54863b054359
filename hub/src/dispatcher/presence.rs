//! 12 `presence`: who is in a room, on all hubs, by pages. The answers are gathered in a task: other shards and other hubs know some of it.

use gohub_settings::Operation;

use super::room::room_of;
use super::{Dispatcher, permission};
use crate::protocol::{ClientId, HubMessage, Request};
use crate::shard::{Command, Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let room = room_of(request)?;
    permission::in_room(session, Operation::Presence, &room)?;
    session.has_room_for_answers()?;
    let max = dispatcher.live.load().max_page;
    let limit = request.limit.map_or(max, |limit| (limit as usize).clamp(1, max));
    let after = request.after.as_deref().map(str::to_owned);
    let reference: Option<Box<str>> = request.reference.as_deref().map(Box::from);
    let (handle, key, format) = (session.handle(), session.key(), session.format());
    let members = dispatcher.colleagues.members(room.clone());
    session.begin_question();
    dispatcher.tasks.spawn("presence", async move {
        let message = members.await.map(|all| {
            let from = after.map_or(0, |after| all.partition_point(|client| client.as_str() <= after.as_str()));
            let page: Vec<ClientId> = all[from..].iter().take(limit).cloned().collect();
            let next = (from + page.len() < all.len()).then(|| page.last().map(ClientId::as_str)).flatten();
            let (total, room) = (all.len() as u64, room.as_str());
            HubMessage::Presence { reference: reference.as_deref(), room, clients: &page, next, total }.to_vec(format)
        });
        let message = message.map_err(|refusal| (refusal.code, refusal.message));
        handle.send(Command::Deliver { key, reference, message, is_question: true });
    });
    Ok(())
}
