//! 20 `broadcast`: to every connection of every hub.

use super::{Context, Dispatcher, permission};
use crate::protocol::{Request, Target};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    permission::to_target(session, &Target::Broadcast)?;
    Context::new(dispatcher, session).forward(Target::Broadcast, request);
    Ok(())
}
