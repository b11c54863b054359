//! S65: no descriptors left.

use std::net::TcpStream;
use std::time::Duration;

use crate::peer::{Peer, frame};
use crate::process::Process;

#[test]
fn s65_without_descriptors_the_hub_waits_and_serves_those_it_has() {
    let process = Process::start("server: {shards: 1, handshake_timeout: 60s}\n", "ulimit -n 64");
    let mut live = Peer::opened(process.address());
    let crowd: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(process.address()).unwrap()).collect();
    process.until("the limit is reached", |process| process.descriptors() >= 63);
    process.until("it says so", |process| process.lines().iter().any(|line| line.contains("accept failed")));

    let spent = process.cpu();
    let said = process.lines().len();
    for n in 0..20 {
        live.send(frame(0x81, format!(r#"{{"message_id":1,"ref":"{n}"}}"#).as_bytes()));
        assert!(live.text().contains(&format!(r#""ref":"{n}""#)), "live peers are served");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let spent = process.cpu() - spent;
    assert!(spent < Duration::from_millis(300), "{spent:?} of a second: a busy loop");
    let said = process.lines().len() - said;
    assert!(said < 20, "{said} lines in a second");

    drop(crowd);
    drop(Peer::opened(process.address()));
    live.send(frame(0x88, b"\x03\xE8"));
    assert_eq!(live.closed(), 1000);
}
