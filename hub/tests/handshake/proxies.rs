//! Whom a connection counts for when proxies stand before the hub: only a trusted one is believed.

use gohub_settings::Network;

use crate::peer::{Peer, request};
use crate::site::Site;

fn site(trusted: &str, header: &str) -> Site {
    let trusted: Network = trusted.parse().unwrap();
    let header = header.to_owned();
    Site::start(move |settings| {
        settings.proxies.trusted = vec![trusted];
        settings.proxies.proxy_protocol = header.is_empty();
        settings.proxies.address_header = header;
        settings.limits.max_connections_per_ip = 1;
    })
}

/// The status of the answer, and the connection, which lasts as long as it is held.
fn connect(site: &Site, before: &str, headers: &str) -> (u16, Peer) {
    let mut peer = site.knock();
    peer.send(format!("{before}{}", request("/ws", headers)));
    (peer.answer().status, peer)
}

#[test]
fn with_the_proxy_protocol_limits_are_about_the_client_behind_the_proxy() {
    let site = site("127.0.0.0/8", "");
    let client = |n: u8| format!("PROXY TCP4 192.0.2.{n} 127.0.0.1 4711 8080\r\n");
    let (first, second) = (connect(&site, &client(1), ""), connect(&site, &client(2), ""));
    assert_eq!((first.0, second.0), (101, 101));
    assert_eq!(connect(&site, &client(1), "").0, 429, "one connection for each address");
    site.until("it is counted by its limit", |hub| {
        hub.metrics().net().refused.counts() == [("max_connections_per_ip", 1)]
    });
    let (status, mut peer) = connect(&site, "", "");
    assert_eq!(status, 400, "a proxy that is trusted has to introduce");
    assert!(peer.is_hung_up_on());
    drop((first, second, peer));
    site.ends_empty();
}

#[test]
fn with_a_header_limits_are_about_the_client_it_names() {
    let site = site("127.0.0.0/8", "X-Forwarded-For");
    let header = |value: &str| format!("X-Forwarded-For: {value}\r\n");
    let (first, second) =
        (connect(&site, "", &header("192.0.2.1")), connect(&site, "", &header("192.0.2.1, 192.0.2.2")));
    assert_eq!((first.0, second.0), (101, 101));
    assert_eq!(connect(&site, "", &header("192.0.2.9,192.0.2.1, 127.0.0.1")).0, 429);
    assert_eq!(connect(&site, "", &header("not an address")).0, 400);
    let own = connect(&site, "", "");
    assert_eq!(own.0, 101, "without the header the proxy is the client");
    assert_eq!(connect(&site, "", "").0, 429);
    drop((first, second, own));
    site.ends_empty();
}

#[test]
fn what_strangers_say_about_addresses_is_ignored() {
    let with_header = site("10.0.0.0/8", "X-Forwarded-For");
    let first = connect(&with_header, "", "X-Forwarded-For: 192.0.2.1\r\n");
    let second = connect(&with_header, "", "X-Forwarded-For: 192.0.2.2\r\n");
    assert_eq!((first.0, second.0), (101, 429), "both are 127.0.0.1");
    drop((first, second));
    with_header.ends_empty();

    let with_protocol = site("10.0.0.0/8", "");
    let (status, peer) = connect(&with_protocol, "PROXY TCP4 192.0.2.1 127.0.0.1 4711 8080\r\n", "");
    assert_eq!(status, 505, "to us this is another HTTP");
    drop(peer);
    with_protocol.ends_empty();
}
