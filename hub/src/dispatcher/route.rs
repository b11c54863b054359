//! Ids from 1000 on, as configured in `routes`: the hub as a binary, without a line of Rust.

use gohub_settings::{Route, RouteTo};

use super::{Context, Dispatcher, permission, webhook};
use crate::protocol::{ClientId, ErrorCode, Request, RoomName, Target};
use crate::shard::{Refusal, Session};

pub(super) fn handle(
    dispatcher: &Dispatcher,
    session: &mut Session<'_>,
    request: &Request<'_>,
    route: &Route,
) -> Result<(), Refusal> {
    let target = match route.to {
        RouteTo::Broadcast => Target::Broadcast,
        RouteTo::Room => {
            let room = name(&route.room, request.room.as_deref(), ErrorCode::BadRoom, "room")?;
            Target::Room(
                RoomName::parse(room).map_err(|error| Refusal::new(ErrorCode::BadRoom, format!("room {error}")))?,
            )
        }
        RouteTo::Client => {
            let to = name(&route.client, request.to.as_deref(), ErrorCode::BadClient, "to")?;
            let to = ClientId::parse(to).map_err(|error| Refusal::new(ErrorCode::BadClient, format!("to {error}")))?;
            permission::to_client(session, &to)?;
            return Context::new(dispatcher, session).forward_to_client(to, request);
        }
        RouteTo::Webhook => return webhook::handle(dispatcher, session, request, route),
    };
    permission::to_target(session, &target)?;
    Context::new(dispatcher, session).forward(target, request);
    Ok(())
}

/// The configured name, or else the request's.
fn name<'a>(configured: &'a str, requested: Option<&'a str>, code: ErrorCode, field: &str) -> Result<&'a str, Refusal> {
    match (configured, requested) {
        ("", Some(requested)) => Ok(requested),
        ("", None) => Err(Refusal::new(code, format!("{field} is missing"))),
        (configured, _) => Ok(configured),
    }
}
