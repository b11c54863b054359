//! S22-S26: pages of other sites.

use crate::peer::request;
use crate::site::Site;

const TOKEN: &str = "a-long-random-token-0001";

fn site(allow: &[&str], allow_missing: bool) -> Site {
    Site::start(|settings| {
        settings.origins.allow = allow.iter().map(|origin| (*origin).to_owned()).collect();
        settings.origins.allow_missing = allow_missing;
        settings.auth.tokens = vec![gohub_settings::Token {
            token: gohub_settings::Secret::new(TOKEN),
            client_id: String::new(),
            capabilities: None,
        }];
    })
}

fn status(site: &Site, headers: &str) -> u16 {
    let mut peer = site.knock();
    peer.send(request(&format!("/ws?token={TOKEN}"), headers));
    peer.answer().status
}

#[test]
fn s22_a_page_of_another_site_does_not_get_in_with_good_credentials() {
    let site = site(&["https://good.com"], false);
    assert_eq!(status(&site, "Origin: https://evil.example\r\n"), 403);
    assert_eq!(status(&site, "Origin: https://good.com\r\n"), 101);
    site.ends_empty();
}

#[test]
fn s23_null_is_a_page_like_any_other_and_not_meant_by_a_star() {
    let site = site(&["*"], true);
    assert_eq!(status(&site, "Origin: null\r\n"), 403);
    assert_eq!(status(&site, "Origin: https://any.example\r\n"), 101);
    site.ends_empty();
}

#[test]
fn s24_only_the_very_origin_is_allowed() {
    let site = site(&["https://good.com", "https://*.apps.good.com"], false);
    for (origin, expected) in [
        ("https://good.com.evil.com", 403),
        ("https://evilgood.com", 403),
        ("https://good.com:444", 403),
        ("http://good.com", 403),
        ("https://good.com.", 403),
        ("https://good.com/", 403),
        ("https://evil.com/.apps.good.com", 403),
        ("https://apps.good.com", 403),
        ("https://one.apps.good.com", 101),
        ("HTTPS://GOOD.com", 101),
    ] {
        assert_eq!(status(&site, &format!("Origin: {origin}\r\n")), expected, "{origin}");
    }
    site.ends_empty();
}

#[test]
fn s25_two_origins_are_none() {
    let site = site(&["*"], true);
    assert_eq!(status(&site, "Origin: https://a.example\r\nOrigin: https://b.example\r\n"), 400);
    site.ends_empty();
}

#[test]
fn s26_the_switch_decides_about_a_missing_origin() {
    let closed = site(&["https://good.com"], false);
    assert_eq!(status(&closed, ""), 403);
    closed.ends_empty();
    let open = site(&["https://good.com"], true);
    assert_eq!(status(&open, ""), 101);
    open.ends_empty();
    assert!(gohub::Settings::default().origins.allow_missing, "the documented default");
}
