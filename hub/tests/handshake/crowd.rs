//! S13, S21: many from one address, and addresses that are only claimed.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;
use socket2::{Domain, Socket, Type};

use crate::peer::{Peer, request};
use crate::site::Site;

/// A TCP connection from this address of the loopback network.
pub(crate) fn from(ip: [u8; 4], to: SocketAddr) -> Peer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(IpAddr::from(ip), 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Peer::over(socket.into())
}

#[test]
fn s13_half_open_connections_of_one_address_do_not_keep_others_out() {
    const CAP: u32 = 50;
    let site = Site::start(|settings| {
        settings.limits.max_connections_per_ip = CAP;
        settings.server.handshake_timeout = Setting::from_secs(60);
    });
    let address = site.hub.address();
    let crowd: Vec<TcpStream> = (0..5000).map_while(|_| TcpStream::connect(address).ok()).collect();
    assert_eq!(crowd.len(), 5000);
    let refused = |hub: &gohub::Hub| hub.metrics().net().refused.counts();
    site.until("all are judged", |hub| refused(hub).contains(&("max_connections_per_ip", u64::from(5000 - CAP))));
    // The best of a few, because this machine may be busy with something else.
    let times = (0..5).map(|_| {
        let started = Instant::now();
        let mut other = from([127, 0, 0, 2], address);
        other.send(request("/ws", ""));
        assert_eq!(other.answer().status, 101);
        started.elapsed()
    });
    assert!(times.min() < Some(Duration::from_secs(1)), "nobody gets in beside them");

    let mut same = from([127, 0, 0, 1], address);
    same.send(request("/ws", ""));
    // Among thousands of refused ones some are told why and the rest is cut.
    assert_eq!(same.try_answer().map_or(429, |answer| answer.status), 429);
    drop((crowd, same));
    site.ends_empty();
}

#[test]
fn s13_the_last_place_is_not_taken_twice_and_is_given_back() {
    let site = Site::start(|settings| settings.limits.max_connections_per_ip = 1);
    let address = site.hub.address();
    let first = Peer::opened(address);
    let mut second = site.knock();
    second.send(request("/ws", ""));
    let answer = second.answer();
    assert_eq!(answer.status, 429);
    assert!(answer.head.contains("Retry-After: "), "{answer:?}");
    drop(first);
    site.until("the first is gone", |hub| hub.metrics().connections() == 0);
    drop(Peer::opened(address));
    site.ends_empty();
}

#[test]
fn s21_an_address_that_is_only_claimed_counts_for_nothing() {
    let site = Site::start(|settings| settings.limits.max_connections_per_ip = 1);
    let _first = Peer::opened(site.hub.address());
    for line in ["X-Forwarded-For: 10.1.2.3\r\n", "Forwarded: for=10.1.2.3\r\n", "X-Real-IP: 10.1.2.3\r\n"] {
        let mut second = site.knock();
        second.send(request("/ws", line));
        assert_eq!(second.answer().status, 429, "{line}");
    }
    let mut proxied = from([127, 0, 0, 2], site.hub.address());
    proxied.send(format!("PROXY TCP4 10.1.2.3 10.1.2.4 1 2\r\n{}", request("/ws", "")));
    assert_ne!(proxied.answer().status, 101);
    let mut binary = from([127, 0, 0, 3], site.hub.address());
    binary.send([b"\r\n\r\n\0\r\nQUIT\n!\x11\0\x0C".as_slice(), &[0; 12], request("/ws", "").as_bytes()].concat());
    assert_eq!(binary.answer().status, 400);
    drop(_first);
    site.ends_empty();
}
