//! The machine a figure was measured on, and what it allows: a figure without it says nothing.

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;
use std::fs;

/// What every report carries.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    pub(crate) memory_mib: u64,
    /// Load average of the last minute when the report was made: above the number of cores, other work disturbed it.
    pub(crate) load: f64,
}

impl Machine {
    /// Reads `/proc`; what cannot be read stays empty.
    pub(crate) fn read() -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let memory = field("/proc/meminfo", "MemTotal");
        Self {
            cores: fs::read_to_string("/proc/cpuinfo")
                .map_or(0, |text| text.lines().filter(|line| line.starts_with("processor")).count()),
            cpu: field("/proc/cpuinfo", "model name"),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            memory_mib: memory.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024,
            load: load.split(' ').next().and_then(|value| value.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// Descriptors a process needs beside its connections: epoll, standard streams, `/proc`, the hub's own listeners.
const SPARE_DESCRIPTORS: u64 = 200;

/// Raises the limit of open files to what the kernel allows (children inherit it) and makes sure it is enough.
///
/// # Errors
/// When `connections` do not fit: the limit cannot be raised from here, more connections need more hubs.
pub(crate) fn allow_descriptors(connections: usize) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let needed = connections as u64 + SPARE_DESCRIPTORS;
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        let maximum = limit.maximum.unwrap_or_default();
        bail!(
            "{connections} connections need {needed} descriptors in one process and the hard limit here is {maximum}: \
             raise it (ulimit -Hn) or spread the connections over several hubs and several gohub-bench processes"
        );
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("raise the limit of open files")
}

/// Runs `start` with this thread on `cpu`, so that what it spawns inherits the affinity, and goes back afterwards.
///
/// # Errors
/// When the core does not exist, or what `start` returns.
pub(crate) fn on_cpu<T>(cpu: Option<usize>, start: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let Some(cpu) = cpu else { return start() };
    let before = sched_getaffinity(None).context("read the cpu affinity")?;
    pin(cpu)?;
    let started = start();
    sched_setaffinity(None, &before).context("restore the cpu affinity")?;
    started
}

/// Pins this thread to one core.
///
/// # Errors
/// When the core does not exist or may not be used.
pub(crate) fn pin(cpu: usize) -> anyhow::Result<()> {
    if cpu >= CpuSet::MAX_CPU {
        bail!("there is no core {cpu}");
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).with_context(|| format!("pin to core {cpu}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described() {
        let machine = Machine::read();
        assert!(machine.cores > 0 && !machine.kernel.is_empty() && machine.memory_mib > 0, "{machine:?}");
    }

    #[test]
    fn too_many_connections_are_refused_with_the_way_out() {
        let Some(maximum) = getrlimit(Resource::Nofile).maximum else { return };
        let error = allow_descriptors(maximum as usize).unwrap_err().to_string();
        assert!(error.contains("several hubs"), "{error}");
    }
}
