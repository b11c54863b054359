//! S55, S66: text that is none, and frames of the other kind.

use crate::peer::{Peer, frame, request};
use crate::site::Site;

fn code(site: &Site, bytes: &[u8]) -> u16 {
    let mut peer = Peer::opened_at(site.hub.address(), "/echo");
    peer.send(bytes);
    peer.closed()
}

#[test]
fn s55_text_that_is_not_utf_8_is_closed_with_1007() {
    let site = Site::start(|settings| settings.debug.echo = true);
    for (bytes, what) in [
        (&b"\xFF"[..], "no first byte"),
        (b"ok\x80", "a continuation byte alone"),
        (b"\xC3", "cut at the end"),
        (b"\xC3\x28", "no continuation byte"),
        (b"\xED\xA0\x80", "a surrogate"),
        (b"\xC0\xAF", "overlong in two bytes"),
        (b"\xE0\x80\xAF", "overlong in three bytes"),
        (b"\xF0\x80\x80\xAF", "overlong in four bytes"),
        (b"\xF4\x90\x80\x80", "beyond U+10FFFF"),
        (b"\xF8\x88\x80\x80\x80", "five bytes"),
    ] {
        assert_eq!(code(&site, &frame(0x81, bytes)), 1007, "{what}");
        let (left, right) = bytes.split_at(bytes.len() / 2);
        assert_eq!(code(&site, &[frame(0x01, left), frame(0x80, right)].concat()), 1007, "{what}, in two fragments");
        if what != "cut at the end" {
            assert_eq!(code(&site, &frame(0x01, bytes)), 1007, "{what}, before the message is complete");
        }
    }
    site.ends_empty();
}

#[test]
fn s55_a_character_may_be_cut_by_a_fragment_anywhere() {
    let site = Site::start(|settings| settings.debug.echo = true);
    let text = "κόσμε\u{10FFFF}\u{0}\u{FFFE}ü".as_bytes();
    let mut peer = Peer::opened_at(site.hub.address(), "/echo");
    for cut in 0..=text.len() {
        peer.send([frame(0x01, &text[..cut]), frame(0x80, &text[cut..])].concat());
        assert_eq!(peer.frame().expect("the echo").payload, text, "cut at {cut}");
    }
    drop(peer);
    site.ends_empty();
}

#[test]
fn s66_frames_of_the_other_kind_are_closed_with_1003() {
    let site = Site::start(|_| {});
    let mut text_only = Peer::opened(site.hub.address());
    text_only.send(frame(0x82, br#"{"message_id":1}"#));
    assert_eq!(text_only.closed(), 1003);

    let mut binary_only = site.knock();
    binary_only.send(request("/ws", "Sec-WebSocket-Protocol: gohub.v1.cbor\r\n"));
    assert_eq!(binary_only.answer().status, 101);
    assert_eq!(binary_only.frame().expect("a welcome").opcode, 2);
    binary_only.send(frame(0x81, br#"{"message_id":1}"#));
    assert_eq!(binary_only.closed(), 1003);
    site.ends_empty();
}
