//! The fields of one message from the hub, after its form has been read and before its kind is
//! known.

use std::collections::BTreeMap;

use super::Unreadable;
use crate::protocol::{Field, Offset, Payload};

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Uint(u64),
    Boolean(bool),
    Text(String),
    Offset(Offset),
    Data(Payload),
    Texts(Vec<String>),
    Messages(Vec<Values>),
}

/// The shape a field has in messages from the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Uint,
    Boolean,
    /// Text, or in a `gap` an offset.
    Text,
    Offset,
    Data,
    Texts,
    Messages,
}

impl Shape {
    pub(super) const fn of(field: Field) -> Self {
        match field {
            Field::MessageId
            | Field::Ts
            | Field::Limit
            | Field::Count
            | Field::HeartbeatIntervalMs
            | Field::HeartbeatTimeoutMs
            | Field::MaxMessage
            | Field::MaxRooms
            | Field::Version
            | Field::Total
            | Field::CloseInMs
            | Field::ReconnectInMs
            | Field::AfterMs
            | Field::TicketLifeMs => Self::Uint,
            Field::Retryable | Field::Recovered | Field::Complete => Self::Boolean,
            Field::Offset | Field::FromOffset => Self::Offset,
            Field::Data => Self::Data,
            Field::Rooms | Field::Clients => Self::Texts,
            Field::Messages => Self::Messages,
            Field::MessageType
            | Field::Room
            | Field::To
            | Field::Ref
            | Field::Key
            | Field::From
            | Field::After
            | Field::Encoding
            | Field::Code
            | Field::Message
            | Field::Reason
            | Field::ClientId
            | Field::ConnectionId
            | Field::Node
            | Field::Epoch
            | Field::Mode
            | Field::Next
            | Field::Token
            | Field::Ticket => Self::Text,
        }
    }
}

/// The known fields of a message; unknown ones were skipped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Values(BTreeMap<Field, Value>);

impl Values {
    pub(super) fn insert(&mut self, field: Field, value: Value) {
        self.0.insert(field, value);
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.0.contains_key(&field)
    }

    pub(super) fn uint(&mut self, field: Field) -> Result<u64, Unreadable> {
        self.optional_uint(field)?.ok_or(Unreadable::Missing(field))
    }

    pub(super) fn optional_uint(&mut self, field: Field) -> Result<Option<u64>, Unreadable> {
        self.take(field, |value| if let Value::Uint(number) = value { Some(number) } else { None })
    }

    pub(super) fn boolean(&mut self, field: Field) -> Result<bool, Unreadable> {
        self.take(field, |value| if let Value::Boolean(value) = value { Some(value) } else { None })?
            .ok_or(Unreadable::Missing(field))
    }

    pub(super) fn text(&mut self, field: Field) -> Result<String, Unreadable> {
        self.optional_text(field)?.ok_or(Unreadable::Missing(field))
    }

    pub(super) fn optional_text(&mut self, field: Field) -> Result<Option<String>, Unreadable> {
        self.take(field, |value| if let Value::Text(text) = value { Some(text) } else { None })
    }

    /// A text that `parse` takes.
    pub(super) fn parsed<T, E>(
        &mut self,
        field: Field,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Unreadable> {
        parse(&self.text(field)?).map_err(|_| Unreadable::Wrong(field))
    }

    pub(super) fn offset(&mut self, field: Field) -> Result<Offset, Unreadable> {
        self.optional_offset(field)?.ok_or(Unreadable::Missing(field))
    }

    pub(super) fn optional_offset(&mut self, field: Field) -> Result<Option<Offset>, Unreadable> {
        self.take(field, |value| match value {
            Value::Offset(offset) => Some(offset),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        })
    }

    pub(super) fn data(&mut self) -> Result<Option<Payload>, Unreadable> {
        self.take(Field::Data, |value| if let Value::Data(data) = value { Some(data) } else { None })
    }

    pub(super) fn texts(&mut self, field: Field) -> Result<Vec<String>, Unreadable> {
        self.take(field, |value| if let Value::Texts(texts) = value { Some(texts) } else { None })?
            .ok_or(Unreadable::Missing(field))
    }

    pub(super) fn messages(&mut self) -> Result<Vec<Self>, Unreadable> {
        self.take(Field::Messages, |value| if let Value::Messages(messages) = value { Some(messages) } else { None })?
            .ok_or(Unreadable::Missing(Field::Messages))
    }

    fn take<T>(&mut self, field: Field, read: impl FnOnce(Value) -> Option<T>) -> Result<Option<T>, Unreadable> {
        match self.0.remove(&field) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or(Unreadable::Wrong(field)),
        }
    }
}
