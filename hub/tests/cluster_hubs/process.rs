//! A hub as a process of its own: it can be killed, stopped, and given another file.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use gohub::Settings;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::deadline::eventually;
use crate::etcd::free_port;
use crate::site::Api;

/// A child with a hub in it; killed when dropped, and its log shown when that is in a failed test.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    file: PathBuf,
    _directory: TempDir,
}

impl Process {
    /// Starts the binary with these settings and waits until it is ready.
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::start_at(settings, "info").await
    }

    /// The same with this level of its log.
    pub(crate) async fn start_at(mut settings: Settings, level: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.yaml");
        let admin: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        settings.admin.addr = admin;
        level.clone_into(&mut settings.log.level);
        std::fs::write(&file, settings.to_yaml_with_secrets()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_gohub"))
            .arg("--config")
            .arg(&file)
            .env("GOHUB_LOG__FORMAT", "json")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the hub starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut process = Self { child, address: ([0, 0, 0, 0], 0).into(), admin, lines, file, _directory: directory };
        // Or it has ended, and its log is shown.
        let started = || std::future::ready(process.listening().is_some() || process.is_gone());
        eventually("the hub listens", started, |started| *started).await;
        process.address = process.listening().expect("the hub listens");
        process
    }

    /// The address in the line that says so.
    fn listening(&self) -> Option<SocketAddr> {
        let lines = self.lines.lock().unwrap();
        let line = lines.iter().find(|line| line.contains(r#""message":"listening""#))?;
        line.split_once(r#""addr":""#)?.1.split('"').next()?.parse().ok()
    }

    fn is_gone(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        status.is_empty() || status.contains(") Z ")
    }

    pub(crate) fn api(&self) -> Api {
        Api::at(self.admin)
    }

    /// Publications that wait for the bus, as its metrics say.
    pub(crate) async fn queued(&self) -> u64 {
        let text = self.api().metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix("gohub_bus_queue_messages "));
        line.unwrap_or_else(|| panic!("no such metric in {text}")).parse().unwrap()
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// How often it has logged this message.
    pub(crate) fn said(&self, message: &str) -> usize {
        let wanted = format!(r#""message":"{message}""#);
        self.lines.lock().unwrap().iter().filter(|line| line.contains(&wanted)).count()
    }

    /// Writes another file in the place of its settings.
    pub(crate) fn edit(&self, mut settings: Settings) {
        settings.admin.addr = self.admin;
        std::fs::write(&self.file, settings.to_yaml_with_secrets()).unwrap();
    }

    /// Ends it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it without ending it: its connections stay open and silent.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let lines = self.log();
            let last: Vec<&str> = lines.iter().rev().take(40).rev().map(String::as_str).collect();
            eprintln!("log of the hub on {}:\n{}", self.address, last.join("\n"));
        }
    }
}
