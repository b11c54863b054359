//! S56, S57: the closing handshake.

use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;

use crate::peer::{Peer, frame};
use crate::site::Site;

fn code(site: &Site, payload: &[u8]) -> u16 {
    let mut peer = Peer::opened(site.hub.address());
    peer.send(frame(0x88, payload));
    peer.closed()
}

#[test]
fn s56_close_codes_that_may_not_be_sent_are_answered_with_1002() {
    let site = Site::start(|_| {});
    assert_eq!(code(&site, b"\x03"), 1002, "half a code");
    for wrong in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535_u16] {
        assert_eq!(code(&site, &wrong.to_be_bytes()), 1002, "{wrong}");
    }
    site.ends_empty();
}

#[test]
fn s56_close_codes_that_may_be_sent_are_echoed() {
    let site = Site::start(|_| {});
    assert_eq!(code(&site, b""), 1005, "an empty close is answered with an empty one");
    for good in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999_u16] {
        assert_eq!(code(&site, &good.to_be_bytes()), good);
        let longest = [&good.to_be_bytes()[..], &[b'x'; 123]].concat();
        assert_eq!(code(&site, &longest), good, "with a reason");
    }
    site.ends_empty();
}

#[test]
fn s56_a_close_reason_that_is_not_utf_8_is_answered_with_1007() {
    let site = Site::start(|_| {});
    for reason in [&b"\xFF"[..], b"ok\xC3", b"\xED\xA0\x80"] {
        assert_eq!(code(&site, &[b"\x03\xE8", reason].concat()), 1007, "{reason:02X?}");
    }
    site.ends_empty();
}

#[test]
fn s57_what_comes_behind_a_close_is_ignored() {
    let site = Site::start(|_| {});
    let mut listener = Peer::opened(site.hub.address());
    let broadcast = |text: &str| frame(0x81, format!(r#"{{"message_id":20,"data":"{text}"}}"#).as_bytes());
    for close in [frame(0x88, b"\x03\xE8"), b"\x81\x00".to_vec()] {
        let mut peer = Peer::opened(site.hub.address());
        peer.send([&close[..], &broadcast("late")].concat());
        peer.send(broadcast("later"));
        peer.closed();
        peer.send(broadcast("too late"));
    }
    let mut other = Peer::opened(site.hub.address());
    other.send(broadcast("in time"));
    assert!(listener.text().contains("in time"));
    drop((listener, other));
    site.ends_empty();
}

#[test]
fn s57_a_peer_that_never_answers_a_close_is_cut_at_the_close_timeout() {
    let site = Site::start(|settings| settings.server.close_timeout = Setting::from_millis(300));
    let mut peer = Peer::opened(site.hub.address());
    let started = Instant::now();
    peer.send(b"\x81\x00");
    assert_eq!(peer.closed(), 1002);
    // It neither answers nor hangs up, and even goes on talking.
    while site.hub.metrics().connections() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "never cut");
        peer.send(frame(0x89, b"still here"));
        std::thread::park_timeout(Duration::from_millis(5));
    }
    assert!(started.elapsed() >= Duration::from_millis(290), "{:?}", started.elapsed());
    site.ends_empty();
}
