//! What a shard asks of the code above it. The dispatcher implements it; tests implement it in ten lines.

use super::{Placement, Refusal, Session};
use crate::blackbox::Ended;
use crate::protocol::RoomName;

/// The hub's application layer, shared by all shards.
pub trait Application: Send + Sync {
    /// A complete message in the connection's wire format. Runs on the shard's thread: it must not wait.
    fn message(&self, session: &mut Session<'_>, bytes: &[u8]);

    /// A message that was [held](Session::hold) comes back, with what somebody else has said of it.
    fn decided(&self, _session: &mut Session<'_>, _bytes: &[u8], _refusal: Option<Refusal>) {}

    /// A message of the other kind (binary on a JSON connection, text on a CBOR one) closes the connection with 1003; everything else comes here
    /// before and after a connection's life.
    fn connected(&self, _session: &mut Session<'_>) {}

    /// Whether a new connection may enter this room of its query, when it makes so many new rooms already. Returns how many this one makes.
    ///
    /// # Errors
    /// The limit that is reached, or that it may not.
    fn admits(&self, _session: &mut Session<'_>, _room: &RoomName, _made: usize) -> Result<usize, Refusal> {
        Ok(0)
    }

    /// The connection is gone; its rooms are still readable.
    fn gone(&self, _session: &mut Session<'_>) {}

    /// The connection is out of the table, with everything that happened to it.
    fn ended(&self, _ended: Ended) {}

    /// The connection has a new token and what it proves.
    fn renewed(&self, _session: &mut Session<'_>, _reference: Option<&str>) {}

    /// A resume ticket for a connection that has to go.
    fn ticket(&self, _session: &mut Session<'_>) -> Option<String> {
        None
    }

    /// The back end wants the connection in the room, or out of it.
    ///
    /// # Errors
    /// The limit that is reached.
    fn placed(&self, _session: &mut Session<'_>, _room: &RoomName, _placement: Placement) -> Result<(), Refusal> {
        Ok(())
    }

    /// The first `welcome`, and a new one when the epoch changed: `recovered` says whether the cursor it brought could be honoured.
    fn welcome(&self, session: &mut Session<'_>, recovered: bool);
}
