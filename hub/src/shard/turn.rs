//! The turn: what a shard does between two sleeps.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use mio::event::Event as Readiness;
use mio::{Events, Interest, Poll, Registry, Token};

use super::application::Application;
use super::bucket::Bucket;
use super::config::ShardConfig;
use super::connection::{Connection, Paused, Stage};
use super::deadline::{Deadlines, Due};
use super::handle::{ShardHandle, WAKE};
use super::heartbeat::Sweep;
use super::held::Held;
use super::inbox::{Adopt, Command, ConnectionKey, Renewal};
use super::pass::Pass;
use super::probe::Probe;
use super::quota::Quotas;
use super::table::{Members, Table};
use super::trail::NO_CLOSE_FRAME;
use crate::blackbox::{By, Trail, What};
use crate::drain::Pace;
use crate::log::{Log, Subscription, View};
use crate::metrics::ShardStats;
use crate::protocol::{CloseCode, ErrorCode, HubMessage, Offset, Target};
use crate::ws::{Inbound, Pool};

/// The longest sleep, so that old entries of a quiet log are let go.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Everything a shard has. Its parts are taken by `receive`, `flush`, `pass`, `heartbeat` and `drain`, each in its own file.
pub(super) struct Core {
    pub(super) log: Arc<Log>,
    pub(super) view: View,
    pub(super) table: Table,
    pub(super) members: Members,
    pub(super) application: Arc<dyn Application>,
    pub(super) config: ShardConfig,
    pub(super) stats: Arc<ShardStats>,
    pub(super) handle: ShardHandle,
    pub(super) pool: Pool,
    pub(super) scratch: Vec<u8>,
    /// Slots to look at in the next pass: unblocked, with direct frames, or behind.
    pub(super) queue: Vec<usize>,
    /// Slots with more to read.
    pub(super) ready: Vec<usize>,
    /// Slots that wait for the log to come to their offset.
    pub(super) ahead: Vec<ConnectionKey>,
    /// Of the connections that wait for a verdict, by slot.
    pub(super) held: HashMap<usize, Held>,
    pub(super) quotas: Arc<Quotas>,
    /// Messages of the read that is being handled.
    pub(super) counted: u64,
    pub(super) deadlines: Deadlines,
    pub(super) sweep: Sweep,
    pub(super) pass: Pass,
    /// Where the delivery canary comes out.
    pub(super) probe: Option<Probe>,
    /// The newest era that connections were told of.
    pub(super) era: u64,
    registry: Registry,
    commands: VecDeque<Command>,
    started: Instant,
    pub(super) stopping: bool,
    /// The drain that late comers join.
    pub(super) draining: Option<(Pace, String)>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("connections", &self.table.len()).finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(
        log: Arc<Log>,
        application: Arc<dyn Application>,
        config: ShardConfig,
        stats: Arc<ShardStats>,
        registry: Registry,
        handle: ShardHandle,
    ) -> Self {
        let view = View::new(&log);
        let era = view.tip().eras.serial();
        let pass = Pass::at(view.head(), view.tip().newest, era);
        let pool = Pool::new(config.library, config.frames);
        let scratch = vec![0; config.read_buffer];
        Self {
            log,
            view,
            table: Table::default(),
            members: Members::default(),
            application,
            config,
            stats,
            handle,
            pool,
            scratch,
            queue: Vec::new(),
            ready: Vec::new(),
            ahead: Vec::new(),
            held: HashMap::new(),
            quotas: Arc::default(),
            counted: 0,
            deadlines: Deadlines::default(),
            sweep: Sweep::default(),
            pass,
            probe: None,
            era,
            registry,
            commands: VecDeque::new(),
            started: Instant::now(),
            stopping: false,
            draining: None,
        }
    }

    pub(super) fn run(&mut self, poll: &mut Poll) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !self.stopping || self.table.len() > 0 {
            self.handle.parked.store(true, Ordering::SeqCst);
            // Whoever brings work after this look finds us parked and wakes us.
            fence(Ordering::SeqCst);
            let timeout = if self.has_work() { Duration::ZERO } else { self.sleep() };
            if let Err(error) = poll.poll(&mut events, Some(timeout))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(error);
            }
            self.handle.parked.store(false, Ordering::SeqCst);
            self.turn(events.iter());
        }
        Ok(())
    }

    fn has_work(&self) -> bool {
        !self.queue.is_empty()
            || !self.ready.is_empty()
            || !self.handle.inbox.is_empty()
            || self.log.version() != self.view.tip().version
    }

    fn sleep(&self) -> Duration {
        let now = Instant::now();
        let until = |at: Option<Instant>| at.map_or(LONGEST_SLEEP, |at| at.saturating_duration_since(now));
        // A millisecond more, because epoll counts in whole ones and would wake too early, many times.
        until(self.deadlines.next()).min(until(self.sweep.next(self.table.len()))).min(LONGEST_SLEEP)
            + Duration::from_millis(1)
    }

    fn turn<'a>(&mut self, events: impl Iterator<Item = &'a Readiness>) {
        for event in events {
            self.on_ready(event);
        }
        for slot in std::mem::take(&mut self.ready) {
            self.read(slot);
        }
        let mut commands = std::mem::take(&mut self.commands);
        self.handle.inbox.drain(&mut commands);
        for command in commands.drain(..) {
            self.command(command);
        }
        self.commands = commands;
        self.run_pass();
        self.tend(Instant::now());
    }

    fn on_ready(&mut self, event: &Readiness) {
        if event.token() == WAKE {
            return;
        }
        let slot = event.token().0;
        let Some(connection) = self.table.get(slot) else { return };
        if event.is_writable() && connection.blocked {
            connection.blocked = false;
            self.enqueue(slot);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            if let Some(connection) = self.table.get(slot) {
                connection.hung_up |= event.is_read_closed() || event.is_error();
            }
            self.read(slot);
        }
    }

    /// Puts the connection on the list of the next pass.
    pub(super) fn enqueue(&mut self, slot: usize) {
        if let Some(connection) = self.table.get(slot)
            && !std::mem::replace(&mut connection.queued, true)
        {
            self.queue.push(slot);
        }
    }

    /// Milliseconds since the shard began; wraps after 49 days, and is only ever subtracted.
    pub(super) fn clock(&self, now: Instant) -> u32 {
        now.duration_since(self.started).as_millis() as u32
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Adopt(adopt) => self.adopt(*adopt),
            Command::Resolve { key, reference, result } => self.resolve(key, reference.as_deref(), result),
            Command::Deliver { key, reference, message, is_question } => {
                if let (true, Some(connection)) = (is_question, self.table.find(key)) {
                    connection.questions = connection.questions.saturating_sub(1);
                }
                self.deliver(key, reference.as_deref(), message);
            }
            Command::Verdict { key, refusal } => self.decided(key, refusal),
            Command::Renew { key, reference, renewal } => self.renew(key, reference.as_deref(), *renewal),
            Command::Kick { who, code, reason, answer } => {
                let slots = self.matching(&who);
                for slot in &slots {
                    self.close(*slot, code, &reason);
                }
                answer(slots.len());
            }
            Command::Clients(answer) => answer(self.client_rows()),
            Command::Rooms(answer) => answer(self.room_rows()),
            Command::Members(room, answer) => answer(self.members_of(&room)),
            Command::Pulse(answer) => answer(self.pass.handed),
            Command::Probe(client, socket) => self.set_probe(client, socket),
            Command::Place(whom, room, placement, answer) => answer(self.place(&whom, &room, placement)),
            Command::Impose(whom, terms, answer) => answer(self.impose(&whom, &terms)),
            Command::Lives(whom, answer) => answer(self.lives_of(&whom)),
            Command::History(room, page, answer) => answer(self.history_page(&room, page)),
            Command::Configure(config) => {
                self.scratch.resize(config.read_buffer, 0);
                self.pool.set_limits(config.frames);
                self.config = config;
            }
            Command::Drain { pace, reason } => self.plan_drain(pace, reason),
            Command::Stop => {
                self.stopping = true;
                for slot in self.table.slots() {
                    self.close(slot, CloseCode::ServiceRestart, "hub stops");
                }
            }
        }
    }

    fn adopt(&mut self, adopt: Adopt) {
        let now = Instant::now();
        let clock = self.clock(now);
        let slot = self.table.next_slot();
        let mut transport = adopt.transport;
        if let Err(error) =
            self.registry.register(transport.socket(), Token(slot), Interest::READABLE | Interest::WRITABLE)
        {
            tracing::warn!(%error, connection = adopt.identity.connection, "socket could not be watched");
            return;
        }
        self.pull();
        let mailbox = self.view.retain(&Target::Client(adopt.identity.client.clone()));
        let head = self.view.head();
        let burst = self.config.message_burst.max(1) as f32;
        let connection = Connection {
            transport,
            inbound: Inbound::default(),
            unfinished: clock,
            message_watched: false,
            format: adopt.format,
            stage: Stage::Open,
            subscriptions: vec![Subscription { stream: mailbox, since: head }],
            since: head,
            cursor: head,
            lagging: false,
            owed: Offset::ZERO,
            barrier: None,
            replay: Vec::new(),
            replay_after: Offset::ZERO,
            kept: false,
            ahead: None,
            missed: None,
            start: None,
            rest: None,
            direct: Vec::new(),
            direct_sent: 0,
            pong: None,
            blocked: false,
            stalled: None,
            watched: false,
            looked_at: head,
            readable: true,
            paused: Paused::default(),
            hung_up: false,
            heard: clock,
            heard_app: clock,
            pinged: None,
            app_pinged: None,
            messages: Bucket::full(burst, clock),
            bytes: Bucket::full(self.config.byte_rate as f32, clock),
            accounts: None,
            control: Bucket::full(self.config.control_rate as f32, clock),
            inflight: 0,
            questions: 0,
            errors: 0,
            opened: now,
            trail: Trail::default(),
            warned: false,
            visited: 0,
            queued: false,
            identity: adopt.identity,
        };
        self.table.insert(connection);
        self.members.add(mailbox, slot);
        self.stats.accepted.inc();
        self.stats.connections.inc();
        self.start(slot, adopt.resume, &adopt.rooms);
        self.drain_late(slot);
        if !adopt.early.is_empty() {
            self.received(slot, &adopt.early);
        }
        self.read(slot);
    }

    /// The end of a connection: everything it had is given back.
    pub(super) fn remove(&mut self, slot: usize) {
        let application = Arc::clone(&self.application);
        let is_echo = self.table.get(slot).is_some_and(|connection| connection.identity.echo);
        if let Some(mut session) = self.session(slot).filter(|_| !is_echo) {
            application.gone(&mut session);
        }
        self.note_stop(slot, By::Network, NO_CLOSE_FRAME, "the stream was gone");
        let Some(mut connection) = self.table.remove(slot) else { return };
        self.held.remove(&slot);
        let code = match connection.stage {
            Stage::Closing { code, .. } => code,
            Stage::Open => NO_CLOSE_FRAME,
        };
        self.bury(&mut connection);
        self.stats.closes.inc(code);
        self.stats.connections.sub(1);
        tracing::debug!(connection = connection.identity.connection, client = %connection.identity.client, code, "connection closed");
        if let Err(error) = self.registry.deregister(connection.transport.socket()) {
            tracing::debug!(%error, connection = connection.identity.connection, "socket was not watched");
        }
        for subscription in connection.subscriptions {
            self.members.remove(subscription.stream, slot);
            self.view.release(subscription.stream);
        }
    }

    fn tend(&mut self, now: Instant) {
        while let Some((key, due)) = self.deadlines.pop(now) {
            self.on_due(key, due, now);
        }
        self.beat(now);
        if self.sweep.expire_due(now) {
            self.view.expire(&self.log);
        }
    }

    fn on_due(&mut self, key: ConnectionKey, due: Due, now: Instant) {
        let Some(connection) = self.table.find(key) else { return };
        let slot = key.slot;
        match due {
            Due::Message => self.on_message_due(key, now),
            Due::Stalled => self.on_stalled(slot, now),
            Due::Closing => self.remove(slot),
            Due::Resume => {
                connection.paused.debt = false;
                self.pause_debtor(slot);
                self.read(slot);
            }
            Due::Drain => self.drain_one(slot),
            Due::Ahead => self.stop_waiting(slot),
        }
    }

    fn resolve(
        &mut self,
        key: ConnectionKey,
        reference: Option<&str>,
        result: Result<crate::protocol::Offset, crate::bus::PublishError>,
    ) {
        if self.table.find(key).is_none() {
            return;
        }
        let resume = self.answered(key.slot);
        if let Some(mut session) = self.session(key.slot) {
            session.answer_publish(reference, result);
        }
        if resume {
            self.read(key.slot);
        }
    }

    /// A new token: the connection lives on with what it proves.
    fn renew(&mut self, key: ConnectionKey, reference: Option<&str>, renewal: Renewal) {
        let Some(connection) = self.table.find(key) else { return };
        let Renewal { expires, rights, pass, judged } = renewal;
        let identity = &mut connection.identity;
        (identity.expires, identity.rights, identity.pass) = (expires, rights, pass);
        // A ticket of the token before is not worth what this one is.
        (identity.judged, identity.ticket_at) = (judged, 0);
        connection.warned = false;
        let is_open = connection.is_open();
        self.note(key.slot, What::Refreshed);
        let resume = self.answered(key.slot);
        let application = Arc::clone(&self.application);
        if let Some(mut session) = self.session_by(key.slot, By::Rights).filter(|_| is_open) {
            application.renewed(&mut session, reference);
        }
        if resume {
            self.read(key.slot);
        }
    }

    /// One answer less is under way. `true`: the connection is read from again.
    pub(super) fn answered(&mut self, slot: usize) -> bool {
        let max = self.config.max_inflight;
        let Some(connection) = self.table.get(slot) else { return false };
        connection.inflight = connection.inflight.saturating_sub(1);
        let resume = connection.paused.inflight && connection.inflight < max;
        connection.paused.inflight &= !resume;
        resume
    }

    fn deliver(&mut self, key: ConnectionKey, reference: Option<&str>, message: Result<Vec<u8>, (ErrorCode, String)>) {
        if self.table.find(key).is_none() {
            return;
        }
        let resume = self.answered(key.slot);
        let Some(mut session) = self.session(key.slot) else { return };
        match message {
            Ok(payload) if payload.is_empty() => {}
            Ok(payload) => session.send(&payload),
            Err((code, message)) => session.reply(&HubMessage::Error { reference, code, message: &message }),
        }
        if resume {
            self.read(key.slot);
        }
    }
}
