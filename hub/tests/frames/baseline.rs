//! After every kind of bad frame the process has no more descriptors and no more memory than before.

use crate::peer::{Peer, frame};
use crate::process::Process;

/// One round of everything; the peers are gone at its end.
fn round(process: &Process) {
    let mut peers: Vec<Peer> = Vec::new();
    let mut throw = |bytes: &[u8]| {
        let mut peer = Peer::opened(process.address());
        peer.send(bytes);
        peers.push(peer);
    };
    let large = frame(0x81, &[b' '; 60_000]);
    let endless = [&[0x82, 0xFF, 0, 0, 0, 0][..], &(100_u32 << 20).to_be_bytes(), &[0; 8]].concat();
    for n in 0..50 {
        throw(b"\x81\x05hello");
        throw(&endless);
        throw(&large[..1000 * (1 + n)]);
        throw(&large);
        throw(&frame(0x81, b"\xFF"));
        throw(&[frame(0x01, b" "), frame(0x00, b" ").repeat(2000)].concat());
        throw(&frame(0x89, b"ping").repeat(500));
        throw(&frame(0x88, b"\x03\xE8"));
    }
    for (n, peer) in peers.into_iter().enumerate() {
        if n % 2 == 0 {
            peer.reset();
        }
    }
}

#[test]
fn descriptors_and_memory_are_back_where_they_were() {
    let process = Process::start("server: {close_timeout: 300ms, read_timeout: 300ms}\n", "true");
    let before = process.descriptors();
    round(&process);
    process.until("the first round's descriptors are closed", |process| process.descriptors() <= before);
    let warm = process.rss();
    for _ in 0..3 {
        round(&process);
        process.until("all descriptors are closed", |process| process.descriptors() <= before);
    }
    process.until("1,600 bad peers have left nothing", |process| process.rss() <= warm + (2 << 10));
}

#[test]
fn s49_announced_megabytes_cost_nothing() {
    let process = Process::start("{}", "true");
    let announce = |length: u64| [&[0x82, 0xFF][..], &length.to_be_bytes(), &[1, 2, 3, 4, 0, 0, 0, 0]].concat();
    let mut peers: Vec<Peer> = (0..100).map(|_| Peer::opened(process.address())).collect();
    let before = process.rss();
    for peer in &mut peers {
        peer.send(announce(100 << 20));
        assert_eq!(peer.closed(), 1009);
    }
    let grown = process.rss().saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB more for a hundred of them");
}
