//! Resume tickets: when a connection gets one. With the welcome, with a drain, and with a pong once the last one is half over.

use super::Dispatcher;
use crate::auth::Bearer;
use crate::clock;
use crate::shard::{Identity, Session};

/// A ticket for this connection, unless tickets are off or it may have none.
pub(super) fn give(dispatcher: &Dispatcher, session: &mut Session<'_>) -> Option<String> {
    let Identity { client, connection, expires, rights, pass, judged, .. } = session.identity();
    let (connection, expires, pass, judged) = (*connection, *expires, *pass, *judged);
    let ticket = dispatcher.auth.tickets().give(&Bearer { client, connection, expires, rights, pass, judged })?;
    session.has_ticket(clock::unix_millis());
    Some(ticket)
}

/// A new ticket when the one it has is half over.
pub(super) fn renew(dispatcher: &Dispatcher, session: &mut Session<'_>) -> Option<String> {
    let life = dispatcher.auth.tickets().life()?.as_millis() as u64;
    let given = session.identity().ticket_at;
    if clock::unix_millis().saturating_sub(given) < life / 2 {
        return None;
    }
    give(dispatcher, session)
}
