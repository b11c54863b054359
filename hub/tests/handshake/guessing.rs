//! S40: who sends wrong tokens by the hundred is no longer listened to, and nobody else feels it.

use std::net::SocketAddr;

use gohub_settings::{Duration as Setting, Secret, Settings, Token};

use crate::crowd::from;
use crate::peer::{Answer, Peer, request};
use crate::site::Site;

const TOKEN: &str = "a-long-random-token-0001";
const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

fn guarded(settings: &mut Settings) {
    settings.auth.required = true;
    settings.auth.tokens = vec![Token { token: Secret::new(TOKEN), client_id: String::new(), capabilities: None }];
    settings.auth.lockout.wrong_tokens = 100;
    settings.auth.lockout.pause = Setting::from_secs(30);
}

fn ask(mut peer: Peer, token: &str, headers: &str) -> Answer {
    peer.send(request(&format!("/ws?token={token}"), headers));
    peer.answer()
}

/// The statuses of so many wrong tokens, each another.
fn guess(count: usize, address: SocketAddr, headers: &str) -> Vec<u16> {
    (0..count).map(|n| ask(Peer::connect(address), &format!("a-wrong-token-{n:06}"), headers).status).collect()
}

fn seconds(answer: &Answer) -> u64 {
    let value = answer.head.lines().find_map(|line| line.strip_prefix("Retry-After: "));
    value.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

#[test]
fn s40_a_thousand_wrong_tokens_from_one_address_lock_it_out_and_nobody_else() {
    let site = Site::start(guarded);
    let address = site.hub.address();
    let statuses = guess(1000, address, "");
    let judged = statuses.iter().take_while(|status| **status == 401).count();
    // Some are forgotten meanwhile, on a slow machine.
    assert!((100..200).contains(&judged), "{judged} were judged");
    assert!(statuses[judged..].iter().all(|status| *status == 429), "{statuses:?}");
    let count = |outcome: &str| {
        let counts = site.hub.metrics().net().tokens.counts();
        counts.iter().find(|(name, _)| *name == outcome).map_or(0, |(_, count)| *count)
    };
    assert_eq!((count("wrong"), count("locked_out")), (judged as u64, (1000 - judged) as u64));
    assert_eq!(site.hub.metrics().net().lockouts.get(), 1);

    let good = ask(from(HERE, address), TOKEN, "");
    assert_eq!(good.status, 429, "a good token is not judged either");
    assert!((1..=30).contains(&seconds(&good)), "{good:?}");
    assert_eq!(ask(from(ELSEWHERE, address), TOKEN, "").status, 101);
    assert_eq!(count("good"), 1);

    let mut settings = (*site.hub.settings()).clone();
    settings.auth.lockout.wrong_tokens = 0;
    site.hub.reload().replace(settings).unwrap();
    site.until("the new limit is in force", |hub| hub.settings().auth.lockout.wrong_tokens == 0);
    site.until("it is let in again", |hub| ask(Peer::connect(hub.address()), TOKEN, "").status == 101);
    assert!(guess(150, address, "").iter().all(|status| *status == 401), "without a limit all are judged");
    site.ends_empty();
}

#[test]
fn s40_behind_a_trusted_proxy_the_client_is_locked_out_and_not_the_proxy() {
    let site = Site::start(|settings| {
        guarded(settings);
        settings.proxies.trusted = vec!["127.0.0.0/8".parse().unwrap()];
        settings.proxies.address_header = "X-Forwarded-For".to_owned();
    });
    let address = site.hub.address();
    let client = |ip: &str| format!("X-Forwarded-For: {ip}\r\n");
    for (guesser, same, other) in
        [("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::7:1", "2001:db8:0:1::1")]
    {
        assert_eq!(guess(200, address, &client(guesser)).last(), Some(&429), "{guesser}");
        assert_eq!(ask(Peer::connect(address), TOKEN, &client(same)).status, 429, "{same}");
        assert_eq!(ask(Peer::connect(address), TOKEN, &client(other)).status, 101, "{other}");
    }
    assert_eq!(ask(Peer::connect(address), TOKEN, "").status, 101, "the proxy itself");
    site.ends_empty();
}
