//! S47, S52, S53: messages in pieces.

use crate::peer::{Peer, frame};
use crate::site::Site;

fn code(site: &Site, bytes: &[u8]) -> u16 {
    let mut peer = Peer::opened(site.hub.address());
    peer.send(bytes);
    peer.closed()
}

#[test]
fn s47_fragments_out_of_order_are_closed_with_1002() {
    let site = Site::start(|_| {});
    for (bytes, what) in [
        (frame(0x80, b"x"), "a last fragment without a first"),
        (frame(0x00, b"x"), "a fragment without a first"),
        ([frame(0x01, b"{}"), frame(0x81, b"{}")].concat(), "a text inside a text"),
        ([frame(0x01, b"{}"), frame(0x02, b"{}")].concat(), "a binary inside a text"),
        ([frame(0x01, b"{"), frame(0x80, b"}"), frame(0x80, b"x")].concat(), "a fragment too many"),
        ([frame(0x89, b""), frame(0x80, b"x")].concat(), "a ping starts nothing"),
    ] {
        assert_eq!(code(&site, &bytes), 1002, "{what}");
    }
    site.ends_empty();
}

#[test]
fn a_message_in_pieces_with_pings_between_them_is_one_message() {
    let site = Site::start(|_| {});
    let mut peer = Peer::opened(site.hub.address());
    let text = br#"{"message_id":1,"ref":"whole"}"#;
    let mut bytes = frame(0x01, b"");
    for byte in text {
        bytes.extend(frame(0x89, &[*byte]));
        bytes.extend(frame(0x00, &[*byte]));
    }
    bytes.extend(frame(0x80, b""));
    peer.send(bytes);
    for byte in text {
        let pong = peer.frame().expect("a pong");
        assert_eq!((pong.opcode, pong.payload.as_slice()), (0xA, &[*byte][..]));
    }
    assert!(peer.text().contains(r#""ref":"whole""#));
    drop(peer);
    site.ends_empty();
}

#[test]
fn s52_one_byte_fragments_end_at_the_limit_of_fragments() {
    let site = Site::start(|_| {});
    let max = site.hub.settings().limits.max_fragments as usize;
    let fragments = |count: usize| [frame(0x01, b" "), frame(0x00, b" ").repeat(count - 1)].concat();
    assert_eq!(code(&site, &fragments(131_000)), 1008);
    assert_eq!(code(&site, &fragments(max + 1)), 1008);

    let mut peer = Peer::opened(site.hub.address());
    peer.send([fragments(max - 1), frame(0x80, br#"{"message_id":1,"ref":"last"}"#)].concat());
    assert!(peer.text().contains(r#""ref":"last""#), "as many as are allowed");
    drop(peer);
    site.ends_empty();
}

#[test]
fn s53_empty_fragments_are_counted_too() {
    let site = Site::start(|_| {});
    assert_eq!(code(&site, &[frame(0x01, b""), frame(0x00, b"").repeat(100_000)].concat()), 1008);
    assert_eq!(code(&site, &[frame(0x02, b""), frame(0x00, b"").repeat(100_000)].concat()), 1008);
    site.ends_empty();
}
