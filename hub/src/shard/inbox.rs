//! What other threads ask of a shard.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::config::ShardConfig;
use super::connection::Identity;
use super::session::{Page, Refusal};
use super::trail::Living;
use super::transport::Transport;
use crate::auth::{Judged, Pass, Revocation, Rights};
use crate::bus::PublishError;
use crate::drain::Pace;
use crate::protocol::{ClientId, CloseCode, Epoch, ErrorCode, Format, Offset, RoomName};

/// One connection of one shard; never reused, so that an answer that comes late cannot reach somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionKey {
    pub(super) slot: usize,
    /// The process-wide connection id.
    pub id: u64,
}

/// The cursor a client brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The epoch its offset belongs to.
    pub epoch: String,
    /// The last offset it saw.
    pub offset: Offset,
}

/// A connection after its handshake.
#[derive(Debug)]
pub struct Adopt {
    /// Its stream.
    pub transport: Transport,
    /// Bytes that came behind the handshake.
    pub early: Vec<u8>,
    /// Who it is.
    pub identity: Identity,
    /// Its wire format.
    pub format: Format,
    /// Where it wants to go on.
    pub resume: Option<Resume>,
    /// Rooms to join at once.
    pub rooms: Vec<RoomName>,
}

/// Whom a kick is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kick {
    /// Every connection of the client.
    Client(ClientId),
    /// Every connection of the client that is older than the one with this id.
    ClientBefore(ClientId, u64),
    /// One connection by its id.
    Connection(u64),
    /// Everybody who lives by a token that is revoked.
    Revoked(Revocation),
}

/// Connections of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The client.
    pub client: ClientId,
    /// Only the one with this id.
    pub connection: Option<u64>,
}

/// Into a room or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Be in it.
    In,
    /// Not be in it.
    Out,
}

/// What became of a [`Placement`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Connections that are where they were wanted.
    pub connections: usize,
    /// Connections that are not, by their id, and why.
    pub refused: Vec<(u64, Refusal)>,
}

/// What counts for connections from now on, whatever their token said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// They are told that their token ends, and closed after this time unless they bring a new one.
    pub within: Option<std::time::Duration>,
    /// What they may do, until they bring a new token.
    pub rights: Option<Rights>,
}

/// What was said in a room, as far as this hub has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// The life of the log that the offsets belong to.
    pub epoch: Epoch,
    /// The newest offset of the log.
    pub offset: Offset,
    /// Publications in the JSON form, oldest first.
    pub messages: Vec<Vec<u8>>,
    /// Whether nothing that was asked for is missing.
    pub complete: bool,
}

/// A connection as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Whose it is.
    pub client: ClientId,
    /// The connection's id.
    pub connection: u64,
    /// When it was adopted.
    pub since: Instant,
    /// The rooms it is in.
    pub rooms: Vec<RoomName>,
    /// The peer's address.
    pub address: std::net::SocketAddr,
}

/// A room as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRow {
    /// Its name.
    pub room: RoomName,
    /// Connections of this shard in it.
    pub members: usize,
}

/// A question's answer channel. The asker may have gone: then the answer goes nowhere, which is fine.
pub type Answer<T> = Box<dyn FnOnce(T) + Send>;

/// What a new token of a connection proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// When it ends.
    pub expires: Option<Instant>,
    /// What the connection may do from now on.
    pub rights: Rights,
    /// By what it can be revoked.
    pub pass: Option<Pass>,
    /// When it was judged, and its own end.
    pub judged: Judged,
}

/// Work for a shard.
pub enum Command {
    /// Take over a connection.
    Adopt(Box<Adopt>),
    /// The bus has answered a publication.
    Resolve {
        /// Whose it was.
        key: ConnectionKey,
        /// The client's tag; without one only errors are told.
        reference: Option<Box<str>>,
        /// The bus's answer.
        result: Result<Offset, PublishError>,
    },
    /// A message made elsewhere, in the connection's format (answers that took time); `None`: only the pause ends.
    Deliver {
        /// For whom.
        key: ConnectionKey,
        /// The tag of the request it answers.
        reference: Option<Box<str>>,
        /// What to say.
        message: Result<Vec<u8>, (ErrorCode, String)>,
        /// Whether [`Session::begin_question`](super::Session::begin_question) counted it.
        is_question: bool,
    },
    /// A connection has a new token. Counted like [`Session::begin_wait`](super::Session::begin_wait).
    Renew {
        /// Whose.
        key: ConnectionKey,
        /// The tag of its request.
        reference: Option<Box<str>>,
        /// What it proves.
        renewal: Box<Renewal>,
    },
    /// Somebody has said what becomes of a message that is held.
    Verdict {
        /// Whose it is.
        key: ConnectionKey,
        /// Why it is refused; `None`: it goes its way.
        refusal: Option<Refusal>,
    },
    /// Close connections.
    Kick {
        /// Which.
        who: Kick,
        /// With which code.
        code: CloseCode,
        /// And reason.
        reason: String,
        /// How many it were.
        answer: Answer<usize>,
    },
    /// List connections.
    Clients(Answer<Vec<ClientRow>>),
    /// List rooms.
    Rooms(Answer<Vec<RoomRow>>),
    /// The members of a room, each client once, sorted.
    Members(RoomName, Answer<Vec<ClientId>>),
    /// Say that the loop still turns, and how far it has handed out the log.
    Pulse(Answer<Offset>),
    /// What is said to this client goes to the socket too: the delivery canary's way out.
    Probe(ClientId, mio::net::TcpStream),
    /// Put connections of a client into a room, or take them out.
    Place(Whom, RoomName, Placement, Answer<Placed>),
    /// Change what counts for connections of a client; the answer is how many it were.
    Impose(Whom, Terms, Answer<usize>),
    /// What became of the connections of a client that are there.
    Lives(Whom, Answer<Vec<Living>>),
    /// A page of what was said in a room.
    History(RoomName, Page, Answer<HistoryPage>),
    /// New settings.
    Configure(ShardConfig),
    /// Tell every connection its slot and close it then.
    Drain {
        /// This shard's part of the hub's pace.
        pace: Pace,
        /// For the client's log.
        reason: String,
    },
    /// Close what is left and end the thread.
    Stop,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Adopt(_) => "Adopt",
            Self::Resolve { .. } => "Resolve",
            Self::Deliver { .. } => "Deliver",
            Self::Kick { .. } => "Kick",
            Self::Clients(_) => "Clients",
            Self::Rooms(_) => "Rooms",
            Self::Members(..) => "Members",
            Self::Place(..) => "Place",
            Self::Impose(..) => "Impose",
            Self::Lives(..) => "Lives",
            Self::History(..) => "History",
            Self::Pulse(_) => "Pulse",
            Self::Probe(..) => "Probe",
            Self::Configure(_) => "Configure",
            Self::Drain { .. } => "Drain",
            Self::Renew { .. } => "Renew",
            Self::Verdict { .. } => "Verdict",
            Self::Stop => "Stop",
        };
        f.write_str(name)
    }
}

/// A shard's inbox. Bounded by what feeds it, never by dropping: adopted connections by the connection limit, answers by what one read of each
/// connection can ask for (it is not read from again above `max_inflight`), questions by the admin server's and the cluster's own limits.
#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<VecDeque<Command>>);

impl Inbox {
    pub(super) fn push(&self, command: Command) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(command);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes everything at once: one lock per turn.
    pub(super) fn drain(&self, into: &mut VecDeque<Command>) {
        std::mem::swap(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), into);
    }
}
