//! What the hub itself says: answers to requests, and notices every SDK must act on.

use super::{ClientId, DataRef, Epoch, ErrorCode, Field, Format, MessageId, Offset, RoomName, VERSION, writer::Writer};

/// Whether a hub is in touch with the other hubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// All is well.
    #[default]
    Normal,
    /// Cut off from its bus: rooms follow their `on_partition` policy, publishes may fail.
    Degraded,
}

impl Mode {
    /// The text on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Degraded => "degraded",
        }
    }

    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Normal, Self::Degraded].into_iter().find(|mode| mode.name() == name)
    }
}

macro_rules! gap_reasons {
    ($($name:ident = $text:literal, $what:literal;)+) => {
        /// Why a connection will not get some messages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum GapReason {
            $(#[doc = $what] $name,)+
        }

        impl GapReason {
            /// The whole set.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The text on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The reason with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// What happened, in one line of the specification.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$name => $what,)+
                }
            }
        }
    };
}

gap_reasons! {
    SlowClient = "slow_client", "The connection read too slowly: nothing newer stands for them.";
    Conflated = "conflated", "The connection read too slowly and the policy is `conflate`: a newer one of the same key is kept.";
    Expired = "expired", "The messages are older than what the hub keeps.";
    Compacted = "compacted", "The bus no longer has the messages the hub missed.";
    EpochChanged = "epoch_changed", "The offset belongs to another life of the log.";
    BusLost = "bus_lost", "The bus could not deliver them.";
    Unspecified = "unspecified", "None of the others; also what an SDK takes an unknown reason for.";
}

/// The first message of a connection. Sent again on a live one when its epoch changes, as when
/// the cluster is switched on or off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Who this connection is.
    pub client_id: ClientId,
    /// This connection, for logs and support.
    pub connection_id: Box<str>,
    /// The hub that serves it.
    pub node: Box<str>,
    /// The life of the log that offsets belong to.
    pub epoch: Epoch,
    /// Where delivery to this connection starts: what comes later has a greater offset.
    pub offset: Offset,
    /// Whether everything since the resume offset will be delivered. `false` without a resume.
    pub recovered: bool,
    /// How often the hub pings, in milliseconds; 0 = never.
    pub heartbeat_interval_ms: u64,
    /// How long it then waits for any sign of life, in milliseconds.
    pub heartbeat_timeout_ms: u64,
    /// The largest message the hub takes, in bytes.
    pub max_message: u64,
    /// The most rooms this connection may be in.
    pub max_rooms: u64,
    /// Whether the hub works normally.
    pub mode: Mode,
    /// The rooms the connection is in, as of this message.
    pub rooms: Vec<RoomName>,
    /// What lets this client come back without being judged anew, and for how long, in milliseconds. A secret.
    pub ticket: Option<(Box<str>, u64)>,
}

/// A message from the hub itself to one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubMessage<'a> {
    /// Are you there?
    Ping {
        /// Everything up to here that was meant for this connection was sent before this message; `None`: nothing can be said now.
        offset: Option<Offset>,
    },
    /// The answer to a client's ping.
    Pong {
        /// `ref` of the ping.
        reference: Option<&'a str>,
        /// As in a ping.
        offset: Option<Offset>,
        /// A newer resume ticket, when it is time for one.
        ticket: Option<&'a str>,
    },
    /// See [`Welcome`].
    Welcome(Welcome),
    /// A request succeeded.
    Ack {
        /// `ref` of the request.
        reference: Option<&'a str>,
        /// Where the publication stands, or for a join where delivery starts. A local one is marked by `mode` too.
        offset: Option<Offset>,
        /// What a handler of the application answers.
        data: Option<DataRef<'a>>,
    },
    /// A request failed.
    Error {
        /// `ref` of the request, when it could be read.
        reference: Option<&'a str>,
        /// Why.
        code: ErrorCode,
        /// The same for people.
        message: &'a str,
    },
    /// The back end has put this connection into a room.
    Joined {
        /// The room.
        room: &'a str,
        /// Where delivery starts.
        offset: Offset,
    },
    /// This connection is not in the room any more, and did not ask for it.
    Left {
        /// The room.
        room: &'a str,
    },
    /// Who is in a room.
    Presence {
        /// `ref` of the request.
        reference: Option<&'a str>,
        /// The room.
        room: &'a str,
        /// This page, in order.
        clients: &'a [ClientId],
        /// `after` of the next page; `None` on the last.
        next: Option<&'a str>,
        /// Clients in the room.
        total: u64,
    },
    /// What was said in a room.
    History {
        /// `ref` of the request.
        reference: Option<&'a str>,
        /// The room.
        room: &'a str,
        /// Publications as [`super::encode_publication`] wrote them in the same form, oldest first.
        messages: &'a [&'a [u8]],
        /// Whether nothing that was asked for is missing.
        complete: bool,
    },
    /// This hub is going.
    Drain {
        /// When it closes this connection, in milliseconds from now.
        close_in_ms: u64,
        /// How long after the close to connect again, in milliseconds: this client's own slot.
        reconnect_in_ms: u64,
        /// A short word for logs, like `shutdown`.
        reason: &'a str,
        /// The resume ticket to come back with.
        ticket: Option<&'a str>,
    },
    /// What this connection will not get.
    Gap {
        /// The first offset missed.
        from: Offset,
        /// The last offset missed.
        to: Offset,
        /// How many messages, when known.
        count: Option<u64>,
        /// Why.
        reason: GapReason,
        /// The room it concerns; `None` = everything this connection receives.
        room: Option<&'a str>,
        /// Where the client's position is after it when some of what lies between follows; `None`: at `to`.
        offset: Option<Offset>,
    },
    /// The hub's mode changed.
    Mode {
        /// The mode from now on.
        mode: Mode,
        /// A short text for logs.
        reason: &'a str,
    },
    /// The connection's token ends soon.
    Refresh {
        /// When the hub closes this connection unless a new token comes, in milliseconds from now.
        close_in_ms: u64,
    },
    /// Back off.
    Retry {
        /// Milliseconds before the next request or connection.
        after_ms: u64,
        /// A short word for logs.
        reason: &'a str,
    },
}

impl HubMessage<'_> {
    /// Its `message_id`.
    pub const fn id(&self) -> MessageId {
        match self {
            Self::Ping { .. } => MessageId::Ping,
            Self::Pong { .. } => MessageId::Pong,
            Self::Welcome(_) => MessageId::Welcome,
            Self::Ack { .. } => MessageId::Ack,
            Self::Error { .. } => MessageId::Error,
            Self::Joined { .. } => MessageId::Join,
            Self::Left { .. } => MessageId::Leave,
            Self::Presence { .. } => MessageId::Presence,
            Self::History { .. } => MessageId::History,
            Self::Drain { .. } => MessageId::Drain,
            Self::Gap { .. } => MessageId::Gap,
            Self::Mode { .. } => MessageId::Mode,
            Self::Refresh { .. } => MessageId::Refresh,
            Self::Retry { .. } => MessageId::Retry,
        }
    }

    /// Appends the message in this form, without a WebSocket header.
    pub fn encode(&self, format: Format, out: &mut Vec<u8>) {
        let mut writer = Writer::open(format, self.id().id(), out);
        match self {
            Self::Ping { offset } => writer.optional_offset(Field::Offset, *offset),
            Self::Pong { reference, offset, ticket } => {
                writer.optional_text(Field::Ref, *reference);
                writer.optional_offset(Field::Offset, *offset);
                writer.optional_text(Field::Ticket, *ticket);
            }
            Self::Welcome(welcome) => welcome.write(&mut writer),
            Self::Ack { reference, offset, data } => {
                writer.optional_text(Field::Ref, *reference);
                writer.optional_offset(Field::Offset, *offset);
                if offset.is_some_and(Offset::is_local) {
                    writer.text(Field::Mode, Mode::Degraded.name());
                }
                if let Some(data) = data {
                    writer.data(data);
                }
            }
            Self::Error { reference, code, message } => {
                writer.optional_text(Field::Ref, *reference);
                writer.text(Field::Code, code.name());
                writer.boolean(Field::Retryable, code.retryable());
                writer.text(Field::Message, message);
            }
            Self::Joined { room, offset } => {
                writer.text(Field::Room, room);
                writer.offset(Field::Offset, *offset);
            }
            Self::Left { room } => writer.text(Field::Room, room),
            Self::Presence { reference, room, clients, next, total } => {
                writer.optional_text(Field::Ref, *reference);
                writer.text(Field::Room, room);
                writer.texts(Field::Clients, clients.iter().map(ClientId::as_str));
                writer.optional_text(Field::Next, *next);
                writer.uint(Field::Total, *total);
            }
            Self::History { reference, room, messages, complete } => {
                writer.optional_text(Field::Ref, *reference);
                writer.text(Field::Room, room);
                writer.encoded(Field::Messages, messages);
                writer.boolean(Field::Complete, *complete);
            }
            Self::Drain { close_in_ms, reconnect_in_ms, reason, ticket } => {
                writer.uint(Field::CloseInMs, *close_in_ms);
                writer.uint(Field::ReconnectInMs, *reconnect_in_ms);
                writer.text(Field::Reason, reason);
                writer.optional_text(Field::Ticket, *ticket);
            }
            Self::Gap { from, to, count, reason, room, offset } => {
                writer.offset(Field::From, *from);
                writer.offset(Field::To, *to);
                if let Some(count) = count {
                    writer.uint(Field::Count, *count);
                }
                writer.text(Field::Reason, reason.name());
                writer.optional_text(Field::Room, *room);
                writer.optional_offset(Field::Offset, *offset);
            }
            Self::Mode { mode, reason } => {
                writer.text(Field::Mode, mode.name());
                writer.text(Field::Reason, reason);
            }
            Self::Refresh { close_in_ms } => writer.uint(Field::CloseInMs, *close_in_ms),
            Self::Retry { after_ms, reason } => {
                writer.uint(Field::AfterMs, *after_ms);
                writer.text(Field::Reason, reason);
            }
        }
        writer.finish();
    }

    /// The message in this form as bytes of its own.
    pub fn to_vec(&self, format: Format) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode(format, &mut out);
        out
    }
}

impl Welcome {
    fn write(&self, writer: &mut Writer<'_>) {
        let Self {
            client_id,
            connection_id,
            node,
            epoch,
            offset,
            recovered,
            heartbeat_interval_ms,
            heartbeat_timeout_ms,
            max_message,
            max_rooms,
            mode,
            rooms,
            ticket,
        } = self;
        writer.uint(Field::Version, u64::from(VERSION));
        writer.text(Field::ClientId, client_id.as_str());
        writer.text(Field::ConnectionId, connection_id);
        writer.text(Field::Node, node);
        writer.text(Field::Epoch, epoch.as_str());
        writer.offset(Field::Offset, *offset);
        writer.boolean(Field::Recovered, *recovered);
        writer.uint(Field::HeartbeatIntervalMs, *heartbeat_interval_ms);
        writer.uint(Field::HeartbeatTimeoutMs, *heartbeat_timeout_ms);
        writer.uint(Field::MaxMessage, *max_message);
        writer.uint(Field::MaxRooms, *max_rooms);
        writer.text(Field::Mode, mode.name());
        writer.texts(Field::Rooms, rooms.iter().map(RoomName::as_str));
        if let Some((ticket, life)) = ticket {
            writer.text(Field::Ticket, ticket);
            writer.uint(Field::TicketLifeMs, *life);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_reasons_are_closed_sets_with_names() {
        for reason in GapReason::ALL {
            assert_eq!(GapReason::from_name(reason.name()), Some(*reason));
            assert!(reason.what().ends_with('.'));
        }
        assert_eq!(GapReason::from_name("nope"), None);
        assert_eq!(Mode::from_name("degraded"), Some(Mode::Degraded));
        assert_eq!(Mode::from_name(Mode::default().name()), Some(Mode::Normal));
        assert_eq!(Mode::from_name(""), None);
    }

    #[test]
    fn messages_are_appended_behind_what_is_there() {
        let mut out = b"x".to_vec();
        HubMessage::Ping { offset: None }.encode(Format::Json, &mut out);
        HubMessage::Ping { offset: None }.encode(Format::Cbor, &mut out);
        assert_eq!(out, b"x{\"message_id\":1}\xa1\x00\x01");
    }

    #[test]
    fn an_error_says_whether_to_try_again() {
        let message = "a \"quoted\" text";
        let error = HubMessage::Error { reference: Some("a1"), code: ErrorCode::Timeout, message };
        let json = br#"{"message_id":5,"ref":"a1","code":"timeout","retryable":true,"message":"a \"quoted\" text"}"#;
        assert_eq!(error.to_vec(Format::Json), json);
    }
}
