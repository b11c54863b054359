//! The protocol as far as a load generator speaks it: a few requests out, the hub's own messages in.
//!
//! Deliveries never pass through here: they are recognised by their [`crate::stamp::Stamp`].

use clap::ValueEnum;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use serde::{Deserialize, Serialize};

/// Message ids of the protocol.
pub(crate) mod id {
    pub(crate) const PING: u32 = 1;
    pub(crate) const PONG: u32 = 2;
    pub(crate) const WELCOME: u32 = 3;
    pub(crate) const ACK: u32 = 4;
    pub(crate) const ERROR: u32 = 5;
    pub(crate) const JOIN: u32 = 10;
    pub(crate) const BROADCAST: u32 = 20;
    pub(crate) const UNICAST: u32 = 21;
    pub(crate) const ROOM: u32 = 22;
    /// An application's id that the measured hubs have no handler for.
    pub(crate) const UNHANDLED: u32 = 9999;
    pub(crate) const GAP: u32 = 31;
}

/// Keys of the envelope's fields in the binary form.
mod key {
    pub(super) const MESSAGE_ID: u8 = 0;
    pub(super) const ROOM: u8 = 2;
    pub(super) const TO: u8 = 3;
    pub(super) const DATA: u8 = 4;
    pub(super) const REF: u8 = 5;
    pub(super) const CODE: u8 = 14;
    pub(super) const MESSAGE: u8 = 15;
    pub(super) const REASON: u8 = 17;
    pub(super) const COUNT: u8 = 18;
}

/// The wire variant of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One JSON object per text frame.
    Json,
    /// A CBOR map per binary frame, `data` as a plain byte string.
    Cbor,
}

impl Format {
    /// The WebSocket subprotocol that selects it.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "gohub.v1.json",
            Self::Cbor => "gohub.v1.cbor",
        }
    }
}

/// A request to the hub.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) message_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<&'a str>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a str>,
}

impl Request<'_> {
    /// The payload of the frame that carries it.
    pub(crate) fn encode(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Json => serde_json::to_vec(self).expect("strings and an integer are always JSON"),
            Format::Cbor => {
                let texts = [(key::ROOM, self.room), (key::TO, self.to), (key::REF, self.reference)];
                let fields =
                    1 + texts.iter().filter(|(_, text)| text.is_some()).count() + usize::from(self.data.is_some());
                let mut out = Encoder::new(Vec::new());
                let written: Result<(), minicbor::encode::Error<std::convert::Infallible>> = (|| {
                    out.map(fields as u64)?.u8(key::MESSAGE_ID)?.u32(self.message_id)?;
                    for (key, text) in texts {
                        if let Some(text) = text {
                            out.u8(key)?.str(text)?;
                        }
                    }
                    if let Some(data) = self.data {
                        out.u8(key::DATA)?.bytes(data.as_bytes())?;
                    }
                    Ok(())
                })();
                written.expect("a vector takes everything");
                out.into_writer()
            }
        }
    }
}

/// A message of the hub's own, as far as it matters here.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Control {
    pub(crate) message_id: u32,
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) count: Option<u64>,
}

impl Control {
    /// Reads one; `None` when it is not a message of the protocol.
    pub(crate) fn decode(format: Format, payload: &[u8]) -> Option<Control> {
        match format {
            Format::Json => serde_json::from_slice(payload).ok(),
            Format::Cbor => Self::decode_cbor(payload).ok(),
        }
    }

    fn decode_cbor(payload: &[u8]) -> Result<Control, minicbor::decode::Error> {
        let mut decoder = Decoder::new(payload);
        let fields = decoder.map()?.ok_or_else(|| minicbor::decode::Error::message("a map of unknown length"))?;
        let mut control = Control::default();
        for _ in 0..fields {
            let field = decoder.u8()?;
            let is_text = decoder.datatype()? == Type::String;
            let slot = match field {
                key::MESSAGE_ID => {
                    control.message_id = decoder.u32()?;
                    continue;
                }
                key::COUNT => {
                    control.count = Some(decoder.u64()?);
                    continue;
                }
                key::REF => &mut control.reference,
                key::CODE => &mut control.code,
                key::MESSAGE => &mut control.message,
                key::REASON => &mut control.reason,
                _ => {
                    decoder.skip()?;
                    continue;
                }
            };
            if is_text {
                *slot = Some(decoder.str()?.to_owned());
            } else {
                decoder.skip()?;
            }
        }
        Ok(control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request<'_> =
        Request { message_id: id::UNICAST, room: None, to: Some("c5"), reference: Some("r"), data: Some("hello") };

    #[test]
    fn a_json_request_has_only_the_fields_it_was_given() {
        let text = String::from_utf8(REQUEST.encode(Format::Json)).unwrap();
        assert_eq!(text, r#"{"message_id":21,"to":"c5","ref":"r","data":"hello"}"#);
    }

    #[test]
    fn a_binary_request_is_a_map_with_small_keys() {
        let mut expected = vec![0xA4, 0x00, 0x15, 0x03, 0x62];
        expected.extend_from_slice(b"c5\x05\x61r\x04\x45hello");
        assert_eq!(REQUEST.encode(Format::Cbor), expected);
    }

    #[test]
    fn the_hubs_messages_are_read_in_both_forms() {
        let expected = Control {
            message_id: 5,
            reference: Some("a".into()),
            code: Some("forbidden".into()),
            ..Control::default()
        };
        let json = br#"{"message_id":5,"ref":"a","code":"forbidden","retryable":false}"#;
        assert_eq!(Control::decode(Format::Json, json), Some(expected.clone()));
        let cbor = b"\xA4\x00\x05\x05\x61a\x0E\x69forbidden\x10\xF4";
        assert_eq!(Control::decode(Format::Cbor, cbor), Some(expected));
        assert_eq!(Control::decode(Format::Json, b"nonsense"), None);
        assert_eq!(Control::decode(Format::Cbor, b"\xFF"), None);
    }
}
