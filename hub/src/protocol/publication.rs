//! What a client publishes and others receive: the value the bus orders and the log encodes.

use super::{ClientId, Field, Format, Mode, Offset, Payload, RoomName, writer::Writer};

/// Who receives a publication.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// Every connection.
    Broadcast,
    /// Everybody in a room.
    Room(RoomName),
    /// Every connection of a client.
    Client(ClientId),
}

/// A message on its way to its receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Who receives it.
    pub target: Target,
    /// `message_id`: 20 to 22, 12 for presence changes, or an application's id >= 1000.
    pub id: u32,
    /// The application's own name of the message.
    pub message_type: Option<Box<str>>,
    /// What it carries.
    pub data: Option<Payload>,
    /// The client that sent it; `None` when the hub or its administrator did.
    pub from: Option<ClientId>,
    /// When the hub took it, in milliseconds since 1970.
    pub ts: u64,
    /// The sender's idempotency key; receivers may use it to replace what has the same key.
    pub key: Option<Box<str>>,
}

impl Publication {
    /// Its room, when it is for one.
    pub fn room(&self) -> Option<&RoomName> {
        match &self.target {
            Target::Room(room) => Some(room),
            Target::Broadcast | Target::Client(_) => None,
        }
    }

    /// About how many bytes it takes on the wire: for reserving space, not for limits.
    pub fn size_hint(&self) -> usize {
        let data = match &self.data {
            Some(Payload::Json(text)) => text.len(),
            Some(Payload::Binary(bytes)) => bytes.len() / 3 * 4 + 28,
            None => 0,
        };
        let texts = [self.message_type.as_deref(), self.key.as_deref(), self.from.as_ref().map(ClientId::as_str)];
        let target = match &self.target {
            Target::Broadcast => 0,
            Target::Room(room) => room.as_str().len(),
            Target::Client(client) => client.as_str().len(),
        };
        192 + data + target + texts.into_iter().flatten().map(str::len).sum::<usize>()
    }
}

/// Appends the message that receivers of this form get, without a WebSocket header: once per
/// publication and form, however many receivers. `data` is appended as it came.
pub fn encode_publication(format: Format, publication: &Publication, offset: Offset, out: &mut Vec<u8>) {
    let Publication { target, id, message_type, data, from, ts, key } = publication;
    let mut writer = Writer::open(format, *id, out);
    writer.optional_text(Field::MessageType, message_type.as_deref());
    match target {
        Target::Broadcast => {}
        Target::Room(room) => writer.text(Field::Room, room.as_str()),
        Target::Client(client) => writer.text(Field::To, client.as_str()),
    }
    writer.optional_text(Field::From, from.as_ref().map(ClientId::as_str));
    writer.optional_text(Field::Key, key.as_deref());
    writer.uint(Field::Ts, *ts);
    writer.offset(Field::Offset, offset);
    if offset.is_local() {
        writer.text(Field::Mode, Mode::Degraded.name());
    }
    if let Some(payload) = data {
        writer.data(&payload.as_data());
    }
    writer.finish();
}

/// What a publication is the newest of, from the JSON form that [`encode_publication`] wrote: what stands before the first `#` of its key, as it is
/// escaped there. `None`: it has no such key.
pub fn conflation_key(json: &[u8]) -> Option<&[u8]> {
    let mut rest = json.get(br#"{"message_id":"#.len()..)?;
    loop {
        // Everything before the key is numbers and texts, and no text has a bare quotation mark in it.
        rest = &rest[rest.iter().position(|byte| *byte == b',')? + 1..];
        let value = |name: &[u8]| rest.strip_prefix(name);
        if let Some(key) = value(br#""key":""#) {
            let key = &key[..end_of_text(key)?];
            return key.iter().position(|byte| *byte == b'#').map(|at| &key[..at]);
        }
        let known: [&[u8]; 4] = [br#""message_type":""#, br#""room":""#, br#""to":""#, br#""from":""#];
        let text = known.into_iter().find_map(value)?;
        rest = &text[end_of_text(text)?..];
    }
}

/// Where a JSON text ends whose opening quotation mark is behind us.
fn end_of_text(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn chat() -> Publication {
        Publication {
            target: Target::Room(RoomName::parse("lob\"by").unwrap()),
            id: 22,
            message_type: Some("chat".into()),
            data: Some(Payload::json("{ \"a\":\t1}").unwrap()),
            from: Some(ClientId::parse("alice").unwrap()),
            ts: 1_748_000_000_000,
            key: Some("k".into()),
        }
    }

    #[test]
    fn data_goes_out_exactly_as_it_came_in() {
        let mut out = Vec::new();
        encode_publication(Format::Json, &chat(), Offset::new(17, 3), &mut out);
        let expected = r#"{"message_id":22,"message_type":"chat","room":"lob\"by","from":"alice","key":"k","ts":1748000000000,"offset":"17-3","data":{ "a":	1}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_only_one_hub_delivers_says_so() {
        let mut out = Vec::new();
        encode_publication(Format::Json, &chat(), Offset::new(17, Offset::LOCAL_MINOR), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(r#""offset":"17-2147483648","mode":"degraded","data""#), "{text}");
    }

    #[test]
    fn a_conflation_key_is_what_stands_before_the_first_hash_sign_of_the_key() {
        let of = |key: Option<&str>, publication: Publication| {
            let mut out = Vec::new();
            let publication = Publication { key: key.map(Into::into), ..publication };
            encode_publication(Format::Json, &publication, Offset::new(17, 3), &mut out);
            conflation_key(&out).map(|key| String::from_utf8(key.to_vec()).unwrap())
        };
        let bare = Publication { target: Target::Broadcast, message_type: None, from: None, data: None, ..chat() };
        let tricky = Publication {
            message_type: Some(r#"a,"key":"x#","b\"#.into()),
            data: Some(Payload::json(r#"{"key":"no#1"}"#).unwrap()),
            ..chat()
        };
        let to_bob = Publication { target: Target::Client(ClientId::parse("b,\"key\"").unwrap()), ..chat() };
        for publication in [chat(), bare, tricky, to_bob] {
            for (key, expected) in [
                (Some("EURUSD#1#2"), Some("EURUSD")),
                (Some("#1"), Some("")),
                (Some(r#"a"b\#1"#), Some(r#"a\"b\\"#)),
                (Some("EURUSD"), None),
                (None, None),
            ] {
                assert_eq!(of(key, publication.clone()).as_deref(), expected, "{key:?} {publication:?}");
            }
        }
        assert_eq!((conflation_key(b""), conflation_key(br#"{"message_id":22,"key":"a#"#)), (None, None));
    }

    #[test]
    fn opaque_bytes_reach_json_clients_as_base64_and_cbor_clients_as_they_are() {
        let data = Some(Payload::Binary(Bytes::from_static(b"\0\xff")));
        let publication = Publication { target: Target::Broadcast, data, ..chat() };
        let mut out = Vec::new();
        encode_publication(Format::Json, &publication, Offset::ZERO, &mut out);
        assert!(out.ends_with(br#""data":"AP8=","encoding":"base64"}"#));
        out.clear();
        encode_publication(Format::Cbor, &publication, Offset::ZERO, &mut out);
        assert!(out.ends_with(b"\x04\x42\x00\xff"));
    }

    #[test]
    fn the_size_hint_is_enough_for_both_forms() {
        let publications = [
            chat(),
            Publication { data: None, target: Target::Broadcast, ..chat() },
            Publication {
                data: Some(Payload::Binary(Bytes::from(vec![7; 1000]))),
                target: Target::Client(ClientId::parse("bob").unwrap()),
                ..chat()
            },
        ];
        for publication in publications {
            assert_eq!(publication.room().is_some(), publication.target == chat().target);
            for format in Format::ALL {
                let mut out = Vec::new();
                encode_publication(format, &publication, Offset::MAX, &mut out);
                assert!(out.len() <= publication.size_hint(), "{} > {}", out.len(), publication.size_hint());
            }
        }
    }
}
