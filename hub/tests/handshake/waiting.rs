//! S8, S11: bytes that come too early, or never.

use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;

use crate::peer::{Peer, frame, request};
use crate::site::Site;

const TOKEN: &str = "a-long-random-token-0001";

fn broadcast(reference: &str) -> Vec<u8> {
    frame(0x81, format!(r#"{{"message_id":20,"ref":"{reference}","data":"{reference}"}}"#).as_bytes())
}

#[test]
fn s8_frames_right_behind_the_request_are_handled_after_101_and_none_is_lost() {
    let site = Site::start(|_| {});
    let mut peer = site.knock();
    let pings: Vec<u8> =
        (0..50).flat_map(|n| frame(0x81, format!(r#"{{"message_id":1,"ref":"{n}"}}"#).as_bytes())).collect();
    // The last frame is cut: its end comes after 101.
    let bytes = [request("/ws", "").into_bytes(), pings].concat();
    let (now, later) = bytes.split_at(bytes.len() - 5);
    peer.send(now);
    assert_eq!(peer.answer().status, 101);
    peer.send(later);
    assert!(peer.text().contains(r#""message_id":3"#), "the welcome comes first");
    for n in 0..50 {
        let pong = peer.text();
        assert!(pong.contains(r#""message_id":2"#) && pong.contains(&format!(r#""ref":"{n}""#)), "{pong}");
    }
    drop(peer);
    site.ends_empty();
}

#[test]
fn s8_frames_behind_a_refused_request_are_never_executed() {
    let site = Site::start(|settings| {
        settings.auth.required = true;
        settings.auth.tokens = vec![gohub_settings::Token {
            token: gohub_settings::Secret::new(TOKEN),
            client_id: String::new(),
            capabilities: None,
        }];
    });
    let mut listener = Peer::opened_at(site.hub.address(), &format!("/ws?token={TOKEN}"));
    for target in ["/ws", "/ws?token=a-long-random-token-0002", "/other"] {
        let mut intruder = site.knock();
        intruder.send([request(target, "").into_bytes(), broadcast("evil")].concat());
        assert_ne!(intruder.answer().status, 101);
        assert!(intruder.is_hung_up_on());
    }
    listener.send(broadcast("good"));
    let (first, second) = (listener.text(), listener.text());
    assert!(!first.contains("evil") && !second.contains("evil"), "{first} {second}");
    assert!(first.contains("good") && second.contains("good"), "{first} {second}");
    drop(listener);
    site.ends_empty();
}

#[test]
fn s11_half_a_request_ends_at_the_handshake_timeout_and_frees_its_place() {
    let site = Site::start(|settings| {
        settings.server.handshake_timeout = Setting::from_millis(300);
        settings.limits.max_connections = 1;
    });
    for half in ["", "GET /ws HTT", "GET /ws HTTP/1.1\r\nHost: hub.example\r\n"] {
        let started = Instant::now();
        let mut peer = site.knock();
        peer.send(half);
        let mut second = site.knock();
        second.send(request("/ws", ""));
        let answer = second.answer();
        assert_eq!(answer.status, 503, "the only place is taken");
        assert!(answer.head.contains("Retry-After: "), "{answer:?}");
        assert!(peer.is_hung_up_on());
        let waited = started.elapsed();
        assert!(waited >= Duration::from_millis(290) && waited < Duration::from_secs(5), "{waited:?}");
        // The place is free as soon as the socket is closed; the next one finds it.
        site.until("a free place", |hub| {
            hub.metrics().net().refused.counts().iter().any(|(why, _)| *why == "handshake_timeout")
        });
        drop(second);
    }
    let admitted = (0..200).any(|_| {
        let mut peer = site.knock();
        peer.send(request("/ws", ""));
        peer.answer().status == 101
    });
    assert!(admitted, "the place was never given back");
    site.ends_empty();
}

#[test]
fn s11_a_peer_that_says_nothing_does_not_hold_up_the_hubs_end() {
    let site = Site::start(|settings| settings.server.handshake_timeout = Setting::from_secs(60));
    let mut peer = site.knock();
    site.until("its handshake is under way", |hub| hub.metrics().net().handshaking.get() == 1);
    site.ends_empty();
    assert!(peer.is_hung_up_on());
}

#[test]
fn s11_a_refused_peer_that_stays_is_cut_and_counted_as_refused() {
    let site = Site::start(|settings| settings.server.handshake_timeout = Setting::from_millis(300));
    let mut peer = site.knock();
    peer.send(request("/other", ""));
    assert_eq!(peer.answer().status, 404);
    // It never hangs up by itself.
    site.until("the refusal is over", |hub| hub.metrics().net().refused.counts() == [("handshake", 1)]);
    drop(peer);
    site.ends_empty();
}
