//! S81: what a client sends is data. It reaches others as it was, and the log of the hub as text.

use std::process::Stdio;

use gohub::protocol::client::ClientRequest;
use gohub_test_client::{Connect, json, settings, start, within};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

const HOSTILE: &str = r#""<script>alert(1)</script>\u001b[2J\u001b]0;owned\u0007\r\nlevel=ERROR forged""#;

#[tokio::test]
async fn s81_markup_reaches_others_untouched() {
    let hub = start(settings()).await;
    let mut client = Connect::to(&hub).id("a").open().await;
    client.publish(ClientRequest::broadcast(json(HOSTILE)).message_type("<b>\u{1b}[31m")).await;
    let (publication, _) = client.publication().await;
    assert_eq!(publication.message_type.as_deref(), Some("<b>\u{1b}[31m"));
    assert_eq!(gohub_test_client::text_of(&publication), HOSTILE);
}

struct Logged {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    seen: Vec<String>,
}

impl Logged {
    fn start(format: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gohub"))
            .env("GOHUB_SERVER__ADDR", "127.0.0.1:0")
            .env("GOHUB_ADMIN__ADDR", "127.0.0.1:0")
            .env("GOHUB_LOG__LEVEL", "trace")
            .env("GOHUB_LOG__FORMAT", format)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new() }
    }

    async fn until(&mut self, holds: impl Fn(&str) -> bool) -> String {
        loop {
            let line = within("a line of the log", self.lines.next_line()).await.unwrap().expect("it runs");
            self.seen.push(line.clone());
            if holds(&line) {
                return line;
            }
        }
    }
}

#[tokio::test]
async fn s81_no_byte_of_a_client_is_interpreted_by_who_reads_the_log() {
    for format in ["human", "json"] {
        let mut hub = Logged::start(format);
        let line = hub.until(|line| line.contains("listening") && line.contains("addr")).await;
        let address = line.split(['"', '=', ' ', ',']).find_map(|word| word.parse().ok()).expect("an address");
        let mut client = Connect::to_address(address).id("%3Ci%3Ea").open().await;
        client.publish(ClientRequest::broadcast(json(HOSTILE)).message_type("\u{1b}[31m\nforged")).await;
        drop(client.request(ClientRequest::join("\u{1b}[2J\r\nforged")).await);
        drop(client.request(ClientRequest::new(7777).message_type("\u{1b}]0;x\u{7}")).await);
        for query in ["token=%1b%5b31m%0aforged", "client_id=%1b%5b2J%0d%0aforged", "rooms=%1b%5bm%0aforged"] {
            let (name, value) = query.split_once('=').unwrap();
            drop(Connect::to_address(address).query(name, value).try_open().await);
        }
        drop(Connect::to_address(address).header("origin", "https://x.example/<script>").try_open().await);
        client.close().await;
        hub.until(|line| line.contains("connection closed")).await;
        for line in &hub.seen {
            assert!(line.chars().all(|c| !c.is_control()), "{format}: {line:?}");
            assert!(!line.trim_start().starts_with("forged"), "{format}: {line:?}");
        }
        hub.child.start_kill().unwrap();
    }
}
