//! What a process under measure uses, from `/proc`: CPU seconds and resident memory.

use anyhow::Context;
use std::fs;

/// A process watched by its id; it need not be a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// This process: the load generator itself.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// User and system CPU seconds since it started (resolution: one clock tick, 10 ms on most machines).
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn cpu_seconds(self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/stat", self.0);
        let stat = fs::read_to_string(&path).with_context(|| format!("read {path}: is the server gone?"))?;
        let ticks = cpu_ticks(&stat).with_context(|| format!("understand {path}"))?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn rss_kib(self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.0);
        let status = fs::read_to_string(&path).with_context(|| format!("read {path}: is the server gone?"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .with_context(|| format!("find VmRSS in {path}"))
    }
}

/// Fields 14 and 15; the second field is the program's name in parentheses and may hold spaces.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_are_found_behind_a_strange_name() {
        assert_eq!(cpu_ticks("7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20"), Some(42));
    }

    #[test]
    fn the_own_process_can_be_watched() {
        assert!(Process::own().rss_kib().unwrap() > 0);
        assert!(Process::own().cpu_seconds().unwrap() >= 0.0);
    }
}
