//! 1 `ping`: the application's heartbeat, answered at once.

use crate::protocol::{HubMessage, Request};
use crate::shard::{Refusal, Session};

pub(super) fn handle(session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    session.reply(&HubMessage::Pong { reference: request.reference.as_deref() });
    Ok(())
}
