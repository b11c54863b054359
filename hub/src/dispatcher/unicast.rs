//! 21 `unicast`: to every connection of one client, wherever it is. To one that is nowhere: an error, not silence.

use super::{Context, Dispatcher, permission};
use crate::protocol::{ClientId, ErrorCode, Request};
use crate::shard::{Refusal, Session};

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
    let to = request.to.as_deref().ok_or_else(|| Refusal::new(ErrorCode::BadClient, "to is missing"))?;
    let to = ClientId::parse(to).map_err(|error| Refusal::new(ErrorCode::BadClient, format!("to {error}")))?;
    permission::to_client(session, &to)?;
    Context::new(dispatcher, session).forward_to_client(to, request)
}
