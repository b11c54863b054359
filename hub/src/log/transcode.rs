//! From the JSON form of a publication to the binary one: how a chunk gets its second set of frames.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::{ClientId, Format, Offset, Payload, Publication, RoomName, Target, encode_publication};

/// The fields of a publication as the log wrote them a moment ago.
#[derive(Deserialize)]
struct Written<'a> {
    message_id: u32,
    #[serde(borrow)]
    message_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[serde(borrow)]
    to: Option<Cow<'a, str>>,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    ts: u64,
    #[serde(borrow)]
    offset: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    encoding: Option<Cow<'a, str>>,
}

/// Appends the binary form of `json`, which [`encode_publication`] wrote. `data` stays the bytes it was.
pub(super) fn transcode(json: &[u8], out: &mut Vec<u8>) {
    match publication(json) {
        Some((publication, offset)) => encode_publication(Format::Cbor, &publication, offset, out),
        // Cannot happen for what the log wrote itself; an empty frame would break the client, so say so there and here.
        None => tracing::error!(bytes = json.len(), "publication has no binary form"),
    }
}

fn publication(json: &[u8]) -> Option<(Publication, Offset)> {
    let written: Written<'_> = serde_json::from_slice(json).ok()?;
    let target = match (written.room, written.to) {
        (Some(room), _) => Target::Room(RoomName::parse(&room).ok()?),
        (None, Some(to)) => Target::Client(ClientId::parse(&to).ok()?),
        (None, None) => Target::Broadcast,
    };
    let data = match written.data {
        None => None,
        Some(text) if written.encoding.is_some() => {
            let base64: Cow<'_, str> = serde_json::from_str(text.get()).ok()?;
            Some(Payload::Binary(STANDARD.decode(base64.as_bytes()).ok()?.into()))
        }
        Some(text) => Some(Payload::Json(Bytes::copy_from_slice(text.get().as_bytes()))),
    };
    let from = match written.from {
        Some(from) => Some(ClientId::parse(&from).ok()?),
        None => None,
    };
    let publication = Publication {
        target,
        id: written.message_id,
        message_type: written.message_type.map(|text| text.into_owned().into()),
        data,
        from,
        ts: written.ts,
        key: written.key.map(|text| text.into_owned().into()),
    };
    Some((publication, written.offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_as_direct(publication: Publication) {
        let offset = Offset::new(17, 3);
        let (mut json, mut direct, mut transcoded) = (Vec::new(), Vec::new(), Vec::new());
        encode_publication(Format::Json, &publication, offset, &mut json);
        encode_publication(Format::Cbor, &publication, offset, &mut direct);
        transcode(&json, &mut transcoded);
        assert_eq!(transcoded, direct, "{}", String::from_utf8_lossy(&json));
    }

    #[test]
    fn the_binary_form_made_late_is_the_one_made_at_once() {
        let publication = Publication {
            target: Target::Broadcast,
            id: 20,
            message_type: Some("chat \"quoted\" \u{1F600}".into()),
            data: Some(Payload::Json(Bytes::from_static(b"{\"a\": [1.0, 2e3, \"\\u00e9\"]}"))),
            from: Some(ClientId::parse("alice").expect("a name")),
            ts: 1_748_000_000_000,
            key: Some("k".into()),
        };
        let room = Target::Room(RoomName::parse("lobby").expect("a name"));
        same_as_direct(publication.clone());
        same_as_direct(Publication {
            target: room,
            data: Some(Payload::Binary(Bytes::from_static(&[0, 255, 1]))),
            ..publication.clone()
        });
        let bob = Target::Client(ClientId::parse("bob").expect("a name"));
        same_as_direct(Publication {
            target: bob,
            id: 1234,
            message_type: None,
            data: None,
            from: None,
            key: None,
            ..publication
        });
    }
}
