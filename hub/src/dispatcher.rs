//! The dispatcher: what a message means. Reads the route (`message_id`) and calls the handler.
//!
//! ```text
//!   shard -> decode -> id 1..22   built-in commands, one file each
//!                      id >= 1000 the application: a Handler (library) or a configured route (binary)
//!                      other      error unknown_message
//!         <- reply / close              -> bus.publish(publication, receipt)
//! ```
//!
//! Handlers run on the shard's thread and never wait. What takes time (other shards, other hubs, webhooks) becomes a task, and its answer
//! comes back to the connection through the shard's inbox.

mod broadcast;
mod colleagues;
mod context;
mod handler;
mod history;
mod join;
mod leave;
mod live;
mod observer;
mod permission;
mod ping;
mod presence;
mod question;
mod refresh;
mod room;
mod route;
mod ticket;
mod unicast;
mod webhook;
mod welcome;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gohub_settings::Operation;

pub use colleagues::{Colleagues, Found, Nobody};
pub use context::Context;
pub use handler::{Handler, Reply};
pub use live::Live;
pub use observer::{HubEvent, Observer};

use crate::auth::Auth;
use crate::blackbox::{Archive, Ended};
use crate::bus::MessageBus;
use crate::directory::Directory;
use crate::lifecycle::Tasks;
use crate::metrics::NetStats;
use crate::protocol::{ErrorCode, HubMessage, MessageId, Request, RoomName, decode};
use crate::shard::{Application, Placement, Refusal, Session};
use question::Asked;

/// What the dispatcher works with; shared by all shards.
pub struct Dispatcher {
    auth: Arc<Auth>,
    bus: Arc<dyn MessageBus>,
    directory: Arc<Directory>,
    colleagues: Arc<dyn Colleagues>,
    handlers: HashMap<u32, Arc<dyn Handler>>,
    observers: Vec<Arc<dyn Observer>>,
    live: ArcSwap<Live>,
    archive: Arc<Archive>,
    stats: Arc<NetStats>,
    tasks: Tasks,
    webhooks: webhook::Webhooks,
}

/// What a dispatcher is made of.
pub struct DispatcherParts {
    /// Who judges new tokens.
    pub auth: Arc<Auth>,
    /// Where it publishes.
    pub bus: Arc<dyn MessageBus>,
    /// Who is on this hub.
    pub directory: Arc<Directory>,
    /// Who must be asked about everybody else.
    pub colleagues: Arc<dyn Colleagues>,
    /// The application's handlers by `message_id`, asked before the configured routes.
    pub handlers: HashMap<u32, Arc<dyn Handler>>,
    /// Who is told what happens.
    pub observers: Vec<Arc<dyn Observer>>,
    /// The first settings.
    pub live: Live,
    /// Where connections go that have ended.
    pub archive: Arc<Archive>,
    /// Where webhooks are counted.
    pub stats: Arc<NetStats>,
    /// Where what takes time runs.
    pub tasks: Tasks,
}

impl std::fmt::Debug for DispatcherParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DispatcherParts").field("handlers", &self.handlers.keys()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("handlers", &self.handlers.keys()).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// A dispatcher made of these.
    pub fn new(parts: DispatcherParts) -> Self {
        let DispatcherParts { auth, bus, directory, colleagues, handlers, observers, live, archive, stats, tasks } =
            parts;
        let live = ArcSwap::from_pointee(live);
        Self {
            auth,
            bus,
            directory,
            colleagues,
            handlers,
            observers,
            live,
            archive,
            stats,
            tasks,
            webhooks: webhook::Webhooks::new(),
        }
    }

    /// New settings, for messages from now on.
    pub fn configure(&self, live: Live) {
        self.live.store(Arc::new(live));
    }

    fn notify(&self, event: &HubEvent) {
        for observer in &self.observers {
            observer.on(event);
        }
    }

    fn route(&self, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
        match MessageId::from_id(request.id) {
            Some(MessageId::Ping) => ping::handle(self, session, request),
            Some(MessageId::Pong) => Ok(()),
            Some(MessageId::Refresh) => refresh::handle(self, session, request),
            Some(MessageId::Join) => join::handle(self, session, request),
            Some(MessageId::Leave) => leave::handle(self, session, request),
            Some(MessageId::Presence) => presence::handle(self, session, request),
            Some(MessageId::History) => history::handle(session, request),
            Some(MessageId::Broadcast) => broadcast::handle(self, session, request),
            Some(MessageId::Unicast) => unicast::handle(self, session, request),
            Some(MessageId::RoomMessage) => room::handle(self, session, request),
            Some(_) => Err(Refusal::new(ErrorCode::UnknownMessage, "message_id: only the hub sends this one")),
            None => self.custom(session, request),
        }
    }

    fn custom(&self, session: &mut Session<'_>, request: &Request<'_>) -> Result<(), Refusal> {
        if let Some(handler) = self.handlers.get(&request.id) {
            let reply = handler.handle(&mut Context::new(self, session), request)?;
            if let (Some(reference), Reply::Ack(data)) = (request.reference.as_deref(), reply) {
                let data = data.as_ref().map(crate::protocol::Payload::as_data);
                session.reply(&HubMessage::Ack { reference: Some(reference), offset: None, data });
            }
            return Ok(());
        }
        let live = self.live.load();
        match live.route(request.id) {
            Some(found) => route::handle(self, session, request, found),
            None => Err(Refusal::new(ErrorCode::UnknownMessage, "message_id: nobody handles it")),
        }
    }
}

/// A program error of the client: sent again it fails again, whatever happens meanwhile. Those are counted, and too many close.
fn is_clients_mistake(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::BadRequest | ErrorCode::UnknownMessage | ErrorCode::BadRoom | ErrorCode::BadClient)
}

fn refuse(session: &mut Session<'_>, request: &Request<'_>, outcome: Result<(), Refusal>) {
    let reference = request.reference.as_deref();
    match outcome {
        Ok(()) => {}
        Err(Refusal { code, message }) if is_clients_mistake(code) => session.malformed(reference, code, &message),
        Err(Refusal { code, message }) => session.reply(&HubMessage::Error { reference, code, message: &message }),
    }
}

impl Application for Dispatcher {
    fn message(&self, session: &mut Session<'_>, bytes: &[u8]) {
        let format = session.format();
        match decode(format, bytes) {
            Ok(request) => {
                session.count(request.id);
                let outcome = match question::ask(self, session, &request, bytes) {
                    Ok(Asked::No) => self.route(session, &request),
                    Ok(Asked::Waits) => Ok(()),
                    Err(refusal) => Err(refusal),
                };
                refuse(session, &request, outcome);
            }
            Err(refused) => session.malformed(refused.reference.as_deref(), refused.code, &refused.message),
        }
    }

    fn decided(&self, session: &mut Session<'_>, bytes: &[u8], refusal: Option<Refusal>) {
        // It was read before, so it can be read.
        if let Ok(request) = decode(session.format(), bytes) {
            let outcome = refusal.map_or_else(|| self.route(session, &request), Err);
            refuse(session, &request, outcome);
        }
    }

    fn admits(&self, session: &mut Session<'_>, room: &RoomName, made: usize) -> Result<usize, Refusal> {
        permission::in_room(session, Operation::Join, room)?;
        join::has_place(self, room, made)
    }

    fn connected(&self, session: &mut Session<'_>) {
        let (client, connection) = (session.client(), session.key().id);
        self.notify(&HubEvent::Connected { client: client.clone(), connection });
        for room in session.rooms() {
            join::entered(self, &client, &room);
        }
    }

    fn gone(&self, session: &mut Session<'_>) {
        let (client, connection) = (session.client(), session.key().id);
        for room in session.rooms() {
            leave::left(self, &client, &room);
        }
        self.notify(&HubEvent::Gone { client, connection });
    }

    fn ended(&self, ended: Ended) {
        self.archive.keep(ended);
    }

    fn renewed(&self, session: &mut Session<'_>, reference: Option<&str>) {
        refresh::renewed(self, session, reference);
    }

    fn ticket(&self, session: &mut Session<'_>) -> Option<String> {
        ticket::give(self, session)
    }

    fn placed(&self, session: &mut Session<'_>, room: &RoomName, placement: Placement) -> Result<(), Refusal> {
        match placement {
            Placement::In => join::by_back_end(self, session, room),
            Placement::Out => {
                leave::by_back_end(self, session, room);
                Ok(())
            }
        }
    }

    fn welcome(&self, session: &mut Session<'_>, recovered: bool) {
        welcome::send(self, session, recovered);
    }
}
