//! S19, S20: what the hub's log says about strangers.

use crate::peer::request;
use crate::process::Process;

/// Lines about peers: the rest is the hub's own business.
fn about_peers(process: &Process) -> Vec<String> {
    process.lines().into_iter().filter(|line| line.contains(r#""address":"#)).collect()
}

#[test]
fn s19_other_protocols_on_the_plain_port_end_cleanly_with_one_line_each() {
    let process = Process::start("log: {level: debug}\n", "true");
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0; 500]].concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for (bytes, status) in [(hello, 400), (preface, 505), (b"SSH-2.0-x\r\n\r\n".to_vec(), 400), (vec![0; 10], 400)] {
        let before = about_peers(&process).len();
        let mut peer = process.knock();
        peer.send(bytes);
        assert_eq!(peer.answer().status, status);
        assert!(peer.is_hung_up_on());
        drop(peer);
        process.until("a line about it", |process| about_peers(process).len() > before);
    }
    // Were there a second line about one of them, it would stand before the line about this one.
    drop(process.knock());
    process.until("the last line", |process| about_peers(process).len() >= 5);
    let lines = about_peers(&process);
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(
        lines.iter().all(|line| line.contains(r#""level":"DEBUG""#) || line.contains(r#""level":"debug""#)),
        "{lines:#?}"
    );
}

#[test]
fn s20_what_a_stranger_sends_cannot_write_into_the_log() {
    let settings = "log: {level: trace}\nauth: {tokens: [{token: a-long-random-token-0001}]}\n";
    let process = Process::start(settings, "true");
    let secret = "a-long-wrong-secret-0002";
    for (target, headers) in [
        ("/${jndi:ldap:%0d%0a", "User-Agent: ${jndi:ldap:x}\r\nOrigin: https://${jndi:dns:y}\r\n".to_owned()),
        ("/ws?client_id=${jndi:x}", "User-Agent: \x1b[31mred\r\n".to_owned()),
        ("/ws?client_id=${jndi:x}", String::new()),
        ("/ws?client_id=%0d%0a%7B%22level%22", String::new()),
        ("/ws?client_id=%1b%5b31mred", String::new()),
        ("/ws?client_id=a%E2%80%AEb", String::new()),
        ("/ws?token=a-long-wrong-secret-0002", String::new()),
        ("/ws", format!("Authorization: Bearer {secret}\r\n")),
        ("/ws?token=a-long-random-token-0001", String::new()),
    ] {
        let mut peer = process.knock();
        peer.send(request(target, &headers));
        peer.answer();
    }
    process.until("a line about each", |process| about_peers(process).len() >= 9);
    for line in process.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line:?}");
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202E}'), "{line:?}");
        for forbidden in ["${", secret, "a-long-random-token"] {
            assert!(!line.contains(forbidden), "{line:?}");
        }
    }
}
