//! What a handler can do: answer, publish, join and leave.

use std::ops::{Deref, DerefMut};

use super::Dispatcher;
use super::colleagues::Found;
use crate::bus::Receipt;
use crate::clock;
use crate::protocol::{ClientId, ErrorCode, HubMessage, Payload, Publication, Request, RoomName, Target};
use crate::shard::{Command, Refusal, Session};

/// A connection and the hub around it, while a message is handled. Everything of [`Session`] is there too.
pub struct Context<'a, 's> {
    dispatcher: &'a Dispatcher,
    session: &'a mut Session<'s>,
}

impl<'s> Deref for Context<'_, 's> {
    type Target = Session<'s>;

    fn deref(&self) -> &Session<'s> {
        self.session
    }
}

impl<'s> DerefMut for Context<'_, 's> {
    fn deref_mut(&mut self) -> &mut Session<'s> {
        self.session
    }
}

impl std::fmt::Debug for Context<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<'a, 's> Context<'a, 's> {
    pub(super) fn new(dispatcher: &'a Dispatcher, session: &'a mut Session<'s>) -> Self {
        Self { dispatcher, session }
    }

    /// The room a request names.
    ///
    /// # Errors
    /// `bad_room`, when there is none or it is no name.
    pub fn room(&self, request: &Request<'_>) -> Result<RoomName, Refusal> {
        super::room::room_of(request)
    }

    /// Publishes the request's own id, type, data and key to `target`; the bus's answer becomes its `ack` or `error`.
    pub fn forward(&mut self, target: Target, request: &Request<'_>) {
        let publication = self.publication(target, request);
        let receipt = self.session.receipt(request.reference.as_deref());
        self.dispatcher.bus.publish(publication, receipt);
    }

    /// The same to one client; an error when it is nowhere.
    ///
    /// # Errors
    /// `client_unknown`, when there is only this hub and it does not know the client.
    pub fn forward_to_client(&mut self, to: ClientId, request: &Request<'_>) -> Result<(), Refusal> {
        let Dispatcher { directory, colleagues, .. } = self.dispatcher;
        if directory.knows(&to) || colleagues.recently_located(&to) {
            self.forward(Target::Client(to), request);
            return Ok(());
        }
        if !colleagues.exist() {
            return Err(nowhere());
        }
        self.forward_and_ask(to, request);
        Ok(())
    }

    /// Publishes at once, so that the order of this connection's messages holds, and asks the other hubs meanwhile: the answer is an
    /// `ack` only when one of them knows the client.
    fn forward_and_ask(&mut self, to: ClientId, request: &Request<'_>) {
        let located = self.dispatcher.colleagues.locate(to.clone());
        let publication = self.publication(Target::Client(to), request);
        let (receipt, published) = Receipt::channel();
        self.dispatcher.bus.publish(publication, receipt);
        let reference: Option<Box<str>> = request.reference.as_deref().map(Box::from);
        let (handle, key, format) = (self.session.handle(), self.session.key(), self.session.format());
        self.session.begin_question();
        self.dispatcher.tasks.spawn("locate", async move {
            let (located, published) = futures::join!(located, published);
            let message = match (located, published) {
                (_, Err(error)) => Err((error.code(), error.to_string())),
                (Found::Nowhere, Ok(_)) => Err((ErrorCode::ClientUnknown, nowhere().message)),
                (Found::Unclear, Ok(_)) => {
                    Err((ErrorCode::Timeout, "to: not every hub could be asked for this client".to_owned()))
                }
                (Found::Somewhere, Ok(offset)) => Ok(reference.as_deref().map_or_else(Vec::new, |reference| {
                    HubMessage::Ack { reference: Some(reference), offset: Some(offset), data: None }.to_vec(format)
                })),
            };
            handle.send(Command::Deliver { key, reference, message, is_question: true });
        });
    }

    /// Publishes something of the application's own making in this client's name.
    pub fn publish(&mut self, target: Target, id: u32, data: Option<Payload>, receipt: Receipt) {
        let from = Some(self.session.client());
        let publication =
            Publication { target, id, message_type: None, data, from, ts: clock::unix_millis(), key: None };
        self.dispatcher.bus.publish(publication, receipt);
    }

    fn publication(&mut self, target: Target, request: &Request<'_>) -> Publication {
        self.session.published();
        Publication {
            target,
            id: request.id,
            message_type: request.message_type.as_deref().map(Box::from),
            data: request.data.as_ref().map(crate::protocol::DataRef::to_payload),
            from: Some(self.session.client()),
            ts: clock::unix_millis(),
            key: request.key.as_deref().map(Box::from),
        }
    }
}

fn nowhere() -> Refusal {
    Refusal::new(ErrorCode::ClientUnknown, "to: no such client is connected")
}
