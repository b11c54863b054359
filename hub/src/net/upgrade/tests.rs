//! Tables of what the parser of upgrade requests must refuse, and of what it must not.

use std::time::{Duration, Instant};

use super::*;

/// What an attack may cost. A quadratic parser needs seconds; code that is not optimised is ten times slower.
const SOON: Duration = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A good request, with these lines instead of or behind its own.
fn request(line: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let good = [
        ("Host", "hub.example:8080"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", KEY),
    ];
    let kept = good.iter().filter(|(name, _)| !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    let mut text = format!("{line}\r\n");
    for (name, value) in kept.chain(headers).filter(|(_, value)| *value != "-") {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n").into_bytes()
}

fn parse(head: &[u8]) -> Result<Upgrade, Rejection> {
    Upgrade::parse(head, |path| path == "/ws", Some("X-Forwarded-For"))
}

/// The status of the answer; 101 for a request that is fine.
fn status(head: &[u8]) -> u16 {
    parse(head).map_or_else(|rejection| rejection.status, |_| 101)
}

fn with(headers: &[(&str, &str)]) -> u16 {
    status(&request("GET /ws HTTP/1.1", headers))
}

#[test]
fn a_good_request_is_read() {
    let head = request(
        "GET /ws?client_id=a&token=t%20t HTTP/1.1",
        &[
            ("Origin", "https://app.example"),
            ("Sec-WebSocket-Protocol", "gohub.v1.cbor, other"),
            ("sec-websocket-protocol", "gohub.v1.json"),
            ("Authorization", "bEARER  secret-token "),
        ],
    );
    let upgrade = parse(&head).unwrap();
    assert_eq!(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the example of RFC 6455 section 1.3");
    assert_eq!((upgrade.path.as_str(), upgrade.query.as_str()), ("/ws", "client_id=a&token=t%20t"));
    assert_eq!(upgrade.protocols, ["gohub.v1.cbor, other", "gohub.v1.json"]);
    assert_eq!(upgrade.origin.as_deref(), Some("https://app.example"));
    assert_eq!(upgrade.bearer.as_deref(), Some("secret-token"));
    let shown = format!("{upgrade:?}");
    assert!(!shown.contains("secret-token") && !shown.contains("t%20t"), "{shown}");
}

#[test]
fn s1_request_lines_are_strict() {
    for (line, expected) in [
        ("GET /ws HTTP/1.1", 101),
        ("GET /ws HTTP/1.0", 400),
        ("GET /ws HTTP/2.0", 505),
        ("GET /ws HTTP/1.2", 505),
        ("GET /ws", 400),
        ("GET  /ws HTTP/1.1", 400),
        ("GET /ws  HTTP/1.1", 505),
        ("GET\t/ws HTTP/1.1", 400),
        ("GET /w\0s HTTP/1.1", 400),
        ("GET /w s HTTP/1.1", 505),
        (" GET /ws HTTP/1.1", 400),
        ("get /ws HTTP/1.1", 405),
        ("POST /ws HTTP/1.1", 405),
        ("HEAD /ws HTTP/1.1", 405),
        ("CONNECT /ws HTTP/1.1", 405),
        ("POST /other HTTP/1.1", 404),
    ] {
        assert_eq!(status(&request(line, &[])), expected, "{line:?}");
    }
}

#[test]
fn s1_lines_end_with_cr_lf() {
    let good = String::from_utf8(request("GET /ws HTTP/1.1", &[])).unwrap();
    assert_eq!(status(good.replacen("\r\n", "\n", 1).as_bytes()), 400);
    assert_eq!(status(good.replace("\r\nUpgrade", "\nUpgrade").as_bytes()), 400);
    assert_eq!(status(good.replace("\r\nUpgrade", "\r\r\nUpgrade").as_bytes()), 400);
    assert_eq!(status(good.replace("\r\nUpgrade", "\rUpgrade").as_bytes()), 400);
    assert_eq!(status(good.strip_suffix("\r\n").unwrap().as_bytes()), 400, "incomplete");
}

#[test]
fn s3_s5_what_is_no_websocket_13_is_told_what_would_be() {
    for headers in [
        &[("Upgrade", "-")][..],
        &[("Upgrade", "h2c")],
        &[("Upgrade", "websocketx")],
        &[("Connection", "-")],
        &[("Connection", "keep-alive")],
        &[("Connection", "close"), ("Upgrade", "websocket")],
        &[("Sec-WebSocket-Version", "-")],
        &[("Sec-WebSocket-Version", "8")],
        &[("Sec-WebSocket-Version", "0")],
        &[("Sec-WebSocket-Version", "13, 8")],
        &[("Sec-WebSocket-Version", "013")],
    ] {
        let rejection = parse(&request("GET /ws HTTP/1.1", headers)).unwrap_err();
        assert_eq!(rejection.status, 426, "{headers:?}");
        let answer = String::from_utf8(rejection.encode()).unwrap();
        assert!(answer.contains("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), "{answer}");
    }
}

#[test]
fn s4_tokens_are_found_in_lists_whatever_their_case() {
    for headers in [
        &[("Connection", "keep-alive, Upgrade")][..],
        &[("connection", "keep-alive"), ("CONNECTION", "uPgRaDe")],
        &[("Upgrade", "WebSocket")],
        &[("UPGRADE", "h2c , websocket")],
        &[("sec-websocket-KEY", KEY), ("Sec-Websocket-Version", "  13\t")],
    ] {
        assert_eq!(with(headers), 101, "{headers:?}");
    }
}

#[test]
fn s6_the_key_is_16_bytes_in_base64_and_there_once() {
    for key in [
        "-",
        "",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25j",
        "dGhlIHNhbXBsZSBub25jZXg=",
        "dGhlIHNhbXBsZSBub25jZR==",
        "!GhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBs ZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        assert_eq!(with(&[("Sec-WebSocket-Key", key)]), 400, "{key:?}");
    }
    assert_eq!(with(&[("Sec-WebSocket-Key", KEY), ("sec-websocket-key", KEY)]), 400);
}

#[test]
fn s7_nothing_two_parsers_could_read_differently_is_accepted() {
    for headers in [
        &[("Host", "-")][..],
        &[("Host", "")],
        &[("Host", "a"), ("host", "a")],
        &[("Host", "a b")],
        &[("Host", "a, b")],
        &[("Host", "user@a")],
        &[("Host", "a/b")],
        &[("Content-Length", "5")],
        &[("Content-Length", "+0")],
        &[("Content-Length", "0"), ("content-length", "0")],
        &[("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "identity")],
        &[("Content-Length", "0"), ("Transfer-Encoding", "chunked")],
        &[("Origin", "https://a.example"), ("origin", "https://a.example")],
        &[("Sec-WebSocket-Version", "13"), ("sec-websocket-version", "13")],
        &[("Authorization", "Bearer a"), ("authorization", "Bearer a")],
        &[("X Y", "space in a name")],
        &[("X", "a\r\n folded")],
        &[("X", "a\r\n\tfolded")],
        &[("", "no name")],
        &[("X", "n\0ul")],
        &[("X", "e\x1bscape")],
    ] {
        assert_eq!(with(headers), 400, "{headers:?}");
    }
    let space_before_colon = String::from_utf8(request("GET /ws HTTP/1.1", &[])).unwrap().replace("Host:", "Host :");
    assert_eq!(status(space_before_colon.as_bytes()), 400);
    for host in ["a", "a.example:443", "127.0.0.1:8080", "[::1]:8080", "a_b.example", "xn--nxasmq6b"] {
        assert_eq!(with(&[("Host", host), ("Content-Length", "0")]), 101, "{host}");
    }
}

#[test]
fn s9_too_many_headers_are_refused_at_once() {
    let many: String = (0..2000).map(|n| format!("h{n}: v\r\n")).collect();
    let head =
        String::from_utf8(request("GET /ws HTTP/1.1", &[])).unwrap().replace("Upgrade: ", &format!("{many}Upgrade: "));
    assert_eq!(status(head.as_bytes()), 431);
    assert!(fastest(|| status(head.as_bytes())) < SOON);
}

#[test]
fn s14_only_ascii_is_a_value_we_read() {
    let good = request("GET /ws HTTP/1.1", &[("Sec-WebSocket-Protocol", "gohub.v1.json_")]);
    for byte in [0x00, 0x01, 0x1B, 0x7F, 0x80, 0xC3, 0xFF] {
        let head: Vec<u8> = good.iter().map(|b| if *b == b'_' { byte } else { *b }).collect();
        assert_eq!(status(&head), 400, "{byte:#x}");
    }
    let agent = [&good[..good.len() - 2], b"User-Agent: \xFF\xC3\r\n\r\n"].concat();
    assert_eq!(status(&agent), 101, "nobody reads this one");
}

#[test]
fn s15_s16_long_values_cost_no_more_than_their_length() {
    let spaces = format!("b{}x", " ".repeat(32_000));
    let protocols = vec!["p"; 10_000].join(",");
    let parameters = format!("permessage-deflate{}", "; a=\"".repeat(10_000));
    for (name, value) in [
        ("Sec-WebSocket-Protocol", &spaces),
        ("Sec-WebSocket-Protocol", &protocols),
        ("Connection", &spaces),
        ("Upgrade", &protocols),
        ("Sec-WebSocket-Extensions", &parameters),
    ] {
        let head = request("GET /ws HTTP/1.1", &[(name, value.as_str())]);
        assert!(fastest(|| status(&head)) < SOON, "{name}");
    }
}

#[test]
fn s18_only_the_very_path_is_there() {
    for (target, expected) in [
        ("/ws?x=/../y", 101),
        ("http://hub.example/ws", 101),
        ("WSS://hub.example:443/ws?client_id=a", 101),
        ("/", 404),
        ("/ws/", 404),
        ("//ws", 404),
        ("/WS", 404),
        ("/%77s", 404),
        ("/ws%00", 404),
        ("/ws#x", 404),
        ("/ws;x", 404),
        ("/./ws", 404),
        ("/..%2fws", 404),
        ("/x/../ws", 404),
        ("http://hub.example", 404),
        ("http://hub.example/other", 404),
        ("http:///ws", 400),
        ("http://a@b/ws", 400),
        ("http://a?/ws", 400),
        ("ftp://hub.example/ws", 400),
        ("hub.example:80", 400),
        ("*", 400),
        ("ws", 400),
        ("?x", 400),
    ] {
        assert_eq!(status(&request(&format!("GET {target} HTTP/1.1"), &[])), expected, "{target}");
    }
}

#[test]
fn credentials_other_than_a_bearer_token_are_refused() {
    for value in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer\ttoken"] {
        assert_eq!(with(&[("Authorization", value)]), 401, "{value:?}");
    }
}

/// The best of a few runs: what it costs when nobody else has the core.
fn fastest<T>(mut work: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let started = Instant::now();
        work();
        started.elapsed()
    };
    (0..20).map(time).min().unwrap_or_default()
}
