//! S61, S62: receivers that stop reading.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use gohub::Hub;
use gohub_settings::{ByteSize, Duration as Setting, Settings, SlowPolicy};
use socket2::{Domain, Socket, Type};

use crate::peer::{Peer, frame};
use crate::site::Site;

/// The kernel's buffers are small, so that a receiver that stops is noticed after some hundred KiB.
fn site(change: impl FnOnce(&mut Settings)) -> Site {
    Site::start(|settings| {
        settings.server.send_buffer = ByteSize::from_kib(16);
        settings.server.close_timeout = Setting::from_millis(300);
        settings.slow_client.policy = SlowPolicy::Kick;
        settings.slow_client.max_pending = ByteSize::from_kib(128);
        settings.limits.message_rate = 0;
        change(settings);
    })
}

/// Connected to `room`, with a receive buffer that is soon full. It never reads again.
fn stalled(address: SocketAddr, room: &str) -> Peer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut peer = Peer::over(TcpStream::from(socket));
    peer.send(crate::peer::request(&format!("/ws?client_id=slow&rooms={room}"), ""));
    assert_eq!(peer.answer().status, 101);
    peer
}

/// A peer that publishes to the room and reads what it has published: one after the other, and how long each took.
fn talk(peer: &mut Peer, count: usize) -> Vec<Duration> {
    let padding = "x".repeat(4000);
    let mut times: Vec<Duration> = (0..count)
        .map(|n| {
            let started = Instant::now();
            peer.send(frame(0x81, format!(r#"{{"message_id":22,"room":"r","data":"{n} {padding}"}}"#).as_bytes()));
            let text = peer.text();
            assert!(text.contains(&format!("\"{n} xxx")), "nothing is lost: {n}, {text:.200}");
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

/// Not the 99th percentile: on a busy machine that is somebody else's work.
fn typical(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

fn kicked(hub: &Hub) -> u64 {
    hub.metrics().shards().iter().map(|shard| shard.slow_kicked.get()).sum()
}

#[test]
fn s61_a_receiver_that_stops_is_cut_by_bytes_and_the_others_do_not_notice() {
    let site = site(|_| {});
    let mut busy = Peer::opened_at(site.hub.address(), "/ws?client_id=busy&rooms=r");
    let before = typical(&talk(&mut busy, 300));
    let _slow = stalled(site.hub.address(), "r");
    let during = typical(&talk(&mut busy, 1000));
    site.until("the slow one is cut", |hub| kicked(hub) == 1);
    site.until("and gone, though it never answers", |hub| hub.metrics().connections() == 1);
    assert!(during < before * 4 + Duration::from_millis(10), "{during:?}, was {before:?}");
    drop(busy);
    site.ends_empty();
}

#[test]
fn s61_a_receiver_that_takes_nothing_is_cut_at_the_write_timeout_whatever_the_policy() {
    let site = site(|settings| {
        settings.slow_client.policy = SlowPolicy::Drop;
        settings.server.write_timeout = Setting::from_millis(400);
    });
    let mut busy = Peer::opened_at(site.hub.address(), "/ws?client_id=busy&rooms=r");
    let slow = stalled(site.hub.address(), "r");
    talk(&mut busy, 200);
    site.until("the slow one is gone", |hub| hub.metrics().connections() == 1);
    drop((busy, slow));
    site.ends_empty();
}

#[test]
fn s61_a_receiver_that_is_old_news_is_cut_by_age() {
    let site = site(|settings| {
        settings.slow_client.max_pending = ByteSize::from_mib(8);
        settings.slow_client.max_age = Setting::from_millis(300);
    });
    let mut busy = Peer::opened_at(site.hub.address(), "/ws?client_id=busy&rooms=r");
    let slow = stalled(site.hub.address(), "r");
    talk(&mut busy, 200);
    site.until("the slow one is cut", |hub| kicked(hub) == 1);
    site.until("the slow one is gone", |hub| hub.metrics().connections() == 1);
    drop((busy, slow));
    site.ends_empty();
}

#[test]
fn s61_answers_that_nobody_reads_are_bounded() {
    let site = site(|settings| settings.server.write_timeout = Setting::from_millis(400));
    let mut peer = stalled(site.hub.address(), "r");
    // Every request has an answer; the hub stops reading when they pile up, and TCP stops the peer.
    peer.socket.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let requests = frame(0x81, br#"{"message_id":1,"ref":"a-tag-that-comes-back-in-the-answer"}"#).repeat(1000);
    while std::io::Write::write(&mut peer.socket, &requests).is_ok() {}
    site.until("the peer is gone", |hub| hub.metrics().connections() == 0);
    site.ends_empty();
}

#[test]
fn s62_a_hundred_receivers_that_stop_at_once_leave_clean_rooms() {
    let site = site(|_| {});
    let mut busy = Peer::opened_at(site.hub.address(), "/ws?client_id=busy&rooms=r");
    let slow: Vec<Peer> = (0..100).map(|_| stalled(site.hub.address(), "r")).collect();
    site.until("all are in", |hub| hub.metrics().connections() == 101);
    talk(&mut busy, 300);
    site.until("all are cut", |hub| kicked(hub) == 100);
    site.until("all are gone", |hub| hub.metrics().connections() == 1);
    busy.send(frame(0x81, br#"{"message_id":12,"room":"r","ref":"who"}"#));
    let who = busy.text();
    assert!(who.contains(r#""clients":["busy"]"#), "{who}");
    talk(&mut busy, 10);
    drop((busy, slow));
    site.ends_empty();
}
