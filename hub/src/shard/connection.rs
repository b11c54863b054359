//! A connection: a cursor, a set of streams, and as little else as possible. Ten thousand idle ones should cost less than a picture.

use std::any::Any;
use std::net::SocketAddr;
use std::time::Instant;

use super::bucket::Bucket;
use super::quota::{Accounts, Quotas};
use super::transport::Transport;
use crate::auth::{Judged, Pass, Rights};
use crate::blackbox::Trail;
use crate::log::{Position, Reader, Rest, Subscription};
use crate::protocol::{ClientId, Epoch, Format, Offset};
use crate::ws::Inbound;

/// Who a connection is, as the handshake found out.
pub struct Identity {
    /// The client it belongs to.
    pub client: ClientId,
    /// The process-wide id of the connection.
    pub connection: u64,
    /// The peer's address.
    pub address: SocketAddr,
    /// When its token ends.
    pub expires: Option<Instant>,
    /// What it may do; judged above the shard.
    pub rights: Rights,
    /// By what its token can be revoked; `None` without a token.
    pub pass: Option<Pass>,
    /// When its token was judged, and the token's own end.
    pub judged: Judged,
    /// When its newest resume ticket was given, in milliseconds since 1970; 0: it has none.
    pub ticket_at: u64,
    /// Whether it is the echo of `debug.echo` instead of the hub.
    pub echo: bool,
    /// Given back when the connection is gone (admission counts, directory entry).
    pub permit: Box<dyn Any + Send>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("client", &self.client)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// Why the peer is not read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Paused {
    /// It owes messages or bytes to a rate limit.
    pub(super) debt: bool,
    /// It has too many publications under way.
    pub(super) inflight: bool,
    /// It does not read its answers.
    pub(super) answers: bool,
    /// Somebody is asked about a message of it.
    pub(super) verdict: bool,
}

impl Paused {
    pub(super) fn any(self) -> bool {
        self.debt || self.inflight || self.answers || self.verdict
    }
}

/// Where it stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Messages flow.
    Open,
    /// A close frame is on its way out or out; everything the peer still sends is thrown away until it hangs up or the time is over.
    Closing {
        /// The code of the close frame.
        code: u16,
        /// Whether the stream was finished after it.
        finished: bool,
    },
}

/// What a client has missed and not been told yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missed {
    pub(super) from: Offset,
    pub(super) to: Offset,
    pub(super) count: Option<u64>,
    pub(super) reason: crate::protocol::GapReason,
    /// Besides those of `count`: how many were superseded by newer ones of their key.
    pub(super) conflated: u64,
    /// Where the client's position is after it, when some of what lies between follows.
    pub(super) until: Option<Offset>,
}

/// A connection of this shard.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) identity: Identity,
    pub(super) transport: Transport,
    pub(super) inbound: Inbound,
    /// When the half received message began, and whether a deadline watches over it.
    pub(super) unfinished: u32,
    pub(super) message_watched: bool,
    pub(super) format: Format,
    pub(super) stage: Stage,

    /// Mailbox first, then rooms.
    pub(super) subscriptions: Vec<Subscription>,
    /// Broadcasts before this are not for it.
    pub(super) since: Position,
    /// The next position to look at. Meaningful while `lagging`; otherwise it has everything up to the last pass.
    pub(super) cursor: Position,
    pub(super) lagging: bool,
    /// While `lagging`: no entry it has to get is older than this offset.
    pub(super) owed: Offset,
    /// Nothing at or after this is sent before the new `welcome` of the era that begins there.
    pub(super) barrier: Option<Position>,
    /// Older entries it asked for (`from_offset`), sent before anything at the cursor, and the offset they come after.
    pub(super) replay: Vec<Position>,
    pub(super) replay_after: Offset,
    /// Whether they are what conflation has kept.
    pub(super) kept: bool,
    /// Its offset lies ahead of this hub's bus: it waits until the log has come there.
    pub(super) ahead: Option<Box<super::inbox::Resume>>,
    pub(super) missed: Option<Box<Missed>>,
    /// Where delivery starts, until the welcome has said so; `None`: at the head.
    pub(super) start: Option<Box<(Epoch, Offset)>>,

    /// The unsent end of a cut frame, and of it what goes before everything else.
    pub(super) rest: Option<Box<Rest>>,
    /// Frames made for this connection alone, from `direct_sent` on.
    pub(super) direct: Vec<u8>,
    pub(super) direct_sent: usize,
    /// The newest ping's payload, not answered yet. Only the newest needs an answer (RFC 6455 section 5.5.3).
    pub(super) pong: Option<Box<[u8]>>,

    /// The kernel's send buffer is full.
    pub(super) blocked: bool,
    /// Since when it has taken nothing.
    pub(super) stalled: Option<Instant>,
    /// Whether a deadline watches over its being blocked.
    pub(super) watched: bool,
    /// The head when its backlog was last measured.
    pub(super) looked_at: Position,
    /// Bytes readable that were left for the next turn.
    pub(super) readable: bool,
    pub(super) paused: Paused,
    pub(super) hung_up: bool,

    /// Milliseconds of the shard's clock.
    pub(super) heard: u32,
    pub(super) heard_app: u32,
    /// When it was pinged and has not been heard since.
    pub(super) pinged: Option<u32>,
    pub(super) app_pinged: Option<u32>,
    pub(super) messages: Bucket,
    pub(super) bytes: Bucket,
    pub(super) control: Bucket,
    /// Of its client and address; `None` until it is read from while there is such a limit.
    pub(super) accounts: Option<Box<Accounts>>,
    pub(super) inflight: u32,
    /// Of those, questions that other shards, hubs or servers answer.
    pub(super) questions: u32,
    pub(super) errors: u32,
    pub(super) opened: Instant,
    /// What happened to it.
    pub(super) trail: Trail,
    /// Whether it was told that its token ends.
    pub(super) warned: bool,
    /// The pass that has seen it last.
    pub(super) visited: u64,
    /// Whether it stands in the shard's list of connections to look at.
    pub(super) queued: bool,
}

impl Connection {
    /// Bytes made for it alone and not yet sent.
    pub(super) fn direct_pending(&self) -> usize {
        self.direct.len() - self.direct_sent
    }

    /// What its client and its address have sent.
    pub(super) fn accounts(&mut self, quotas: &Quotas, now: Instant) -> &Accounts {
        let Identity { client, address, .. } = &self.identity;
        self.accounts.get_or_insert_with(|| Box::new(quotas.accounts(client, address.ip(), now)))
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether it gets what is in the log, now and from its cursor on.
    pub(super) fn follows_log(&self) -> bool {
        self.is_open() && !self.identity.echo && self.ahead.is_none()
    }

    /// What it reads of the log.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { format: self.format, since: self.since, subscriptions: &self.subscriptions }
    }
}
