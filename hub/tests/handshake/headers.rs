//! S9, S10, S14-S17: headers that are too many, too long or made to break a parser.

use std::time::{Duration, Instant};

use gohub_settings::ByteSize;

use crate::peer::{Answer, request};
use crate::site::{PATIENCE, Site};

fn ask(site: &Site, bytes: impl AsRef<[u8]>) -> Answer {
    let mut peer = site.knock();
    peer.send(bytes);
    peer.answer()
}

#[test]
fn s9_two_thousand_headers_are_too_many() {
    let site = Site::start(|_| {});
    let many: String = (0..2000).map(|n| format!("h{n}:v\r\n")).collect();
    assert_eq!(ask(&site, request("/ws", &many)).status, 431);
    site.ends_empty();
}

#[test]
fn s10_a_long_head_is_refused_before_it_is_all_there() {
    let site = Site::start(|_| {});
    let mut peer = site.knock();
    let head = request("/ws", &format!("X: {}\r\n", "x".repeat(64 << 10)));
    peer.send(&head[..20 << 10]);
    assert_eq!(peer.answer().status, 431, "the rest never came");
    assert_eq!(ask(&site, &head).status, 431, "and its answer is not lost when it does");
    site.ends_empty();
}

#[test]
fn s10_a_head_in_single_bytes_ends_at_the_same_limit() {
    let site = Site::start(|settings| settings.server.max_header_bytes = ByteSize::from_kib(4));
    let mut peer = site.knock();
    let head = request("/ws", &format!("X: {}\r\n", "x".repeat(64 << 10)));
    head.as_bytes().iter().take(5 << 10).all(|byte| peer.send([*byte]));
    assert_eq!(peer.answer().status, 431);
    let deadline = Instant::now() + PATIENCE;
    while peer.send(b"x") {
        assert!(Instant::now() < deadline, "nobody hung up on a peer that goes on and on");
    }

    let mut slow = site.knock();
    for byte in request("/ws", "").as_bytes() {
        slow.send([*byte]);
    }
    assert_eq!(slow.answer().status, 101, "slow is not wrong");
    drop(slow);
    site.ends_empty();
}

#[test]
fn s14_bytes_outside_of_ascii_in_a_subprotocol_are_refused() {
    let site = Site::start(|_| {});
    for byte in [0x00, 0x80, 0xC3, 0xFF] {
        let mut bytes = request("/ws", "Sec-WebSocket-Protocol: gohub.v1.json_\r\n").into_bytes();
        let at = bytes.iter().position(|b| *b == b'_').unwrap();
        bytes[at] = byte;
        assert_eq!(ask(&site, bytes).status, 400, "{byte:#x}");
    }
    site.ends_empty();
}

#[test]
fn s15_s16_long_lists_cost_no_more_than_their_length() {
    let site = Site::start(|settings| settings.server.max_header_bytes = ByteSize::from_kib(128));
    let spaces = format!("Sec-WebSocket-Protocol: b{}x\r\n", " ".repeat(32_000));
    let protocols = format!("Sec-WebSocket-Protocol: {}\r\n", vec!["p"; 10_000].join(", "));
    let parameters = format!("Sec-WebSocket-Extensions: permessage-deflate{}\r\n", "; a=1".repeat(10_000));
    let started = Instant::now();
    for (line, status) in [(spaces, 400), (protocols, 400), (parameters, 101)] {
        assert_eq!(ask(&site, request("/ws", &line)).status, status);
    }
    // The parser alone is timed in its own tests; here a quadratic one would show as many seconds.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    site.ends_empty();
}

#[test]
fn s16_s17_extensions_are_declined_by_silence() {
    let site = Site::start(|_| {});
    for value in [
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=abc",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "x; a=\"unterminated",
        ";;;,,,",
    ] {
        let mut peer = site.knock();
        peer.send(request("/ws", &format!("Sec-WebSocket-Extensions: {value}\r\n")));
        let answer = peer.answer();
        assert_eq!(answer.status, 101, "{value}");
        assert!(!answer.head.to_ascii_lowercase().contains("extensions"), "{answer:?}");
    }
    site.ends_empty();
}

#[test]
fn a_subprotocol_is_answered_with_the_one_chosen_and_only_when_offered() {
    let site = Site::start(|_| {});
    for (offered, chosen) in [
        ("gohub.v1.json", Some("gohub.v1.json")),
        ("other, gohub.v1.cbor, gohub.v1.json", Some("gohub.v1.cbor")),
        (",, gohub.v1.json", Some("gohub.v1.json")),
        ("", None),
    ] {
        let answer = ask(&site, request("/ws", &format!("Sec-WebSocket-Protocol: {offered}\r\n")));
        assert_eq!(answer.status, 101, "{offered}");
        let header = answer.head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!(header, chosen, "{offered}");
    }
    assert_eq!(ask(&site, request("/ws", "Sec-WebSocket-Protocol: graphql-ws\r\n")).status, 400);
    site.ends_empty();
}
