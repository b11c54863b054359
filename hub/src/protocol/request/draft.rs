//! A request while its fields are being read: what both forms have in common, which is every
//! rule except the encoding itself.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::{Credential, MAX_FIELD_BYTES, MAX_TOKEN_BYTES, MAX_UNKNOWN_FIELDS, Refused, Request};
use crate::protocol::{DataError, DataRef, ErrorCode, Field, Offset};

/// Why a message is refused. It never repeats what the client sent: that could be large, or
/// meant for the eyes of whoever reads the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Problem {
    #[error("the message is not valid UTF-8")]
    NotUtf8,
    #[error("the message must be one JSON object")]
    NotObject,
    #[error("the message must be one CBOR map of definite length")]
    NotMap,
    #[error("the message is not valid JSON: {0}")]
    Json(String),
    #[error("the message is not valid CBOR at byte {0}")]
    Cbor(usize),
    #[error("{0}: {1}")]
    Field(Field, String),
    #[error("something follows the message")]
    Trailing,
    #[error("{0} must be {1}")]
    WrongType(Field, &'static str),
    #[error("{0} is missing")]
    Missing(Field),
    #[error("{0} is there twice")]
    Duplicate(Field),
    #[error("an unknown field is there twice")]
    DuplicateUnknown,
    #[error("there are more than {MAX_UNKNOWN_FIELDS} unknown fields")]
    TooManyUnknown,
    #[error("{0} is longer than {1} bytes")]
    TooLong(Field, usize),
    #[error("{0} is empty")]
    Empty(Field),
    #[error("data {0}")]
    Data(#[from] DataError),
    #[error("encoding must be \"base64\"")]
    Encoding,
    #[error("data must be a text of standard, padded base64, as encoding says")]
    Base64,
}

/// How a field of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Uint,
    Text,
    Offset,
    Data,
    /// The hub's own: skipped.
    Skipped,
}

impl Kind {
    pub(super) const fn of(field: Field) -> Self {
        match field {
            Field::MessageId | Field::Limit => Self::Uint,
            Field::MessageType
            | Field::Room
            | Field::To
            | Field::Ref
            | Field::Key
            | Field::After
            | Field::Encoding
            | Field::Token => Self::Text,
            Field::FromOffset => Self::Offset,
            Field::Data => Self::Data,
            _ => Self::Skipped,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    id: Option<u32>,
    encoding: Option<Cow<'a, str>>,
    request: Request<'a>,
    /// A bit per field that was seen.
    seen: u64,
    /// The field being read.
    pub(super) current: Option<Field>,
}

impl<'a> Draft<'a> {
    /// Starts a field.
    pub(super) fn begin(&mut self, field: Field) -> Result<Kind, Problem> {
        if self.seen & field.bit() != 0 {
            return Err(Problem::Duplicate(field));
        }
        self.seen |= field.bit();
        self.current = Some(field);
        Ok(Kind::of(field))
    }

    pub(super) fn uint(&mut self, field: Field, number: u32) {
        match field {
            Field::MessageId => self.id = Some(number),
            _ => self.request.limit = Some(number),
        }
    }

    pub(super) fn text(&mut self, field: Field, text: Cow<'a, str>) -> Result<(), Problem> {
        let named_later = matches!(field, Field::Room | Field::To);
        let max = if field == Field::Token { MAX_TOKEN_BYTES } else { MAX_FIELD_BYTES };
        if text.len() > max && !named_later {
            return Err(Problem::TooLong(field, max));
        }
        if text.is_empty() && field == Field::Key {
            return Err(Problem::Empty(field));
        }
        if field == Field::Token {
            self.request.token = Some(Credential::new(text));
            return Ok(());
        }
        let slot = match field {
            Field::MessageType => &mut self.request.message_type,
            Field::Room => &mut self.request.room,
            Field::To => &mut self.request.to,
            Field::Ref => &mut self.request.reference,
            Field::Key => &mut self.request.key,
            Field::After => &mut self.request.after,
            _ => &mut self.encoding,
        };
        *slot = Some(text);
        Ok(())
    }

    pub(super) fn offset(&mut self, offset: Offset) {
        self.request.from_offset = Some(offset);
    }

    pub(super) fn data(&mut self, data: DataRef<'a>) {
        self.request.data = Some(data);
    }

    /// The request, once every field was read.
    pub(super) fn finish(&mut self) -> Result<Request<'a>, Problem> {
        let id = self.id.ok_or(Problem::Missing(Field::MessageId))?;
        if let Some(encoding) = &self.encoding {
            if encoding != "base64" {
                return Err(Problem::Encoding);
            }
            let Some(DataRef::Json(json)) = &self.request.data else {
                return Err(Problem::Base64);
            };
            let text: Cow<'_, str> = serde_json::from_slice(json).map_err(|_| Problem::Base64)?;
            let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| Problem::Base64)?;
            self.request.data = Some(DataRef::Binary(Cow::Owned(bytes)));
        }
        Ok(Request { id, ..std::mem::take(&mut self.request) })
    }

    /// The answer to a message with this problem. `find` looks for a `ref` that comes behind it.
    pub(super) fn refuse(self, problem: &Problem, find: impl FnOnce() -> Option<String>) -> Refused {
        let reference = match self.request.reference {
            Some(reference) => Some(reference.into_owned()),
            None => find().filter(|reference| reference.len() <= MAX_FIELD_BYTES),
        };
        Refused { code: ErrorCode::BadRequest, message: problem.to_string(), reference }
    }
}
