//! What the hub writes is what a client reads, and nothing it might receive makes it panic.

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::protocol::{DataRef, HubMessage, encode_publication};

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(|bytes| Payload::Binary(Bytes::from(bytes))),
        any::<(i64, String, bool)>()
            .prop_map(|value| Payload::json(serde_json::to_vec(&serde_json::json!([value])).unwrap()).unwrap()),
    ]
}

fn client() -> impl Strategy<Value = ClientId> {
    "[a-zß\"\\\\ ]{1,12}".prop_map(|name| ClientId::parse(&name).unwrap())
}

fn room() -> impl Strategy<Value = RoomName> {
    "[a-zß\"\\\\ ]{1,12}".prop_map(|name| RoomName::parse(&name).unwrap())
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![Just(Target::Broadcast), room().prop_map(Target::Room), client().prop_map(Target::Client)]
}

prop_compose! {
    fn offset()(major: u64, minor: u32) -> Offset {
        Offset { major, minor }
    }
}

prop_compose! {
    fn a_publication()(
        target in target(),
        id in prop_oneof![Just(12), 20..=22_u32, 1000..=u32::MAX],
        message_type in option::of("(?s).{0,20}"),
        data in option::of(payload()),
        from in option::of(client()),
        ts: u64,
        key in option::of("(?s).{1,20}"),
    ) -> Publication {
        let [message_type, key] = [message_type, key].map(|text| text.map(Into::into));
        Publication { target, id, message_type, data, from, ts, key }
    }
}

prop_compose! {
    fn a_welcome()(
        client_id in client(),
        [connection_id, node] in ["(?s).{0,9}", "(?s).{0,9}"],
        epoch: u64,
        offset in offset(),
        [recovered, normal]: [bool; 2],
        [heartbeat_interval_ms, heartbeat_timeout_ms, max_message, max_rooms]: [u64; 4],
        rooms in vec(room(), 0..30),
        ticket in option::of(("[A-Za-z0-9_-]{0,40}", any::<u64>())),
    ) -> Welcome {
        Welcome {
            client_id,
            connection_id: connection_id.into(),
            node: node.into(),
            epoch: Epoch::from(epoch),
            offset,
            recovered,
            heartbeat_interval_ms,
            heartbeat_timeout_ms,
            max_message,
            max_rooms,
            mode: if normal { Mode::Normal } else { Mode::Degraded },
            rooms,
            ticket: ticket.map(|(text, life)| (text.into(), life)),
        }
    }
}

/// Writes the message in both forms and reads it back with the independent decoders.
fn assert_reads(message: &HubMessage<'_>, frame: &ServerFrame) {
    for format in Format::ALL {
        assert_eq!(ServerFrame::decode(format, &message.to_vec(format)).as_ref(), Ok(frame), "{format:?}");
    }
}

proptest! {
    #[test]
    fn publications_read_back(publication in a_publication(), offset in offset()) {
        for format in Format::ALL {
            let mut out = Vec::new();
            encode_publication(format, &publication, offset, &mut out);
            let frame = ServerFrame::decode(format, &out);
            prop_assert_eq!(frame, Ok(ServerFrame::Publication(publication.clone(), offset)));
        }
    }

    #[test]
    fn welcomes_read_back(welcome in a_welcome()) {
        assert_reads(&HubMessage::Welcome(welcome.clone()), &ServerFrame::Welcome(welcome));
    }

    #[test]
    fn answers_read_back(
        reference in option::of("(?s).{0,20}"),
        offset in option::of(offset()),
        data in option::of(payload()),
        message in "(?s).{0,40}",
        code in prop::sample::select(ErrorCode::ALL),
    ) {
        let tag = reference.as_deref();
        assert_reads(&HubMessage::Ping { offset }, &ServerFrame::Ping { offset });
        assert_reads(
            &HubMessage::Pong { reference: tag, offset, ticket: tag },
            &ServerFrame::Pong { reference: reference.clone(), offset, ticket: reference.clone() },
        );
        assert_reads(
            &HubMessage::Ack { reference: tag, offset, data: data.as_ref().map(Payload::as_data) },
            &ServerFrame::Ack { reference: reference.clone(), offset, data: data.clone() },
        );
        assert_reads(
            &HubMessage::Error { reference: tag, code, message: &message },
            &ServerFrame::Error { reference: reference.clone(), code, retryable: code.retryable(), message: message.clone() },
        );
    }

    #[test]
    fn pages_read_back(
        reference in option::of("(?s).{0,20}"),
        room in "(?s).{0,20}",
        clients in vec(client(), 0..40),
        next in option::of(".{0,20}"),
        total: u64,
        messages in vec((a_publication(), offset()), 0..5),
        complete: bool,
    ) {
        assert_reads(
            &HubMessage::Presence { reference: reference.as_deref(), room: &room, clients: &clients, next: next.as_deref(), total },
            &ServerFrame::Presence { reference: reference.clone(), room: room.clone(), clients: clients.clone(), next: next.clone(), total },
        );
        for format in Format::ALL {
            let encode = |(publication, offset): &(Publication, Offset)| {
                let mut out = Vec::new();
                encode_publication(format, publication, *offset, &mut out);
                out
            };
            let encoded: Vec<Vec<u8>> = messages.iter().map(encode).collect();
            let encoded: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
            let message = HubMessage::History { reference: reference.as_deref(), room: &room, messages: &encoded, complete };
            let frame = ServerFrame::History { reference: reference.clone(), room: room.clone(), messages: messages.clone(), complete };
            prop_assert_eq!(ServerFrame::decode(format, &message.to_vec(format)), Ok(frame));
        }
    }

    #[test]
    fn notices_read_back(
        [close_in_ms, reconnect_in_ms]: [u64; 2],
        reason in "(?s).{0,20}",
        [from, to] in [offset(), offset()],
        count: Option<u64>,
        why in prop::sample::select(GapReason::ALL),
        room in option::of(".{0,20}"),
        degraded: bool,
    ) {
        let mode = if degraded { Mode::Degraded } else { Mode::Normal };
        assert_reads(
            &HubMessage::Drain { close_in_ms, reconnect_in_ms, reason: &reason, ticket: room.as_deref() },
            &ServerFrame::Drain { close_in_ms, reconnect_in_ms, reason: reason.clone(), ticket: room.clone() },
        );
        assert_reads(
            &HubMessage::Gap { from, to, count, reason: why, room: room.as_deref(), offset: degraded.then_some(from) },
            &ServerFrame::Gap { from, to, count, reason: why, room: room.clone(), offset: degraded.then_some(from) },
        );
        assert_reads(&HubMessage::Mode { mode, reason: &reason }, &ServerFrame::Mode { mode, reason: reason.clone() });
        assert_reads(
            &HubMessage::Retry { after_ms: close_in_ms, reason: &reason },
            &ServerFrame::Retry { after_ms: close_in_ms, reason: reason.clone() },
        );
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, head in 0xa0..0xb8_u8) {
        let map: Vec<u8> = std::iter::once(head).chain(bytes.iter().copied()).collect();
        for format in Format::ALL {
            let _outcomes = (ServerFrame::decode(format, &bytes), ServerFrame::decode(format, &map));
        }
    }
}

#[test]
fn what_a_newer_hub_says_is_skipped_or_taken_for_the_general_case() {
    let read = |json: &str| ServerFrame::decode(Format::Json, json.as_bytes()).unwrap();
    assert_eq!(read(r#"{"message_id":34,"new":[1]}"#), ServerFrame::Unknown { id: 34 });
    let joined = ServerFrame::Joined { room: "a".to_owned(), offset: Offset::new(1, 0) };
    assert_eq!(read(r#"{"message_id":10,"room":"a","offset":"1-0","by":"new"}"#), joined);
    assert_eq!(ServerFrame::decode(Format::Cbor, b"\xa2\x00\x18\x22\x18\x64\x80"), Ok(ServerFrame::Unknown { id: 34 }));
    let error = read(r#"{"message_id":5,"code":"new","retryable":false,"message":"m"}"#);
    let message = "m".to_owned();
    assert_eq!(error, ServerFrame::Error { reference: None, code: ErrorCode::Internal, retryable: false, message });
    let gap = read(r#"{"message_id":31,"from":"1-0","to":"2-0","reason":"new"}"#);
    let [from, to] = [Offset::new(1, 0), Offset::new(2, 0)];
    let expected = ServerFrame::Gap { from, to, count: None, reason: GapReason::Unspecified, room: None, offset: None };
    assert_eq!(gap, expected);
}

#[test]
fn what_the_hub_would_never_say_is_named() {
    for (json, error) in [
        (r"{}", Unreadable::Missing(Field::MessageId)),
        (r#"{"message_id":4294967296}"#, Unreadable::Wrong(Field::MessageId)),
        (r#"{"message_id":4,"ref":1}"#, Unreadable::Wrong(Field::Ref)),
        (r#"{"message_id":4,"offset":"x"}"#, Unreadable::Wrong(Field::Offset)),
        (r#"{"message_id":4,"data":"x","encoding":"gzip"}"#, Unreadable::Wrong(Field::Encoding)),
        (r#"{"message_id":4,"data":"x","encoding":"base64"}"#, Unreadable::Wrong(Field::Data)),
        (r#"{"message_id":5,"code":"x"}"#, Unreadable::Missing(Field::Retryable)),
        (r#"{"message_id":12,"room":"a","clients":["/"]}"#, Unreadable::Wrong(Field::Clients)),
        (r#"{"message_id":13,"room":"a"}"#, Unreadable::Missing(Field::Messages)),
        (
            r#"{"message_id":13,"room":"a","messages":[{"message_id":13,"messages":[]}]}"#,
            Unreadable::Missing(Field::Ts),
        ),
        (r#"{"message_id":20,"ts":1}"#, Unreadable::Missing(Field::Offset)),
        (r#"{"message_id":31,"from":"a","to":"1-0"}"#, Unreadable::Wrong(Field::From)),
        (r#"{"message_id":32,"mode":"odd","reason":""}"#, Unreadable::Wrong(Field::Mode)),
        (r#"{"message_id":3,"version":2}"#, Unreadable::Wrong(Field::Version)),
        (r#"{"message_id":3,"version":1}"#, Unreadable::Missing(Field::ClientId)),
    ] {
        assert_eq!(ServerFrame::decode(Format::Json, json.as_bytes()), Err(error), "{json}");
    }
    for bytes in [
        &b""[..],
        b"\xbf\x00\x01\xff",
        b"\xa1\x00\x01\x00",
        b"\xa2\x00\x04\x04\xc1\x411",
        b"\xa2\x00\x04\x09\x81\x01",
        b"\xa2\x00\x0d\x18\x22\x81\xa1\x18\x22\x80",
    ] {
        let error = ServerFrame::decode(Format::Cbor, bytes).unwrap_err();
        assert!(matches!(error, Unreadable::Malformed(_)), "{bytes:02x?}: {error}");
    }
    assert!(matches!(ServerFrame::decode(Format::Json, b"\xff"), Err(Unreadable::Malformed(_))));
    let request = DataRef::Json(b"1").to_payload();
    assert_eq!(request, Payload::json("1").unwrap());
}
