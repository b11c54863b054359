//! S54: messages that are begun and not finished, and those that only look so.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;

use crate::peer::{Peer, frame};
use crate::site::{PATIENCE, Site};

const TIMEOUT: Duration = Duration::from_millis(400);

/// What is sent, one after the other.
type Drops = Box<dyn Iterator<Item = Vec<u8>>>;

fn site() -> Site {
    Site::start(|settings| settings.server.read_timeout = Setting::from_millis(TIMEOUT.as_millis() as u64))
}

/// Sends one of `bytes` every 20 ms until the hub says something; how long that took.
fn drip(peer: &mut Peer, mut bytes: impl Iterator<Item = Vec<u8>>) -> Duration {
    let started = Instant::now();
    peer.socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    while let Err(error) = peer.socket.peek(&mut [0]) {
        assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()), "{error}");
        assert!(started.elapsed() < PATIENCE, "nobody minds");
        peer.send(bytes.next().expect("enough to send"));
    }
    peer.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    started.elapsed()
}

#[test]
fn s54_an_unfinished_message_ends_at_the_read_timeout() {
    let site = site();
    let single = |bytes: Vec<u8>| bytes.into_iter().map(|byte| vec![byte]);
    let fragments = std::iter::once(frame(0x01, b" ")).chain(std::iter::repeat_with(|| frame(0x00, b" ")));
    let empty = std::iter::once(frame(0x01, b" ")).chain(std::iter::repeat_with(Vec::new));
    let cases: [(&str, Drops); 4] = [
        ("payload in single bytes", Box::new(single(frame(0x81, &[b' '; 50_000])))),
        ("fragments without end", Box::new(fragments)),
        (
            "half a header",
            Box::new([vec![0x81], vec![0xFE], vec![0x01]].into_iter().chain(std::iter::repeat_with(Vec::new))),
        ),
        ("a fragment and nothing more", Box::new(empty)),
    ];
    for (what, bytes) in cases {
        let mut peer = Peer::opened(site.hub.address());
        let took = drip(&mut peer, bytes);
        assert_eq!(peer.closed(), 1008, "{what}");
        assert!(took >= TIMEOUT - Duration::from_millis(20) && took < TIMEOUT * 10, "{what}: {took:?}");
    }
    site.ends_empty();
}

#[test]
fn s54_pings_between_fragments_do_not_win_time() {
    let site = site();
    let mut peer = Peer::opened(site.hub.address());
    peer.send(frame(0x01, b"{"));
    let started = Instant::now();
    let code = loop {
        peer.send(frame(0x89, b""));
        match peer.frame() {
            Some(pong) if pong.opcode == 0xA => assert!(started.elapsed() < PATIENCE, "nobody minds"),
            Some(close) => break close.code(),
            None => break 1006,
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    assert_eq!(code, 1008);
    drop(peer);
    site.ends_empty();
}

#[test]
fn a_busy_peer_whose_messages_are_always_cut_is_not_mistaken_for_a_stuck_one() {
    let site = site();
    let attempts = (0..20).map(|_| talk_in_halves(&mut Peer::opened(site.hub.address())));
    let fair = attempts.into_iter().find(|(_, longest_gap)| *longest_gap < TIMEOUT / 2);
    let (closed, _) = fair.expect("an attempt during which this machine did not stand still");
    assert_eq!(closed, None);
    site.ends_empty();
}

/// Sends messages so that at no moment there is no half one at the hub, and none of them is old. The code if it is closed for it, and
/// the longest time that a message was in fact left unfinished.
fn talk_in_halves(peer: &mut Peer) -> (Option<u16>, Duration) {
    let message = |n: u32| frame(0x81, format!(r#"{{"message_id":1,"ref":"{n}"}}"#).as_bytes());
    let started = Instant::now();
    let (mut begun, mut longest_gap) = (started, Duration::ZERO);
    peer.send(&message(0)[..5]);
    let mut n = 0;
    while started.elapsed() < TIMEOUT * 3 {
        peer.send([&message(n)[5..], &message(n + 1)[..5]].concat());
        let answer = peer.frame();
        longest_gap = longest_gap.max(begun.elapsed());
        begun = Instant::now();
        match answer {
            Some(pong) if pong.opcode == 1 => assert!(pong.text().contains(&format!(r#""ref":"{n}""#)), "{pong:?}"),
            other => return (Some(other.map_or(1006, |close| close.code())), longest_gap),
        }
        n += 1;
    }
    (None, longest_gap)
}

#[test]
fn a_connection_that_is_closed_in_the_middle_of_a_message_ends_and_the_shard_goes_on() {
    let site = Site::start(|settings| {
        settings.server.shards = 1;
        settings.server.read_timeout = Setting::from_millis(100);
        settings.server.close_timeout = Setting::from_millis(400);
        settings.clients.duplicate = gohub_settings::Duplicate::Replace;
    });
    let mut older = Peer::opened_at(site.hub.address(), "/ws?client_id=alice");
    older.send(frame(0x01, b" "));
    // The hub closes the older one while half of its message is here; the message's deadline comes while it is closing.
    let mut newer = Peer::opened_at(site.hub.address(), "/ws?client_id=alice");
    site.until("the older one is gone", |hub| hub.metrics().connections() == 1);
    newer.send(frame(0x89, b"alive"));
    assert_eq!(newer.frame().expect("the shard still turns").payload, b"alive");
    drop((older, newer));
    site.ends_empty();
}
