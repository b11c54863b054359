//! S58-S60: control frames, a great many.

use gohub_settings::{ByteSize, Duration as Setting};

use crate::peer::{Peer, frame};
use crate::process::Process;
use crate::site::Site;

const RATE: usize = 20;

fn site() -> Site {
    Site::start(|settings| settings.limits.control_rate = RATE as u32)
}

#[test]
fn s58_pings_are_answered_in_order_up_to_the_rate_and_a_flood_is_closed_with_1008() {
    let site = site();
    let mut peer = Peer::opened(site.hub.address());
    let ping = |n: usize| frame(0x89, n.to_string().as_bytes());
    peer.send((0..RATE).flat_map(ping).collect::<Vec<u8>>());
    for n in 0..RATE {
        let pong = peer.frame().expect("a pong");
        assert_eq!((pong.opcode, pong.payload), (0xA, n.to_string().into_bytes()));
    }
    peer.send((0..1000).flat_map(ping).collect::<Vec<u8>>());
    assert_eq!(peer.closed(), 1008);
    site.ends_empty();
}

#[test]
fn s59_a_peer_that_pings_and_never_reads_costs_no_memory() {
    let settings = "limits: {control_rate: 0, byte_rate: 0B}\nserver: {write_timeout: 60s}\n";
    let process = Process::start(settings, "true");
    let mut peer = Peer::opened(process.address());
    // Fills what the kernel holds on both sides, with everything the hub needs for one peer in place.
    let many: Vec<u8> =
        (0..1000_u32).flat_map(|n| frame(0x89, &[&n.to_be_bytes()[..], &[b'x'; 121]].concat())).collect();
    for _ in 0..50 {
        peer.send(&many);
    }
    let before = process.rss();
    for _ in 0..150 {
        peer.send(&many);
    }
    let grown = process.rss().saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more for 19 MB of pings");
    // The peer reads at last: the newest ping is answered, and the connection is as good as before.
    peer.send(frame(0x89, b"the last one"));
    loop {
        let pong = peer.frame().expect("pongs until the last");
        assert_eq!(pong.opcode, 0xA);
        if pong.payload == b"the last one" {
            break;
        }
    }
}

#[test]
fn s60_pongs_nobody_asked_for_are_ignored_up_to_the_rate_and_a_flood_is_closed_with_1008() {
    let site = site();
    let mut peer = Peer::opened(site.hub.address());
    peer.send(frame(0x8A, b"unasked").repeat(RATE / 2));
    peer.send(frame(0x81, br#"{"message_id":1,"ref":"fine"}"#));
    assert!(peer.text().contains(r#""ref":"fine""#));
    peer.send(frame(0x8A, b"unasked").repeat(1000));
    assert_eq!(peer.closed(), 1008);
    site.ends_empty();
}

#[test]
fn a_peer_that_we_do_not_listen_to_is_not_taken_for_dead() {
    let site = Site::start(|settings| {
        settings.limits.byte_rate = ByteSize::from_kib(64);
        settings.limits.max_message = ByteSize::from_kib(256);
        settings.heartbeat.interval = Setting::from_millis(150);
        settings.heartbeat.timeout = Setting::from_millis(150);
        settings.server.read_timeout = Setting::from_millis(150);
    });
    let mut peer = Peer::opened(site.hub.address());
    // It is read in pieces, with a second of debt behind each: for so long the hub hears nothing.
    let ping = |reference: &str, padding: usize| {
        let padding = " ".repeat(padding);
        frame(0x81, format!(r#"{{"message_id":1,"ref":"{reference}"{padding}}}"#).as_bytes())
    };
    let bytes = [ping("first", 200_000), ping("second", 100)].concat();
    let (now, later) = bytes.split_at(bytes.len() - 20);
    peer.send(now);
    peer.send(later);
    let mut answers = vec![peer.text()];
    while !answers[answers.len() - 1].contains(r#""ref":"second""#) {
        answers.push(peer.text());
    }
    assert!(answers.iter().any(|text| text.contains(r#""message_id":33"#)), "it is told to wait: {answers:?}");
    assert!(answers.iter().any(|text| text.contains(r#""ref":"first""#)), "{answers:?}");
    drop(peer);
    site.ends_empty();
}
