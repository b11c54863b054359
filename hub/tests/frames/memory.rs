//! The memory budget: over it nobody new is let in, and those who are in are served.

use std::time::{Duration, Instant};

use crate::peer::{Peer, frame, request};
use crate::process::Process;
use crate::site::PATIENCE;

/// The status of a handshake, and its answer's head.
fn knock(process: &Process) -> (u16, String) {
    let mut peer = process.knock();
    peer.send(request("/ws", ""));
    let answer = peer.answer();
    (answer.status, answer.head)
}

fn until_status(process: &Process, wanted: u16) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, head) = knock(process);
        if status == wanted {
            return head;
        }
        assert!(Instant::now() < deadline, "still {status}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn over_the_memory_budget_new_connections_are_answered_503_and_the_budget_is_hot() {
    let process = Process::start("limits: {memory: 1GiB}\n", "true");
    let mut live = Peer::opened(process.address());
    // No hub is as small as that.
    process.edit("limits: {memory: 16MiB, retry_after: 7s}\n");
    let head = until_status(&process, 503);
    assert!(head.contains("Retry-After: 7\r\n"), "{head}");
    live.send(frame(0x81, br#"{"message_id":1,"ref":"served"}"#));
    assert!(live.text().contains(r#""ref":"served""#));
    process.edit("limits: {memory: 0B}\n");
    until_status(&process, 101);
    // By what the process holds, and not by a setting alone: what clients make it keep uses the budget up.
    let budget = process.rss() / 1024 + 24;
    process.edit(&format!(
        "limits: {{memory: {budget}MiB, max_message: 1MiB, byte_rate: 0B}}\nretention: {{max_bytes: 256MiB}}\n\
         slow_client: {{max_pending: 256MiB}}\n"
    ));
    until_status(&process, 101);
    let message = format!(r#"{{"message_id":22,"room":"nobody","data":"{}"}}"#, "x".repeat(60_000));
    for _ in 0..1000 {
        live.send(frame(0x81, message.as_bytes()));
    }
    until_status(&process, 503);
}
