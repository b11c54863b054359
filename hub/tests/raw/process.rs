//! The hub as a process of its own: it can be measured, and limits of the kernel hold for it alone.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::peer::Peer;
use crate::site::PATIENCE;

/// A child with this hub in it; killed when dropped.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Process {
    /// Starts the binary with these settings (YAML) under this `ulimit` of a shell.
    pub(crate) fn start(settings: &str, limit: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, settings).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_gohub"), "--config"])
            .arg(&path)
            .env("GOHUB_SERVER__ADDR", "127.0.0.1:0")
            .env("GOHUB_ADMIN__ADDR", "127.0.0.1:0")
            .env("GOHUB_LOG__FORMAT", "json")
            // What is freed goes back to the kernel at once, so that RSS says what is in use.
            .env("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut process = Self { child, address: ([0, 0, 0, 0], 0).into(), lines, directory };
        process.until("it listens", |process| !process.listening().is_empty());
        process.address = process.listening().parse().unwrap();
        process.until("it minds signals, the last thing it does before it serves", |process| process.minds_signals());
        process
    }

    /// The address in the line that says so.
    fn listening(&self) -> String {
        let lines = self.lines();
        let line = lines.iter().find(|line| line.contains(r#""message":"listening""#));
        let field = line.and_then(|line| line.split_once(r#""addr":""#)).map(|(_, rest)| rest);
        field.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
    }

    /// Whether SIGHUP, SIGINT and SIGTERM have handlers.
    fn minds_signals(&self) -> bool {
        const ALL: u64 = 1 << 0 | 1 << 1 | 1 << 14;
        u64::from_str_radix(&self.status("SigCgt"), 16).unwrap() & ALL == ALL
    }

    /// A line of `/proc/<pid>/status`.
    fn status(&self, name: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().trim().to_owned()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn knock(&self) -> Peer {
        Peer::connect(self.address)
    }

    /// Writes other settings over its own, and tells it so.
    pub(crate) fn edit(&self, settings: &str) {
        std::fs::write(self.directory.path().join("config.yaml"), settings).unwrap();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// What it has logged so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "never happened: {what}; log: {:#?}", self.lines());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Processor time spent so far.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        // User and system time, in ticks of 10 ms on every Linux.
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Memory in use, in KiB.
    pub(crate) fn rss(&self) -> u64 {
        self.status("VmRSS").strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
