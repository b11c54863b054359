//! A proxy as a process of its own, with the sample configuration where only addresses are others.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use gohub::Hub;
use gohub_test_client::{Connect, DEADLINE};
use tempfile::TempDir;
use tokio::time::Instant;

/// A running proxy; killed when dropped.
pub(crate) struct Proxy {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Proxy {
    /// Nginx before this hub, with these texts of the sample replaced.
    pub(crate) async fn nginx(hub: &Hub, changes: &[(&str, &str)]) -> Self {
        Self::start("nginx.conf", hub, changes, |file, directory| {
            let mut command = Command::new(program("nginx"));
            command.args(["-g", "daemon off; pid nginx.pid;", "-e", "stderr"]).arg("-p").arg(directory);
            command.arg("-c").arg(file);
            command
        })
        .await
    }

    /// HAProxy before this hub.
    pub(crate) async fn haproxy(hub: &Hub, changes: &[(&str, &str)]) -> Self {
        Self::start("haproxy.cfg", hub, changes, |file, _| {
            let mut command = Command::new(program("haproxy"));
            command.arg("-db").arg("-f").arg(file);
            command
        })
        .await
    }

    async fn start(
        sample: &str,
        hub: &Hub,
        changes: &[(&str, &str)],
        command: impl FnOnce(&Path, &Path) -> Command,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/proxies/");
        let mut text = std::fs::read_to_string(format!("{path}{sample}")).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let (upstream, admin) = (hub.address().to_string(), hub.admin_address().unwrap().port().to_string());
        let port = address.port().to_string();
        let mut replace = |from: &str, to: &str| {
            assert!(text.contains(from), "{sample} has no {from:?}");
            text = text.replace(from, to);
        };
        replace("127.0.0.1:8080", &upstream);
        replace("8000", &port);
        if sample == "haproxy.cfg" {
            replace("port 9090", &format!("port {admin}"));
        }
        for (from, to) in changes {
            replace(from, to);
        }
        let file = directory.path().join(sample);
        std::fs::write(&file, text).unwrap();
        let child = command(&file, directory.path()).stdin(Stdio::null()).spawn().expect("the proxy starts");
        let mut proxy = Self { child, address, _directory: directory };
        proxy.is_up().await;
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn is_up(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "the proxy ended at once");
            assert!(Instant::now() < deadline, "the proxy does not listen");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Waits until a new client gets this answer.
    pub(crate) async fn answers(&self, status: u16) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let got = Connect::to_address(self.address).try_open().await.map(drop);
            if got.as_ref().is_err_and(|declined| declined.status == status) {
                return;
            }
            assert!(Instant::now() < deadline, "never {status}; the last answer: {got:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // SIGTERM: Nginx takes its workers along.
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        self.child.wait().ok();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Debian puts it where only root's shells look.
fn program(name: &str) -> String {
    let in_sbin = format!("/usr/sbin/{name}");
    if Path::new(&in_sbin).exists() { in_sbin } else { name.to_owned() }
}
