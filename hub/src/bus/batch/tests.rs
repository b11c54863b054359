//! A batch reads back as it was written, and damage is noticed.

use proptest::prelude::*;

use super::*;

fn publication(target: Target, data: Option<Payload>) -> Publication {
    Publication { target, id: 22, message_type: None, data, from: None, ts: 1_748_000_000_000, key: None }
}

fn sample() -> Vec<Publication> {
    let room = Target::Room(RoomName::parse("lobby").unwrap());
    let full = Publication {
        message_type: Some("chat".into()),
        from: Some(ClientId::parse("alice").unwrap()),
        key: Some("k1".into()),
        ..publication(room, Some(Payload::Json(Bytes::from_static(b"{\"a\": 1}"))))
    };
    vec![
        full,
        publication(Target::Broadcast, Some(Payload::Binary(Bytes::from_static(b"\0\xff")))),
        publication(Target::Broadcast, None),
    ]
}

fn encoded(publications: &[Publication]) -> Bytes {
    let id = BatchId { writer: 7, counter: 9 };
    let entries = publications.iter().enumerate().map(|(index, publication)| (index as u32, publication));
    encode(id, publications.len() as u32, entries).into()
}

fn with_checksum(mut body: Vec<u8>) -> Bytes {
    let sum = checksum(&body);
    body.extend_from_slice(&sum.to_le_bytes());
    body.into()
}

#[test]
fn a_batch_reads_back_as_it_was_written() {
    let publications = sample();
    let value = encoded(&publications);
    assert!(value.len() <= FRAME_BYTES + publications.iter().map(entry_bytes).sum::<usize>());
    let batch = decode(&value, None).unwrap();
    assert_eq!((batch.id, batch.total), (BatchId { writer: 7, counter: 9 }, 3));
    assert_eq!(batch.entries.into_iter().map(|(_, publication)| publication).collect::<Vec<_>>(), publications);
}

#[test]
fn the_key_says_who_a_unicast_is_for() {
    let bob = ClientId::parse("bob").unwrap();
    let value = encoded(&[publication(Target::Client(ClientId::parse("carol").unwrap()), None)]);
    assert_eq!(decode(&value, Some(&bob)).unwrap().entries[0].1.target, Target::Client(bob));
    assert_eq!(decode(&value, None), Err(BatchError::Kind));
    assert_eq!(decode(&encoded(&sample()), Some(&ClientId::parse("bob").unwrap())), Err(BatchError::Kind));
}

#[test]
fn s87_every_single_damaged_byte_is_noticed() {
    let value = encoded(&sample());
    for position in 0..value.len() {
        let mut damaged = value.to_vec();
        damaged[position] ^= 0x40;
        // The first byte is what makes it a batch at all; whoever calls decode has looked at it.
        assert!(position == 0 || decode(&damaged.into(), None).is_err(), "byte {position}");
    }
    for length in 0..value.len() {
        assert!(decode(&value.slice(..length), None).is_err(), "length {length}");
    }
}

#[test]
fn s87_a_batch_that_lies_is_refused_by_name() {
    let head = |rest: &[u8]| with_checksum([&[MARKER, VERSION], &[0; 16][..], rest].concat());
    let cases: &[(&[u8], BatchError)] = &[
        (&[], BatchError::Truncated),
        (&[1, 1], BatchError::Truncated),
        (&[1, 0xff, 0xff, 0xff, 0xff, 0x0f], BatchError::Truncated),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], BatchError::Truncated),
        (&[1, 1, 0, KIND, 20, 0], BatchError::Kind),
        (&[1, 1, 0, KIND_BROADCAST | HAS_JSON | HAS_BINARY, 20, 0, 0], BatchError::Kind),
        (&[1, 1, 0, KIND_ROOM, 22, 0, 1, b'/'], BatchError::Name(NameError::Slash)),
        (&[1, 1, 0, KIND_BROADCAST | HAS_JSON, 20, 0, 1, 0xff], BatchError::Text),
        (&[1, 1, 0, KIND_BROADCAST | HAS_TYPE, 20, 0, 1, 0xff], BatchError::Text),
        (&[1, 1, 0, KIND_BROADCAST | HAS_TYPE, 20, 0, 9, b'x'], BatchError::Truncated),
        (&[0, 0, 0], BatchError::Trailing),
    ];
    for (rest, error) in cases {
        assert_eq!(decode(&head(rest), None), Err(*error), "{rest:?}");
    }
    assert_eq!(decode(&with_checksum(vec![MARKER, 9, 0]), None), Err(BatchError::Version(9)));
    assert_eq!(decode(&with_checksum(vec![MARKER, VERSION, 0]), None), Err(BatchError::Truncated));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&bytes.clone().into(), None));
        drop(decode(&with_checksum([&[MARKER, VERSION], &bytes[..]].concat()), None));
    }

    #[test]
    fn numbers_read_back(number: u64) {
        let mut out = Vec::new();
        put_number(&mut out, number);
        prop_assert_eq!(take_number(&mut out.into()), Ok(number));
    }
}
