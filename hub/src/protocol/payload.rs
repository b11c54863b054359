//! `data`: what an application sends, carried from client to client without being re-serialised.

use std::borrow::Cow;

use bytes::Bytes;

use super::json_data::{self, DataError};

/// `data` as the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Payload {
    /// JSON text exactly as it came. It is appended verbatim to what others receive, so it must
    /// be one valid JSON value: take it from [`super::decode`] or [`Payload::json`].
    Json(Bytes),
    /// Opaque bytes: base64 text to JSON clients, a byte string to CBOR clients.
    Binary(Bytes),
}

impl Payload {
    /// Checks and takes JSON text that did not come through [`super::decode`].
    ///
    /// # Errors
    /// When it is not one JSON value, or breaks the limits every receiver relies on.
    pub fn json(text: impl Into<Bytes>) -> Result<Self, DataError> {
        let text: Bytes = text.into();
        json_data::check_text(&text)?;
        Ok(Self::Json(text))
    }

    /// The same without owning it.
    pub fn as_data(&self) -> DataRef<'_> {
        match self {
            Self::Json(text) => DataRef::Json(text),
            Self::Binary(bytes) => DataRef::Binary(Cow::Borrowed(bytes)),
        }
    }

    /// Its size in bytes, before any base64.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(bytes) | Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has no byte, which only opaque bytes can.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `data` as it stands in a message that was read, or is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataRef<'a> {
    /// One valid JSON value.
    Json(&'a [u8]),
    /// Opaque bytes; owned when they came as base64.
    Binary(Cow<'a, [u8]>),
}

impl DataRef<'_> {
    /// A copy that outlives the message.
    pub fn to_payload(&self) -> Payload {
        match self {
            Self::Json(text) => Payload::Json(Bytes::copy_from_slice(text)),
            Self::Binary(bytes) => Payload::Binary(Bytes::copy_from_slice(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_survives_the_way_through_a_message() {
        for payload in [Payload::json(r#"{"a": 1}"#).unwrap(), Payload::Binary(Bytes::from_static(b"\0\xff"))] {
            assert_eq!(payload.as_data().to_payload(), payload);
            assert!(!payload.is_empty());
        }
        assert!(Payload::Binary(Bytes::new()).is_empty());
    }

    #[test]
    fn json_from_elsewhere_is_checked_because_it_is_appended_verbatim() {
        for text in ["", "{", "1 2", "{},\"from\":\"admin\"", "nope", "\u{feff}1"] {
            assert_eq!(Payload::json(text), Err(DataError::Syntax), "{text:?}");
        }
        assert_eq!(Payload::json(&b"\"\xff\""[..]), Err(DataError::Syntax));
        assert_eq!(Payload::json(r#""\ud800""#), Err(DataError::LoneSurrogate));
    }
}
