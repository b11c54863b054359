//! `Handler`: the application's own messages (ids from 1000), for users of the library.

use super::Context;
use crate::protocol::{Payload, Request};
use crate::shard::Refusal;

/// What a handler answers a request that has a `ref`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An `ack`, with data if there is some.
    Ack(Option<Payload>),
    /// Nothing now: a publication's receipt or the handler itself answers later.
    Later,
}

/// Handles the messages of one `message_id`. Runs on the shard's thread: it must not wait.
pub trait Handler: Send + Sync + 'static {
    /// A client's message.
    ///
    /// # Errors
    /// What the client gets as `error`.
    fn handle(&self, context: &mut Context<'_, '_>, request: &Request<'_>) -> Result<Reply, Refusal>;
}

impl<F> Handler for F
where
    F: Fn(&mut Context<'_, '_>, &Request<'_>) -> Result<Reply, Refusal> + Send + Sync + 'static,
{
    fn handle(&self, context: &mut Context<'_, '_>, request: &Request<'_>) -> Result<Reply, Refusal> {
        self(context, request)
    }
}
