//! What the hub says, as a client reads it.

use super::{Unreadable, cbor, json, values::Values};
use crate::protocol::{
    ClientId, Epoch, ErrorCode, Field, Format, GapReason, MessageId, Mode, Offset, Payload, Publication, RoomName,
    Target, VERSION, Welcome,
};

/// A message from the hub. The fields are those of [`crate::protocol::HubMessage`], owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFrame {
    /// Something published, with its place in the total order.
    Publication(Publication, Offset),
    /// To be answered with a pong.
    Ping {
        /// Everything up to here that was meant for us has come.
        offset: Option<Offset>,
    },
    /// The answer to our ping.
    Pong {
        /// `ref` of the ping.
        reference: Option<String>,
        /// As in a ping.
        offset: Option<Offset>,
        /// A newer resume ticket.
        ticket: Option<String>,
    },
    /// The connection is open, or has a new epoch.
    Welcome(Welcome),
    /// A request succeeded.
    Ack {
        /// `ref` of the request.
        reference: Option<String>,
        /// Where the publication stands.
        offset: Option<Offset>,
        /// An application handler's answer.
        data: Option<Payload>,
    },
    /// A request failed.
    Error {
        /// `ref` of the request, when it could be read.
        reference: Option<String>,
        /// Why; [`ErrorCode::Internal`] for a code this client does not know.
        code: ErrorCode,
        /// Whether to try again later, as the hub says.
        retryable: bool,
        /// The same for people.
        message: String,
    },
    /// The back end has put this connection into a room.
    Joined {
        /// The room.
        room: String,
        /// Where delivery starts.
        offset: Offset,
    },
    /// This connection is not in the room any more, and did not ask for it.
    Left {
        /// The room.
        room: String,
    },
    /// Who is in a room.
    Presence {
        /// `ref` of the request.
        reference: Option<String>,
        /// The room.
        room: String,
        /// This page.
        clients: Vec<ClientId>,
        /// `after` of the next page.
        next: Option<String>,
        /// Clients in the room.
        total: u64,
    },
    /// What was said in a room.
    History {
        /// `ref` of the request.
        reference: Option<String>,
        /// The room.
        room: String,
        /// Oldest first.
        messages: Vec<(Publication, Offset)>,
        /// Whether nothing that was asked for is missing.
        complete: bool,
    },
    /// The hub is going.
    Drain {
        /// Milliseconds until it closes this connection.
        close_in_ms: u64,
        /// Milliseconds after the close until the reconnect.
        reconnect_in_ms: u64,
        /// For logs.
        reason: String,
        /// The resume ticket to come back with.
        ticket: Option<String>,
    },
    /// What this connection will not get.
    Gap {
        /// The first offset missed.
        from: Offset,
        /// The last offset missed.
        to: Offset,
        /// How many, when known.
        count: Option<u64>,
        /// Why; [`GapReason::Unspecified`] for a reason this client does not know.
        reason: GapReason,
        /// The room, when it is about one.
        room: Option<String>,
        /// Where our position is after it, when not at `to`.
        offset: Option<Offset>,
    },
    /// The hub's mode changed.
    Mode {
        /// The mode from now on.
        mode: Mode,
        /// For logs.
        reason: String,
    },
    /// The token ends soon.
    Refresh {
        /// Milliseconds until the hub closes this connection.
        close_in_ms: u64,
    },
    /// Back off.
    Retry {
        /// Milliseconds to wait.
        after_ms: u64,
        /// For logs.
        reason: String,
    },
    /// A message of a newer protocol, to be skipped.
    Unknown {
        /// Its `message_id`.
        id: u32,
    },
}

impl ServerFrame {
    /// Reads one message.
    ///
    /// # Errors
    /// [`Unreadable`], which for a client means a fault of the hub.
    pub fn decode(format: Format, bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut values = match format {
            Format::Json => json::decode(bytes)?,
            Format::Cbor => cbor::decode(bytes)?,
        };
        let id = id(&mut values)?;
        let page = id == MessageId::Presence.id() && values.has(Field::Clients);
        if MessageId::is_publication(id) && !page {
            return publication(id, &mut values).map(|(publication, offset)| Self::Publication(publication, offset));
        }
        MessageId::from_id(id).map_or(Ok(Self::Unknown { id }), |message| Self::of(message, &mut values))
    }

    fn of(message: MessageId, values: &mut Values) -> Result<Self, Unreadable> {
        let reference = values.optional_text(Field::Ref)?;
        Ok(match message {
            MessageId::Ping => Self::Ping { offset: values.optional_offset(Field::Offset)? },
            MessageId::Pong => Self::Pong {
                reference,
                offset: values.optional_offset(Field::Offset)?,
                ticket: values.optional_text(Field::Ticket)?,
            },
            MessageId::Welcome => Self::Welcome(welcome(values)?),
            MessageId::Ack => {
                Self::Ack { reference, offset: values.optional_offset(Field::Offset)?, data: values.data()? }
            }
            MessageId::Error => Self::Error {
                reference,
                code: ErrorCode::from_name(&values.text(Field::Code)?).unwrap_or(ErrorCode::Internal),
                retryable: values.boolean(Field::Retryable)?,
                message: values.text(Field::Message)?,
            },
            MessageId::Join => Self::Joined { room: values.text(Field::Room)?, offset: values.offset(Field::Offset)? },
            MessageId::Leave => Self::Left { room: values.text(Field::Room)? },
            MessageId::Presence => Self::Presence {
                reference,
                room: values.text(Field::Room)?,
                clients: names(values, Field::Clients, ClientId::parse)?,
                next: values.optional_text(Field::Next)?,
                total: values.uint(Field::Total)?,
            },
            MessageId::History => {
                let read = |mut values: Values| publication(id(&mut values)?, &mut values);
                Self::History {
                    reference,
                    room: values.text(Field::Room)?,
                    messages: values.messages()?.into_iter().map(read).collect::<Result<_, _>>()?,
                    complete: values.boolean(Field::Complete)?,
                }
            }
            MessageId::Drain => Self::Drain {
                close_in_ms: values.uint(Field::CloseInMs)?,
                reconnect_in_ms: values.uint(Field::ReconnectInMs)?,
                reason: values.text(Field::Reason)?,
                ticket: values.optional_text(Field::Ticket)?,
            },
            MessageId::Gap => Self::Gap {
                from: values.offset(Field::From)?,
                to: values.offset(Field::To)?,
                count: values.optional_uint(Field::Count)?,
                reason: GapReason::from_name(&values.text(Field::Reason)?).unwrap_or(GapReason::Unspecified),
                room: values.optional_text(Field::Room)?,
                offset: values.optional_offset(Field::Offset)?,
            },
            MessageId::Mode => Self::Mode { mode: mode(values)?, reason: values.text(Field::Reason)? },
            MessageId::Refresh => Self::Refresh { close_in_ms: values.uint(Field::CloseInMs)? },
            MessageId::Retry => {
                Self::Retry { after_ms: values.uint(Field::AfterMs)?, reason: values.text(Field::Reason)? }
            }
            // Read as a publication above: nothing the hub would say like this.
            MessageId::Broadcast | MessageId::Unicast | MessageId::RoomMessage => Self::Unknown { id: message.id() },
        })
    }
}

fn id(values: &mut Values) -> Result<u32, Unreadable> {
    u32::try_from(values.uint(Field::MessageId)?).map_err(|_| Unreadable::Wrong(Field::MessageId))
}

fn mode(values: &mut Values) -> Result<Mode, Unreadable> {
    values.parsed(Field::Mode, |name| Mode::from_name(name).ok_or(()))
}

fn names<T, E>(values: &mut Values, field: Field, parse: fn(&str) -> Result<T, E>) -> Result<Vec<T>, Unreadable> {
    values.texts(field)?.iter().map(|name| parse(name).map_err(|_| Unreadable::Wrong(field))).collect()
}

fn publication(id: u32, values: &mut Values) -> Result<(Publication, Offset), Unreadable> {
    let target = if values.has(Field::Room) {
        Target::Room(values.parsed(Field::Room, RoomName::parse)?)
    } else if values.has(Field::To) {
        Target::Client(values.parsed(Field::To, ClientId::parse)?)
    } else {
        Target::Broadcast
    };
    let from = if values.has(Field::From) { Some(values.parsed(Field::From, ClientId::parse)?) } else { None };
    let publication = Publication {
        target,
        id,
        message_type: values.optional_text(Field::MessageType)?.map(Into::into),
        data: values.data()?,
        from,
        ts: values.uint(Field::Ts)?,
        key: values.optional_text(Field::Key)?.map(Into::into),
    };
    Ok((publication, values.offset(Field::Offset)?))
}

fn welcome(values: &mut Values) -> Result<Welcome, Unreadable> {
    if values.uint(Field::Version)? != u64::from(VERSION) {
        return Err(Unreadable::Wrong(Field::Version));
    }
    Ok(Welcome {
        client_id: values.parsed(Field::ClientId, ClientId::parse)?,
        connection_id: values.text(Field::ConnectionId)?.into(),
        node: values.text(Field::Node)?.into(),
        epoch: values.parsed(Field::Epoch, Epoch::parse)?,
        offset: values.offset(Field::Offset)?,
        recovered: values.boolean(Field::Recovered)?,
        heartbeat_interval_ms: values.uint(Field::HeartbeatIntervalMs)?,
        heartbeat_timeout_ms: values.uint(Field::HeartbeatTimeoutMs)?,
        max_message: values.uint(Field::MaxMessage)?,
        max_rooms: values.uint(Field::MaxRooms)?,
        mode: mode(values)?,
        rooms: names(values, Field::Rooms, RoomName::parse)?,
        ticket: match values.optional_text(Field::Ticket)? {
            Some(ticket) => Some((ticket.into(), values.uint(Field::TicketLifeMs)?)),
            None => None,
        },
    })
}

#[cfg(test)]
mod tests;
