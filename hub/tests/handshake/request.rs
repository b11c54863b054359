//! S1-S4, S7, S18: the request line and the headers that make it an upgrade.

use crate::peer::{Answer, KEY, request};
use crate::site::Site;

/// The answer to the example key of RFC 6455.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn ask(site: &Site, bytes: impl AsRef<[u8]>) -> Answer {
    let mut peer = site.knock();
    peer.send(bytes);
    peer.answer()
}

/// A refusal is an answer that ends the connection.
fn refused(site: &Site, bytes: impl AsRef<[u8]>) -> Answer {
    let mut peer = site.knock();
    peer.send(bytes);
    let answer = peer.answer();
    assert_ne!(answer.status, 101, "{answer:?}");
    assert!(answer.has("Connection: close"), "{answer:?}");
    assert!(peer.is_hung_up_on(), "nothing follows a refusal");
    answer
}

#[test]
fn s1_http_1_0_a_missing_host_and_bare_line_feeds_are_refused() {
    let site = Site::start(|_| {});
    let good = request("/ws", "");
    assert_eq!(refused(&site, good.replace("Host: hub.example\r\n", "")).status, 400);
    assert_eq!(refused(&site, good.replace("HTTP/1.1", "HTTP/1.0")).status, 400);
    assert_eq!(refused(&site, good.replace("\r\n", "\n")).status, 400, "its empty line never comes");
    assert_eq!(refused(&site, good.replace("\r\nUpgrade", "\nUpgrade")).status, 400);
    assert_eq!(refused(&site, format!("\r\n{good}")).status, 400);
    assert_eq!(ask(&site, good).status, 101);
    site.ends_empty();
}

#[test]
fn s2_only_get_upgrades() {
    let site = Site::start(|_| {});
    for method in ["POST", "HEAD", "PUT", "OPTIONS", "CONNECT"] {
        let mut peer = site.knock();
        peer.send(request("/ws", "").replacen("GET", method, 1));
        let answer = peer.answer();
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.has("Allow: GET"), "{answer:?}");
    }
    site.ends_empty();
}

#[test]
fn s3_a_plain_get_is_told_to_upgrade() {
    let site = Site::start(|_| {});
    let good = request("/ws", "");
    for bytes in [
        "GET /ws HTTP/1.1\r\nHost: hub.example\r\n\r\n".to_owned(),
        good.replace("Upgrade: websocket\r\n", ""),
        good.replace("Connection: Upgrade\r\n", ""),
        good.replace("Connection: Upgrade", "Connection: keep-alive"),
        good.replace("websocket", "h2c"),
    ] {
        let answer = refused(&site, bytes);
        assert_eq!(answer.status, 426);
        assert!(answer.has("Upgrade: websocket") && answer.has("Sec-WebSocket-Version: 13"), "{answer:?}");
    }
    site.ends_empty();
}

#[test]
fn s4_every_spelling_of_a_good_request_is_accepted() {
    let site = Site::start(|_| {});
    let good = request("/ws", "");
    for bytes in [
        good.replace("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        good.replace("Connection: Upgrade", "cOnNeCtIoN:upgrade"),
        good.replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"),
        good.replace("Upgrade: websocket", "UPGRADE: WebSocket"),
        good.replace("Sec-WebSocket-Key", "sec-websocket-key").replace("Host:", "host:"),
        good.replace("Host: hub.example", "Host: hub.example\r\nContent-Length: 0"),
        good.replace("GET /ws", "GET http://hub.example/ws"),
    ] {
        let answer = ask(&site, &bytes);
        assert_eq!(answer.status, 101, "{bytes}");
        assert!(answer.has(&format!("Sec-WebSocket-Accept: {ACCEPT}")), "{answer:?}");
        assert!(answer.has("Upgrade: websocket") && answer.has("Connection: Upgrade"), "{answer:?}");
    }
    site.ends_empty();
}

#[test]
fn s7_what_two_parsers_could_read_differently_is_refused_and_its_body_never_read_as_a_request() {
    let site = Site::start(|_| {});
    let hidden = request("/ws", "");
    for (line, body) in [
        ("Host: other.example\r\n", ""),
        ("Content-Length: 5\r\n", "hello"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"),
        ("X: a\r\n folded\r\n", ""),
        ("X : a\r\n", ""),
    ] {
        let answer = refused(&site, format!("{}{body}{hidden}", request("/ws", line)));
        assert_eq!(answer.status, 400, "{line:?}");
    }
    site.ends_empty();
}

#[test]
fn s18_other_paths_are_not_there_and_endless_ones_are_refused() {
    let site = Site::start(|_| {});
    for (target, status) in [
        ("/", 404),
        ("/other", 404),
        ("/ws/", 404),
        ("/..%2f", 404),
        ("/..%2fws", 404),
        ("/%77s", 404),
        ("/echo", 404),
        ("/metrics", 404),
        ("http://hub.example/other", 404),
        ("*", 400),
    ] {
        assert_eq!(refused(&site, request(target, "")).status, status, "{target}");
    }
    let long = format!("/ws?{}", "x".repeat(100 << 10));
    assert_eq!(refused(&site, request(&long, "")).status, 414);
    let just_too_long = format!("/ws?{}", "x".repeat(16 << 10));
    assert_eq!(refused(&site, request(&just_too_long, "")).status, 414);
    assert_eq!(ask(&site, request("/ws?unknown=1&client_id=a", "")).status, 101);
    assert_eq!(refused(&site, request("/ws?client_id=a&client_id=b", "")).status, 400);
    assert_eq!(refused(&site, request("/ws?client_id=%ff", "")).status, 400);
    site.ends_empty();
}

#[test]
fn s5_s6_version_and_key_are_judged_before_anything_is_upgraded() {
    let site = Site::start(|_| {});
    let good = request("/ws", "");
    for version in ["8", "0", "13, 8", ""] {
        let answer = refused(&site, good.replace("Version: 13", &format!("Version: {version}")));
        assert_eq!(answer.status, 426, "{version:?}");
        assert!(answer.has("Sec-WebSocket-Version: 13"), "{answer:?}");
    }
    assert_eq!(refused(&site, good.replace("Sec-WebSocket-Version: 13\r\n", "")).status, 426);
    for key in ["", "c2hvcnQ=", "not base64, not at all!!", "dGhlIHNhbXBsZSBub25jZQ"] {
        assert_eq!(refused(&site, good.replace(KEY, key)).status, 400, "{key:?}");
    }
    assert_eq!(refused(&site, request("/ws", &format!("Sec-WebSocket-Key: {KEY}\r\n"))).status, 400);
    assert_eq!(refused(&site, good.replace(&format!("Sec-WebSocket-Key: {KEY}\r\n"), "")).status, 400);
    site.ends_empty();
}
