//! S63, S64, S65: peers that end without saying so.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;

use crate::peer::{Peer, frame, request};
use crate::process::Process;
use crate::site::{PATIENCE, Site};

const INTERVAL: Duration = Duration::from_millis(800);
const TIMEOUT: Duration = Duration::from_millis(800);

fn site(address: [u8; 4]) -> Site {
    Site::start(|settings| {
        settings.server.addr.set_ip(address.into());
        settings.heartbeat.interval = Setting::from_millis(INTERVAL.as_millis() as u64);
        settings.heartbeat.timeout = Setting::from_millis(TIMEOUT.as_millis() as u64);
    })
}

/// Who is in the room, asked by a peer that answers its pings.
fn members(watcher: &mut Peer) -> String {
    watcher.send(frame(0x81, br#"{"message_id":12,"room":"r","ref":"who"}"#));
    watcher.text()
}

/// Waits until `ghost` is in the room no more; since when it is silent.
fn is_forgotten(watcher: &mut Peer, since: Instant) {
    let most = INTERVAL + TIMEOUT;
    while members(watcher).contains("ghost") {
        assert!(since.elapsed() < most + Duration::from_secs(5), "still present");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let took = since.elapsed();
    // Two seconds for a busy machine; the promise itself is interval + timeout.
    assert!(took < most + Duration::from_secs(2), "{took:?}");
}

#[test]
fn s63_a_peer_that_answers_no_ping_is_gone_within_interval_and_timeout() {
    let site = site([127, 0, 0, 1]);
    let mut watcher = Peer::opened_at(site.hub.address(), "/ws?client_id=watcher&rooms=r");
    let mut ghost = Peer::opened_at(site.hub.address(), "/ws?client_id=ghost&rooms=r");
    let since = Instant::now();
    assert!(members(&mut watcher).contains(r#""clients":["ghost","watcher"]"#));
    is_forgotten(&mut watcher, since);
    assert!(since.elapsed() >= TIMEOUT, "nobody is gone without having been asked");
    assert_eq!(ghost.frame().expect("a ping").opcode, 9);
    assert_eq!(ghost.closed(), 4000);
    drop((watcher, ghost));
    site.ends_empty();
}

#[test]
fn s63_a_peer_that_answers_pings_stays() {
    let site = site([127, 0, 0, 1]);
    let mut peer = Peer::opened(site.hub.address());
    for _ in 0..3 {
        let ping = peer.frame().expect("a ping");
        assert_eq!(ping.opcode, 9);
        peer.send(frame(0x8A, &ping.payload));
    }
    assert_eq!(site.hub.metrics().connections(), 1);
    drop(peer);
    site.ends_empty();
}

/// A network namespace at the end of a cable; taken away when dropped.
struct Cable(String);

impl Cable {
    /// `None`, and why, where this is not allowed.
    fn lay(name: &str) -> Result<Self, String> {
        let cable = Self(name.to_owned());
        for command in [
            format!("netns add {name}"),
            format!("link add {name}h type veth peer name {name}p netns {name}"),
            format!("addr add 198.18.77.1/30 dev {name}h"),
            format!("link set {name}h up"),
            format!("-n {name} addr add 198.18.77.2/30 dev {name}p"),
            format!("-n {name} link set {name}p up"),
        ] {
            cable.ip(&command)?;
        }
        Ok(cable)
    }

    fn ip(&self, command: &str) -> Result<(), String> {
        let output = Command::new("ip").args(command.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("ip {command}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }

    /// From now on nothing gets through, in neither direction.
    fn cut(&self) {
        self.ip(&format!("link set {}h down", self.0)).unwrap();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.ip(&format!("link del {}h", self.0)).ok();
        self.ip(&format!("netns del {}", self.0)).ok();
    }
}

#[test]
fn s63_a_peer_behind_a_cable_that_is_cut_is_gone_within_interval_and_timeout() {
    let cable = match Cable::lay(&format!("gohub{}", std::process::id() % 100_000)) {
        Ok(cable) => cable,
        Err(why) => return eprintln!("skipped, needs root and network namespaces: {why}"),
    };
    let site = site([0, 0, 0, 0]);
    let port = site.hub.address().port();
    let mut watcher = Peer::opened_at(([127, 0, 0, 1], port).into(), "/ws?client_id=watcher&rooms=r");
    // The raw socket of a shell, because a process enters a namespace as a whole. Pongs without a question keep it alive.
    let ghost = request("/ws?client_id=ghost&rooms=r", "").replace("\r\n", "\\r\\n");
    let script = format!(
        "exec 3<>/dev/tcp/198.18.77.1/{port}; printf '{ghost}' >&3; while sleep 0.1; do printf '\\x8a\\x80abcd' >&3; done"
    );
    let mut shell = Command::new("ip")
        .args(["netns", "exec", &cable.0, "bash", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !members(&mut watcher).contains("ghost") {
        assert!(Instant::now() < deadline, "the ghost never came");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    cable.cut();
    is_forgotten(&mut watcher, Instant::now());
    shell.kill().unwrap();
    shell.wait().unwrap();
    drop(watcher);
    site.ends_empty();
}

#[test]
fn s64_s65_ends_in_the_middle_of_anything_are_cleaned_up_without_a_word_above_debug() {
    let process = Process::start("log: {level: debug}\n", "true");
    let before = process.descriptors();
    let message = frame(0x81, br#"{"message_id":20,"data":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#);
    for cut in [0, 1, 2, 5, 6, 20, message.len()] {
        let opened = || {
            let mut peer = Peer::opened(process.address());
            peer.send(&message[..cut]);
            peer
        };
        opened().reset();
        drop(opened());
        let mut half = opened();
        half.finish();
        assert_eq!(half.closed(), 1006, "there is nothing to answer to an end without a close");
    }
    for cut in [0, 10, 100, request("/ws", "").len()] {
        let mut peer = process.knock();
        peer.send(&request("/ws", "").as_bytes()[..cut]);
        peer.reset();
    }
    process.until("all are gone", |process| process.descriptors() <= before);
    Peer::opened(process.address());
    for line in process.lines() {
        assert!(!line.contains(r#""level":"ERROR""#) && !line.contains(r#""level":"WARN""#), "{line}");
        assert!(!line.contains(r#""level":"error""#) && !line.contains(r#""level":"warn""#), "{line}");
    }
}
