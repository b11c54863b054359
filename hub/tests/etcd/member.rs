//! One etcd process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{Certificates, binary};

pub(super) struct Member {
    child: Option<Child>,
    url: String,
    arguments: Vec<String>,
    data: PathBuf,
    log: PathBuf,
}

impl Member {
    pub(super) fn start(
        directory: &Path,
        index: usize,
        (client, peer): (u16, u16),
        arguments: &[String],
        certificates: Option<&Certificates>,
    ) -> Self {
        let scheme = if certificates.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{client}");
        let data = directory.join(format!("m{index}"));
        let mut all = vec![
            format!("--name=m{index}"),
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            // The page cache survives a SIGKILL of etcd; tests need no disk.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        all.extend_from_slice(arguments);
        if let Some(certificates) = certificates {
            all.extend(certificates.server_arguments());
        }
        let log = directory.join(format!("m{index}.log"));
        let mut member = Self { child: None, url, arguments: all, data, log };
        member.run();
        member
    }

    pub(super) fn run(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(binary());
        command.args(&self.arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().expect("etcd starts"));
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    pub(super) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    pub(super) fn forget(&self) {
        std::fs::remove_dir_all(&self.data).unwrap();
    }

    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
        // The signal is taken thread by thread: only when all have stopped does it answer nobody any more.
        let tasks = format!("/proc/{}/task", self.child.as_ref().expect("a running member").id());
        let is_stopped = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('T'))
        };
        while !std::fs::read_dir(&tasks).unwrap().all(is_stopped) {
            std::thread::yield_now();
        }
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running member");
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    /// Whether this stands in what it logged.
    pub(super) fn has_logged(&self, text: &str) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text))
    }

    /// The end of what it logged.
    pub(super) fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}
