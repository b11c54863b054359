//! What a client asks: read strictly, because whatever is let through here is repeated to
//! thousands of receivers.
//!
//! Unknown fields are skipped, for clients newer than the hub; `from`, `ts` and `offset` are the
//! hub's own and skipped too. A message that is refused says which field is at fault, and still
//! carries its `ref` whenever that could be read.

mod cbor;
mod draft;
mod json;

use std::borrow::Cow;

use super::{DataRef, ErrorCode, Format, Offset};

/// The longest `ref`, `key`, `message_type` and `after`, in bytes.
pub const MAX_FIELD_BYTES: usize = 128;

/// The longest `token`, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// The most fields of a message that the protocol does not know.
pub const MAX_UNKNOWN_FIELDS: usize = 32;

/// A token, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential<'a>(Cow<'a, str>);

impl<'a> Credential<'a> {
    /// A token of this text.
    pub fn new(token: impl Into<Cow<'a, str>>) -> Self {
        Self(token.into())
    }

    /// The text itself. The caller keeps it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A message from a client, borrowing from the bytes it came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request<'a> {
    /// `message_id`: any number; whether somebody handles it is the dispatcher's question.
    pub id: u32,
    /// The application's own name of the message.
    pub message_type: Option<Cow<'a, str>>,
    /// A room; not yet checked, see [`super::RoomName::parse`].
    pub room: Option<Cow<'a, str>>,
    /// A client; not yet checked, see [`super::ClientId::parse`].
    pub to: Option<Cow<'a, str>>,
    /// What the message carries.
    pub data: Option<DataRef<'a>>,
    /// `ref`: answered by exactly one message with the same.
    pub reference: Option<Cow<'a, str>>,
    /// Idempotency key of a publish; never empty.
    pub key: Option<Cow<'a, str>>,
    /// What comes after this offset is wanted.
    pub from_offset: Option<Offset>,
    /// How many are wanted.
    pub limit: Option<u32>,
    /// Cursor of the page before.
    pub after: Option<Cow<'a, str>>,
    /// A new token.
    pub token: Option<Credential<'a>>,
}

/// A message that could not be read, ready to be answered with an `error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The code for the client.
    pub code: ErrorCode,
    /// What is wrong, naming the field. It repeats nothing of what the client sent.
    pub message: String,
    /// `ref` of the message, when it could be read.
    pub reference: Option<String>,
}

/// Reads one message of a client.
///
/// # Errors
/// [`Refused`] for anything that is not exactly one well-formed message: it is not UTF-8 or not
/// an object, has something behind it, repeats a field, has a field of the wrong type or range,
/// lacks `message_id`, or carries `data` that receivers could not parse.
pub fn decode(format: Format, bytes: &[u8]) -> Result<Request<'_>, Refused> {
    match format {
        Format::Json => json::decode(bytes),
        Format::Cbor => cbor::decode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            for format in Format::ALL {
                let _outcome = decode(format, &bytes);
            }
        }

        #[test]
        fn almost_messages_never_panic(text in r#"\{"message_id":[0-9]{1,3}(,"(room|ref|data|limit|x)":[\[\]{}"0-9a-fu\\.-]{0,9}){0,4}\}?"#) {
            let _outcome = decode(Format::Json, text.as_bytes());
        }

        #[test]
        fn almost_maps_never_panic(head in 0xa0..=0xbf_u8, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let message: Vec<u8> = std::iter::once(head).chain(bytes).collect();
            let _outcome = decode(Format::Cbor, &message);
        }
    }
}
