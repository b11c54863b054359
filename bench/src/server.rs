//! The server under measure: one that runs already (by URL), or a hub started here on a core of its own.

use crate::args::Target;
use crate::endpoint::Endpoint;
use crate::machine::on_cpu;
use crate::process::Process;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a hub may take until it listens.
const START_DEADLINE: Duration = Duration::from_secs(10);
/// How long it may take to leave after SIGTERM before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Servers and how to watch them. One that was started here ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoints: Vec<Endpoint>,
    /// The processes whose CPU and memory are counted; empty when nothing is known about them.
    pub(crate) processes: Vec<Process>,
    /// Where `/metrics` is, of a hub started here.
    pub(crate) admin: Option<SocketAddr>,
    child: Option<Child>,
}

impl Server {
    /// The servers a command line names; without a URL a hub is started.
    ///
    /// # Errors
    /// When a URL is not one, or the hub does not start.
    pub(crate) fn of(target: &Target, connections: usize) -> anyhow::Result<Self> {
        if target.url.is_empty() {
            return Self::start_hub(target, connections);
        }
        let endpoints: anyhow::Result<Vec<Endpoint>> = target.url.iter().map(|url| url.parse()).collect();
        let processes = target.pid.iter().map(|&pid| Process(pid)).collect();
        Ok(Self { endpoints: endpoints?, processes, admin: None, child: None })
    }

    /// A child that listens at `address`.
    pub(crate) fn child(address: SocketAddr, child: Child) -> Self {
        let processes = vec![Process(child.id())];
        Self { endpoints: vec![Endpoint::at(address)], processes, admin: None, child: Some(child) }
    }

    fn start_hub(target: &Target, connections: usize) -> anyhow::Result<Self> {
        let hub = hub_path(target)?;
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = Command::new(&hub);
        command.env("GOHUB_SERVER__ADDR", address.to_string()).env("GOHUB_ADMIN__ADDR", admin.to_string());
        for (name, value) in bench_environment(connections) {
            command.env(name, value);
        }
        for pair in &target.hub_env {
            let Some((name, value)) = pair.split_once('=') else { bail!("--hub-env {pair:?} is not NAME=VALUE") };
            command.env(name, value);
        }
        command.args(&target.hub_arg).stdin(Stdio::null()).stdout(Stdio::null());
        let child = on_cpu(target.server_cpu, || command.spawn().with_context(|| format!("start {}", hub.display())))?;
        let mut server = Self::child(address, child);
        server.admin = Some(admin);
        server.wait_until_it_listens(address)?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
                return Ok(());
            }
            if let Some(status) =
                self.child.as_mut().map(Child::try_wait).transpose().context("look after the hub")?.flatten()
            {
                bail!("the hub ended before it listened at {address}: {status}");
            }
            if Instant::now() > deadline {
                bail!("the hub does not listen at {address} after {START_DEADLINE:?}");
            }
            crate::clock::sleep_until(crate::clock::now() + 10_000_000);
        }
    }

    /// CPU seconds of all watched processes together; `None` when none is watched.
    ///
    /// # Errors
    /// When one of them is gone.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<Option<f64>> {
        let seconds: anyhow::Result<Vec<f64>> = self.processes.iter().map(|process| process.cpu_seconds()).collect();
        Ok(Some(seconds?).filter(|seconds| !seconds.is_empty()).map(|seconds| seconds.iter().sum()))
    }

    /// Resident KiB of all watched processes together; `None` when none is watched.
    ///
    /// # Errors
    /// When one of them is gone.
    pub(crate) fn rss_kib(&self) -> anyhow::Result<Option<u64>> {
        let sizes: anyhow::Result<Vec<u64>> = self.processes.iter().map(|process| process.rss_kib()).collect();
        Ok(Some(sizes?).filter(|sizes| !sizes.is_empty()).map(|sizes| sizes.iter().sum()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        drop(child.stdin.take());
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + STOP_DEADLINE;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
            crate::clock::sleep_until(crate::clock::now() + 5_000_000);
        }
        let _gone = child.kill();
        let _status = child.wait();
    }
}

/// Settings without which a hub rightly refuses to be flooded by one machine.
fn bench_environment(connections: usize) -> Vec<(&'static str, String)> {
    let connections = (connections + 1_000).to_string();
    vec![
        ("GOHUB_LOG__LEVEL", "warn".to_owned()),
        ("GOHUB_LIMITS__MAX_CONNECTIONS", connections.clone()),
        ("GOHUB_LIMITS__MAX_CONNECTIONS_PER_IP", connections),
        // One publisher connection stands for a whole application's publishers.
        ("GOHUB_LIMITS__MESSAGE_RATE", "0".to_owned()),
        ("GOHUB_LIMITS__BYTE_RATE", "0B".to_owned()),
    ]
}

fn hub_path(target: &Target) -> anyhow::Result<PathBuf> {
    let path = match &target.hub {
        Some(path) => path.clone(),
        None => std::env::current_exe().context("find the own executable")?.with_file_name("gohub"),
    };
    if !Path::new(&path).is_file() {
        bail!(
            "there is no hub at {}: build it (cargo build --release -p gohub), or give --hub PATH or --url",
            path.display()
        );
    }
    Ok(path)
}

/// A loopback address nobody listens at now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}
