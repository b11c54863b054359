//! The recovery window: how far back a starting hub replays, and what one elected hub may compact.
//!
//! `<prefix>/window` holds samples of (time, revision, bytes so far), written by the hub that is in the registry for longest. Nothing
//! rests on there being only one: a sample is written only when the key is as it was read (fenced by revision), and compacting twice is
//! harmless. Little and often: a large compaction stalls etcd's writes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{Client, Compare, CompareOp, GetOptions, SortOrder, SortTarget, Txn, TxnOp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Core;
use super::fault::Fault;
use crate::clock::unix_millis;

/// Samples in one window, by age and by bytes.
const BY_AGE: u32 = 64;
const BY_BYTES: u64 = 16;

/// At `time` (ms since 1970) the newest revision was `revision`, and so many bytes had gone over the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sample {
    #[serde(rename = "t")]
    time: u64,
    #[serde(rename = "r")]
    revision: u64,
    #[serde(rename = "b")]
    bytes: u64,
}

/// The samples, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    samples: Vec<Sample>,
}

/// Its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    max_age: Duration,
    max_bytes: u64,
}

impl Window {
    /// The last revision before the window: what comes after it is to be kept, and replayed. `None` when nothing is known.
    fn boundary(&self, now: u64, bounds: Bounds) -> Option<u64> {
        Some(self.samples[self.boundary_index(now, bounds)?].revision)
    }

    fn boundary_index(&self, now: u64, bounds: Bounds) -> Option<usize> {
        let newest = self.samples.last()?;
        let is_inside = |sample: &Sample| {
            now.saturating_sub(sample.time) <= bounds.max_age.as_millis() as u64
                && newest.bytes.saturating_sub(sample.bytes) <= bounds.max_bytes
        };
        let first_inside = self.samples.iter().position(is_inside).unwrap_or(self.samples.len());
        Some(first_inside.saturating_sub(1))
    }

    /// Adds a sample when one is due, and forgets those before the boundary. Whether it changed.
    fn add(&mut self, sample: Sample, bounds: Bounds) -> bool {
        let is_due = self.samples.last().is_none_or(|last| {
            let age = sample.time.saturating_sub(last.time);
            let bytes = sample.bytes.saturating_sub(last.bytes);
            let max_age = bounds.max_age.as_millis() as u64;
            // A silent bus needs no samples, but its hubs' own keys are worth compacting once in a window.
            (bytes > 0 && age >= max_age / u64::from(BY_AGE)) || bytes >= bounds.max_bytes / BY_BYTES || age >= max_age
        });
        if is_due {
            self.samples.push(sample);
            if let Some(index) = self.boundary_index(sample.time, bounds) {
                self.samples.drain(..index);
            }
        }
        is_due
    }
}

/// Where a hub that starts now begins to watch.
pub(crate) async fn start(client: &mut Client, core: &Core, head: u64) -> Result<u64, Fault> {
    let read = timeout(core.request_timeout(), client.get(core.keys.window(), None)).await;
    let answer = read.map_err(|_| Fault::timeout("reading the window"))??;
    let window = answer.kvs().first().map(|kv| parse(kv.value())).unwrap_or_default();
    let boundary = window.boundary(unix_millis(), bounds(core)).unwrap_or(head);
    // A window restored with an older etcd, or written by hand, may be ahead of it.
    Ok(boundary.min(head) + 1)
}

/// Samples and compacts while this hub is the elected one.
pub(crate) async fn run(core: Arc<Core>) {
    let bounds = bounds(&core);
    let pause = (bounds.max_age / BY_AGE).clamp(Duration::from_millis(100), Duration::from_secs(1));
    let mut keeper = Keeper { held: None, compacted: 0, counted: 0 };
    while !core.wait_or_stop(pause).await {
        if let Err(fault) = keeper.turn(&core, bounds).await {
            keeper.held = None;
            tracing::debug!(error = %fault, "the recovery window was not kept");
        }
    }
}

struct Keeper {
    /// The window as it is in etcd, and the revision at which it was written.
    held: Option<(Window, i64)>,
    compacted: u64,
    /// `delivered_bytes` of this hub at the newest sample.
    counted: u64,
}

impl Keeper {
    async fn turn(&mut self, core: &Core, bounds: Bounds) -> Result<(), Fault> {
        if !is_elected(core).await? {
            self.held = None;
            return Ok(());
        }
        let (mut window, written) = match self.held.take() {
            Some(held) => held,
            None => self.read(core).await?,
        };
        let counted = core.metrics.delivered_bytes.get();
        let before = window.samples.last().map_or(0, |sample| sample.bytes);
        let bytes = before + counted.saturating_sub(self.counted);
        let sample = Sample { time: unix_millis(), revision: core.metrics.delivered_revision.get(), bytes };
        let mut written = written;
        if window.add(sample, bounds) {
            let Some(revision) = write(core, &window, written).await? else { return Ok(()) };
            written = revision;
            self.counted = counted;
        }
        let boundary = window.boundary(unix_millis(), bounds);
        self.held = Some((window, written));
        match boundary {
            Some(boundary) if core.etcd.settings().compact && boundary > self.compacted => {
                self.compact(core, boundary).await
            }
            _ => Ok(()),
        }
    }

    async fn read(&mut self, core: &Core) -> Result<(Window, i64), Fault> {
        let limit = core.request_timeout();
        let key = core.keys.window();
        let answer =
            core.etcd.call("reading the window", limit, async |mut client| client.get(key, None).await).await?;
        self.counted = core.metrics.delivered_bytes.get();
        Ok(answer.kvs().first().map(|kv| (parse(kv.value()), kv.mod_revision())).unwrap_or_default())
    }

    async fn compact(&mut self, core: &Core, boundary: u64) -> Result<(), Fault> {
        let limit = core.request_timeout();
        let started = Instant::now();
        self.compacted = boundary;
        core.etcd.call("compacting", limit, async |mut client| client.compact(boundary as i64, None).await).await?;
        core.metrics.compactions.add(1);
        tracing::debug!(revision = boundary, took = ?started.elapsed(), "compacted etcd");
        Ok(())
    }
}

/// Writes the window if it is still as it was read; `None` when another hub was faster.
async fn write(core: &Core, window: &Window, written: i64) -> Result<Option<i64>, Fault> {
    let key = core.keys.window();
    let value = serde_json::to_vec(window).map_err(|error| Fault::Refused(error.to_string()))?;
    let txn = Txn::new()
        .when([Compare::mod_revision(key.as_str(), CompareOp::Equal, written)])
        .and_then([TxnOp::put(key, value, None)]);
    let limit = core.request_timeout();
    let answer = core.etcd.call("writing the window", limit, async |mut client| client.txn(txn).await).await?;
    let revision = core.note_header(answer.header());
    Ok(answer.succeeded().then_some(revision as i64))
}

/// Whether this hub is in the registry for longest.
async fn is_elected(core: &Core) -> Result<bool, Fault> {
    let options = GetOptions::new()
        .with_prefix()
        .with_keys_only()
        .with_limit(1)
        .with_serializable()
        .with_sort(SortTarget::Create, SortOrder::Ascend);
    let prefix = core.keys.nodes();
    let limit = core.request_timeout();
    let answer = core
        .etcd
        .call("reading the registry", limit, async |mut client| client.get(prefix, Some(options)).await)
        .await?;
    Ok(answer.kvs().first().is_some_and(|kv| kv.key() == core.keys.node(&core.node).as_bytes()))
}

fn parse(value: &[u8]) -> Window {
    // Whatever else is there is no window of ours; the next sample replaces it.
    serde_json::from_slice(value).unwrap_or_default()
}

fn bounds(core: &Core) -> Bounds {
    let window = &core.etcd.settings().window;
    Bounds { max_age: window.max_age.as_std(), max_bytes: window.max_bytes.as_u64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { max_age: Duration::from_millis(6400), max_bytes: 1600 };

    fn sample(time: u64, revision: u64, bytes: u64) -> Sample {
        Sample { time, revision, bytes }
    }

    #[test]
    fn a_sample_is_due_by_age_by_bytes_and_once_in_a_silent_window() {
        let mut window = Window::default();
        assert!(window.add(sample(0, 1, 0), BOUNDS));
        assert!(!window.add(sample(99, 2, 10), BOUNDS));
        assert!(window.add(sample(100, 2, 10), BOUNDS));
        assert!(window.add(sample(101, 3, 110), BOUNDS));
        assert!(!window.add(sample(5000, 4, 110), BOUNDS));
        assert!(window.add(sample(6501, 5, 110), BOUNDS));
    }

    #[test]
    fn the_boundary_is_the_last_sample_outside_the_window() {
        assert_eq!(Window::default().boundary(0, BOUNDS), None);
        let mut window = Window::default();
        for step in 0..100 {
            window.add(sample(step * 100, step * 10, step * 10), BOUNDS);
        }
        // 9.9 s later 6.4 s are kept: the sample at 3.5 s is the first inside, the one before it the boundary.
        assert_eq!(window.boundary(9900, BOUNDS), Some(340));
        assert_eq!(window.samples[0].revision, 340);
        assert_eq!(window.boundary(60_000, BOUNDS), Some(990));
    }

    #[test]
    fn bytes_bound_the_window_too() {
        let mut window = Window::default();
        for step in 0..10 {
            window.add(sample(step, step, step * 400), BOUNDS);
        }
        assert_eq!(window.boundary(10, BOUNDS), Some(4));
    }

    #[test]
    fn a_window_that_is_none_is_empty() {
        assert_eq!(parse(b"rubbish"), Window::default());
        let window = Window { samples: vec![sample(1, 2, 3)] };
        assert_eq!(parse(&serde_json::to_vec(&window).unwrap()), window);
    }
}
