//! S27, S28, S34, S38: no token, a wrong one, one without end, two of them.

use crate::peer::{Answer, request};
use crate::site::Site;

const TOKEN: &str = "a-long-random-token-0001";

fn site() -> Site {
    Site::start(|settings| {
        settings.auth.required = true;
        settings.auth.tokens = vec![gohub_settings::Token {
            token: gohub_settings::Secret::new(TOKEN),
            client_id: "alice".to_owned(),
            capabilities: None,
        }];
    })
}

fn ask(site: &Site, target: &str, headers: &str) -> Answer {
    let mut peer = site.knock();
    peer.send(request(target, headers));
    peer.answer()
}

#[test]
fn s27_without_a_token_there_is_never_a_101() {
    let site = site();
    for target in ["/ws", "/ws?token=", "/ws?client_id=alice"] {
        let answer = ask(&site, target, "");
        assert_eq!(answer.status, 401, "{target}");
        assert!(answer.has("WWW-Authenticate: Bearer"), "{answer:?}");
    }
    assert_eq!(ask(&site, &format!("/ws?token={TOKEN}"), "").status, 101);
    assert_eq!(ask(&site, "/ws", &format!("Authorization: Bearer {TOKEN}\r\n")).status, 101);
    assert_eq!(ask(&site, &format!("/ws?token={TOKEN}&client_id=bob"), "").status, 403, "not the token's client");
    site.ends_empty();
}

#[test]
fn s28_every_wrong_token_gets_the_same_answer() {
    let site = site();
    let wrong = |token: &str| {
        let answer = ask(&site, &format!("/ws?token={token}"), "");
        (answer.head, answer.body)
    };
    let first = wrong("b-long-random-token-0001");
    assert!(first.0.starts_with("HTTP/1.1 401 "), "{first:?}");
    for token in ["a-long-random-token-0002", "a-long-random-token-00011", "a", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(wrong(token), first, "{token}");
    }
    site.ends_empty();
}

#[test]
fn nobody_is_called_like_the_delivery_canary() {
    let site = Site::start(|_| ());
    assert_eq!(ask(&site, "/ws?client_id=gohub-canary", "").status, 403);
    assert_eq!(ask(&site, "/ws?client_id=gohub-canary-2", "").status, 101);
    site.ends_empty();
}

#[test]
fn s38_two_credentials_that_disagree_are_refused_and_two_that_agree_are_one() {
    let site = site();
    let target = format!("/ws?token={TOKEN}");
    assert_eq!(ask(&site, &target, "Authorization: Bearer another-token-000001\r\n").status, 400);
    assert_eq!(ask(&site, "/ws?token=another-token-000001", &format!("Authorization: Bearer {TOKEN}\r\n")).status, 400);
    assert_eq!(ask(&site, &target, &format!("Authorization: Bearer {TOKEN}\r\n")).status, 101);
    site.ends_empty();
}

#[test]
fn s34_a_token_without_end_is_refused_while_it_is_still_coming() {
    let site = site();
    let token = "x".repeat(1 << 20);
    for (target, headers, status) in [
        (format!("/ws?token={token}"), String::new(), 414),
        ("/ws".to_owned(), format!("Authorization: Bearer {token}\r\n"), 431),
    ] {
        let mut peer = site.knock();
        // No more than the limit of a head; the rest, and its empty line, never come.
        peer.send(&request(&target, &headers).as_bytes()[..17 << 10]);
        assert_eq!(peer.answer().status, status, "{target:.20}");
    }
    // What fits into a head and is longer than any token.
    for length in [8193, 15 << 10] {
        assert_eq!(ask(&site, &format!("/ws?token={}", "x".repeat(length)), "").status, 401);
        assert_eq!(ask(&site, "/ws", &format!("Authorization: Bearer {}\r\n", "x".repeat(length))).status, 401);
    }
    site.ends_empty();
}
