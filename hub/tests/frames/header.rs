//! S43-S46, S48-S50: what two to fourteen bytes can get wrong.

use gohub_settings::ByteSize;

use crate::peer::{Peer, frame};
use crate::site::Site;

/// A good request, whose answer shows that everything before a fault still counts.
fn ping(reference: &str) -> Vec<u8> {
    frame(0x81, format!(r#"{{"message_id":1,"ref":"{reference}"}}"#).as_bytes())
}

/// What the hub closes with after these bytes; whole, and byte by byte.
fn code(site: &Site, bytes: &[u8]) -> u16 {
    let mut peer = Peer::opened(site.hub.address());
    peer.send([ping("before"), bytes.to_vec(), ping("after")].concat());
    assert!(peer.text().contains(r#""ref":"before""#), "what stands before a fault is answered");
    let whole = peer.closed();
    let mut slow = Peer::opened(site.hub.address());
    bytes.iter().all(|byte| slow.send([*byte]));
    assert_eq!(slow.closed(), whole, "however the stream is cut: {bytes:02X?}");
    whole
}

#[test]
fn s43_unmasked_frame_is_closed_with_1002() {
    let site = Site::start(|_| {});
    for bytes in [&b"\x81\x05hello"[..], b"\x81\x00", b"\x89\x00", b"\x88\x02\x03\xE8", b"\x82\x7E\x01\x00"] {
        assert_eq!(code(&site, bytes), 1002, "{bytes:02X?}");
    }
    site.ends_empty();
}

#[test]
fn s44_reserved_bits_are_closed_with_1002() {
    let site = Site::start(|_| {});
    for first in [0xC1, 0xA1, 0x91, 0xF1, 0xC9, 0xC8, 0x41, 0xC2] {
        assert_eq!(code(&site, &frame(first, b"hello")), 1002, "{first:02X}");
    }
    site.ends_empty();
}

#[test]
fn s45_unknown_opcodes_are_closed_with_1002() {
    let site = Site::start(|_| {});
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        assert_eq!(code(&site, &frame(0x80 | opcode, b"")), 1002, "{opcode:X}");
        assert_eq!(code(&site, &frame(0x80 | opcode, b"hello")), 1002, "{opcode:X}");
    }
    site.ends_empty();
}

#[test]
fn s46_long_or_fragmented_control_frames_are_closed_with_1002() {
    let site = Site::start(|_| {});
    for first in [0x88, 0x89, 0x8A] {
        assert_eq!(code(&site, &frame(first, &[b'x'; 126])), 1002, "{first:02X}");
        assert_eq!(code(&site, &frame(first & 0x0F, b"\x03\xE8")), 1002, "{first:02X} without FIN");
    }
    site.ends_empty();
}

#[test]
fn s48_s49_a_length_is_judged_before_anything_of_it_has_come() {
    let site = Site::start(|_| {});
    let header = |first: u8, length: u64| [&[first, 0xFF][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat();
    let too_big = site.hub.settings().limits.max_message.as_u64() + 1;
    for (bytes, expected) in [
        (header(0x82, 1 << 63), 1002),
        (header(0x82, u64::MAX), 1002),
        (header(0x81, i64::MAX as u64), 1009),
        (header(0x82, 100 << 20), 1009),
        ([header(0x82, 100 << 20), vec![0; 4]].concat(), 1009),
        (header(0x02, too_big), 1009),
        (header(0x89, 1 << 40), 1002),
    ] {
        assert_eq!(code(&site, &bytes), expected, "{bytes:02X?}");
    }
    site.ends_empty();
}

#[test]
fn s50_a_length_that_is_not_minimally_encoded_is_closed_with_1002() {
    let site = Site::start(|_| {});
    for length in [0, 1, 125] {
        let medium = [&[0x81, 0xFE][..], &(length as u16).to_be_bytes(), &[0; 4], &vec![b'x'; length]].concat();
        assert_eq!(code(&site, &medium), 1002, "{length} in 16 bits");
    }
    for length in [0, 125, 126, 65_535] {
        let long = [&[0x81, 0xFF][..], &(length as u64).to_be_bytes(), &[0; 4]].concat();
        assert_eq!(code(&site, &long), 1002, "{length} in 64 bits");
    }
    site.ends_empty();
}

#[test]
fn s51_exactly_the_limit_is_accepted_and_one_byte_more_is_not() {
    const LIMIT: usize = 70_000;
    let site = Site::start(|settings| {
        settings.limits.max_message = ByteSize::from_bytes(LIMIT as u64);
        settings.debug.echo = true;
    });
    let body = vec![b'x'; LIMIT + 1];
    let opened = || Peer::opened_at(site.hub.address(), "/echo");
    let mut peer = opened();
    for parts in [&[LIMIT][..], &[LIMIT - 1, 1], &[0, LIMIT, 0], &[1, LIMIT - 2, 0, 1]] {
        let count = parts.len();
        for (n, length) in parts.iter().enumerate() {
            let first = if n == 0 { 0x01 } else { 0x00 } | if n + 1 == count { 0x80 } else { 0x00 };
            peer.send(frame(first, &body[..*length]));
        }
        assert_eq!(peer.frame().expect("the echo").payload.len(), LIMIT, "{parts:?}");
    }
    drop(peer);

    let mut whole = opened();
    whole.send(frame(0x81, &body));
    assert_eq!(whole.closed(), 1009);
    let mut parts = opened();
    parts.send([frame(0x01, &body[..LIMIT]), vec![0x00, 0x81]].concat());
    parts.send([1, 2, 3, 4]);
    assert_eq!(parts.closed(), 1009, "at the header of the fragment that crosses the limit");
    site.ends_empty();
}
