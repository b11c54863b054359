//! After every kind of bad handshake the process has no more descriptors and no more memory than before.

use std::time::Duration;

use crate::peer::{Peer, frame, request};
use crate::process::Process;

/// One round of everything; the peers are gone at its end.
fn round(process: &Process) {
    let knock = |bytes: &[u8]| {
        let mut peer = process.knock();
        peer.send(bytes);
        peer
    };
    let mut peers: Vec<Peer> = Vec::new();
    for n in 0..200 {
        let good = request("/ws", "");
        peers.push(knock(b""));
        peers.push(knock(&good.as_bytes()[..n % good.len()]));
        peers.push(knock(request("/ws", &format!("X: {}\r\n", "x".repeat(64 << 10))).as_bytes()));
        peers.push(knock(good.replace("\r\n", "\n").as_bytes()));
        knock(&good.as_bytes()[..n % good.len()]).reset();
        knock(good.as_bytes()).reset();
        drop(knock(good.as_bytes()));
        let mut half = knock(&good.as_bytes()[..n % good.len()]);
        half.finish();
        assert!(half.is_hung_up_on());
        let mut whole = Peer::opened(process.address());
        whole.send(frame(0x88, &[0x03, 0xE8]));
        assert_eq!(whole.closed(), 1000);
    }
}

#[test]
fn descriptors_and_memory_are_back_where_they_were() {
    let process = Process::start("server: {handshake_timeout: 300ms, close_timeout: 300ms}\n", "true");
    let before = process.descriptors();
    // The first round fills the allocator's caches, which stay.
    round(&process);
    process.until("the first round's descriptors are closed", |process| process.descriptors() <= before);
    let warm = process.rss();
    for _ in 0..3 {
        round(&process);
        process.until("all descriptors are closed", |process| process.descriptors() <= before);
    }
    process.until("5,400 handshakes have left nothing", |process| process.rss() <= warm + (2 << 10));
}

#[test]
fn s10_a_head_in_single_bytes_costs_no_more_for_being_long() {
    let process = Process::start("server: {handshake_timeout: 60s, max_header_bytes: 64KiB}\n", "true");
    let drip = |length: usize| {
        let mut peer = process.knock();
        let head = request("/ws", &format!("X: {}\r\n", "x".repeat(length)));
        head.as_bytes().iter().all(|byte| peer.send([*byte]));
        assert_eq!(peer.answer().status, 101);
    };
    let before = process.cpu();
    (0..4).for_each(|_| drip(4 << 10));
    let short = process.cpu();
    drip(16 << 10);
    let (short, long) = (short - before, process.cpu() - short);
    // Were every byte looked at again with the next one, it would be four times as much.
    assert!(long < short * 2 + Duration::from_millis(50), "{long:?} for one long head, {short:?} for four short ones");
}
