//! Figures of the process itself: tokio's runtime, jemalloc, and what the kernel says. Read only when somebody scrapes.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::proto::MetricFamily;
use tokio::runtime::Handle;

use super::family;

/// What the process's figures are read from.
#[derive(Debug)]
pub(super) struct ProcessStats {
    runtime: Option<Handle>,
    started: SystemTime,
}

impl ProcessStats {
    pub(super) fn new(runtime: Option<Handle>) -> Self {
        Self { runtime, started: SystemTime::now() }
    }

    pub(super) fn collect(&self, families: &mut Vec<MetricFamily>) {
        let started = self.started.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        families.push(family::gauge("process_start_time_seconds", "Start of the process, unix seconds.", started));
        families.push(family::gauges(
            "gohub_build_info",
            "1, labelled with the version of this hub.",
            "version",
            [(env!("CARGO_PKG_VERSION"), 1.0)],
        ));
        if let Some(runtime) = &self.runtime {
            collect_runtime(runtime, families);
        }
        collect_allocator(families);
        collect_kernel(families);
    }
}

fn collect_runtime(runtime: &Handle, families: &mut Vec<MetricFamily>) {
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    let busy = (0..workers).map(|worker| metrics.worker_total_busy_duration(worker).as_secs_f64()).sum::<f64>();
    families.extend([
        family::gauge("gohub_runtime_workers", "Worker threads of the tokio runtime.", workers as f64),
        family::gauge("gohub_runtime_alive_tasks", "Tasks that have not ended.", metrics.num_alive_tasks() as f64),
        family::gauge(
            "gohub_runtime_queue_depth",
            "Tasks waiting in the runtime's global queue.",
            metrics.global_queue_depth() as f64,
        ),
        family::seconds(
            "gohub_runtime_busy_seconds_total",
            "Time the workers spent working; its rate divided by the workers is the busy ratio.",
            "",
            [("", busy)],
        ),
    ]);
}

fn collect_allocator(families: &mut Vec<MetricFamily>) {
    use tikv_jemalloc_ctl::{epoch, stats};
    // jemalloc caches its figures until the epoch moves; without it there is nothing to report, which is no reason to fail a scrape.
    if epoch::advance().is_err() {
        return;
    }
    let figures = [
        ("gohub_allocator_allocated_bytes", "Bytes the program holds.", stats::allocated::read()),
        ("gohub_allocator_resident_bytes", "Bytes jemalloc holds from the kernel.", stats::resident::read()),
    ];
    for (name, help, value) in figures {
        if let Ok(value) = value {
            families.push(family::gauge(name, help, value as f64));
        }
    }
}

/// Memory of the process in bytes, as the kernel counts it; `None` where it does not say.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kib.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(target_os = "linux")]
fn collect_kernel(families: &mut Vec<MetricFamily>) {
    /// The kernel counts CPU time for user space in hundredths of a second, whatever its own clock.
    const TICKS_PER_SECOND: f64 = 100.0;

    if let Ok(directory) = std::fs::read_dir("/proc/self/fd") {
        // One of them is the directory itself.
        let open = directory.count().saturating_sub(1);
        families.push(family::gauge("process_open_fds", "Open file descriptors.", open as f64));
    }
    if let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        families.push(family::gauge("process_max_fds", "Limit on open file descriptors.", limit as f64));
    }
    if let Some(bytes) = resident_bytes() {
        families.push(family::gauge("process_resident_memory_bytes", "Resident memory.", bytes as f64));
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        if let Some(threads) = field("Threads") {
            families.push(family::gauge("process_threads", "Threads.", threads));
        }
    }
    // The fields are counted from behind the command's name, which may hold anything.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit_once(')').map(|(_, fields)| {
        fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
    });
    if let Some(ticks) = ticks {
        families.push(family::seconds(
            "process_cpu_seconds_total",
            "CPU time used, user and system.",
            "",
            [("", ticks / TICKS_PER_SECOND)],
        ));
    }
}

#[cfg(not(target_os = "linux"))]
fn collect_kernel(_families: &mut Vec<MetricFamily>) {}
