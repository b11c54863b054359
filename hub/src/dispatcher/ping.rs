//! 1 `ping`: the application's heartbeat, answered at once, with how far this connection is complete: so a client's position moves while
//! nothing is said to it.

use super::{Dispatcher, ticket};
use crate::protocol::{HubMessage, Request};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let ticket = ticket::renew(dispatcher, session);
    let offset = session.complete();
    session.reply(&HubMessage::Pong { reference: request.reference.as_deref(), offset, ticket: ticket.as_deref() });
    Ok(())
}
