//! What the operator remembers of each `GoHub` between two reconciles: only what saves requests, counts failures or bounds a quarrel.
//!
//! A restarted operator begins with nothing here and comes to the same end: its first applies change nothing, and the API server then
//! leaves the objects' resource versions as they are.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Within this time a field is taken back at most [`TAKEN_BACK`] times; then whoever writes it is named instead.
const QUARREL: Duration = Duration::from_secs(600);
const TAKEN_BACK: usize = 3;
/// How often a hub pod is nudged for one configuration, and the pause between: kubelet may look just before its own watch tells it.
const NUDGES: u32 = 3;
const NUDGE_PAUSE: Duration = Duration::from_secs(4);

/// How long nothing is tried in a namespace that is going away.
const LEAVING: Duration = Duration::from_secs(20);

/// How long figures alone wait since the status was written last; shorter than the pause between two looks at what is settled.
const FIGURES: Duration = Duration::from_secs(10);

/// All that is remembered, by the uid of the `GoHub`.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<String, Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    settled: HashMap<(String, String), Settled>,
    quarrels: HashMap<(String, String), VecDeque<Instant>>,
    nudges: HashMap<String, Nudge>,
    failures: u32,
    idle: u32,
    leaving: Option<Instant>,
    published: Option<Instant>,
    applied: Option<u64>,
}

/// An object as it was when it was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Hash of what was asked for.
    pub wanted: u64,
    /// Hash of what the API server made of it.
    pub seen: u64,
}

#[derive(Debug)]
struct Nudge {
    hash: String,
    count: u32,
    last: Instant,
}

/// A hash that lives as long as the process.
#[must_use]
pub fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Memory {
    /// A std lock: held for one look-up, never across an await.
    fn with<T>(&self, uid: &str, work: impl FnOnce(&mut Remembered) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(all.entry(uid.to_owned()).or_default())
    }

    /// Forgets all but these, of which the API server still knows.
    pub fn keep(&self, is_alive: impl Fn(&str) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| is_alive(uid));
    }

    /// Forgets one that is gone.
    pub fn forget(&self, uid: &str) {
        self.keep(|kept| kept != uid);
    }

    /// How an object was when it was written last.
    #[must_use]
    pub fn settled(&self, uid: &str, kind: &str, name: &str) -> Option<Settled> {
        self.with(uid, |memory| memory.settled.get(&(kind.to_owned(), name.to_owned())).copied())
    }

    /// Remembers how an object is.
    pub fn settle(&self, uid: &str, kind: &str, name: &str, settled: Settled) {
        self.with(uid, |memory| memory.settled.insert((kind.to_owned(), name.to_owned()), settled));
    }

    /// Whether fields of this object may be taken back once more; it is counted if so.
    pub fn may_take_back(&self, uid: &str, kind: &str, name: &str, now: Instant) -> bool {
        self.with(uid, |memory| {
            let times = memory.quarrels.entry((kind.to_owned(), name.to_owned())).or_default();
            times.retain(|time| now.duration_since(*time) < QUARREL);
            let may = times.len() < TAKEN_BACK;
            if may {
                times.push_back(now);
            }
            may
        })
    }

    /// Whether this pod is to be nudged for this configuration now, and the how-manieth time it is; it is counted if so.
    pub fn nudge(&self, uid: &str, pod: &str, hash: &str, now: Instant) -> Option<u32> {
        self.with(uid, |memory| {
            let nudge =
                memory.nudges.entry(pod.to_owned()).or_insert(Nudge { hash: String::new(), count: 0, last: now });
            if nudge.hash != hash {
                *nudge = Nudge { hash: hash.to_owned(), count: 0, last: now };
            } else if nudge.count >= NUDGES || now.duration_since(nudge.last) < NUDGE_PAUSE {
                return None;
            }
            nudge.count += 1;
            nudge.last = now;
            Some(nudge.count)
        })
    }

    /// Forgets pods that are gone.
    pub fn keep_pods(&self, uid: &str, is_there: impl Fn(&str) -> bool) {
        self.with(uid, |memory| memory.nudges.retain(|pod, _| is_there(pod)));
    }

    /// Counts a failure; how many there were in a row.
    pub fn failed(&self, uid: &str) -> u32 {
        self.with(uid, |memory| {
            memory.failures = memory.failures.saturating_add(1);
            memory.failures
        })
    }

    /// How many failures there were in a row.
    #[must_use]
    pub fn failures(&self, uid: &str) -> u32 {
        self.with(uid, |memory| memory.failures)
    }

    /// Remembers that the namespace is going away.
    pub fn leave(&self, uid: &str, now: Instant) {
        self.with(uid, |memory| memory.leaving = Some(now));
    }

    /// Whether the namespace was going away a moment ago. Every object that Kubernetes collects there would else be a try to make it again.
    pub fn is_leaving(&self, uid: &str, now: Instant) -> bool {
        self.with(uid, |memory| memory.leaving.is_some_and(|since| now.duration_since(since) < LEAVING))
    }

    /// Counts a look at which nothing moved, or begins anew; how many there were in a row.
    pub fn idle(&self, uid: &str, is_idle: bool) -> u32 {
        self.with(uid, |memory| {
            memory.idle = if is_idle { memory.idle.saturating_add(1) } else { 0 };
            memory.idle
        })
    }

    /// Whether the status may be written now: news at once, figures alone only now and then. It is remembered if so.
    pub fn may_publish(&self, uid: &str, is_news: bool, now: Instant) -> bool {
        self.with(uid, |memory| {
            let may = is_news || memory.published.is_none_or(|last| now.duration_since(last) >= FIGURES);
            if may {
                memory.published = Some(now);
            }
            may
        })
    }

    /// What was applied whole, as a digest of the spec.
    pub fn applied(&self, uid: &str, spec: u64) {
        self.with(uid, |memory| memory.applied = Some(spec));
    }

    /// Whether that spec is the one that was applied last. A process that has just begun knows of none.
    pub fn is_applied(&self, uid: &str, spec: u64) -> bool {
        self.with(uid, |memory| memory.applied == Some(spec))
    }

    /// A reconcile came to its end.
    pub fn succeeded(&self, uid: &str) {
        self.with(uid, |memory| memory.failures = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_taken_back_a_few_times_and_again_after_a_while() {
        let (memory, start) = (Memory::default(), Instant::now());
        for _ in 0..TAKEN_BACK {
            assert!(memory.may_take_back("u", "Service", "a", start));
        }
        assert!(!memory.may_take_back("u", "Service", "a", start));
        assert!(memory.may_take_back("u", "Service", "b", start), "another object has a count of its own");
        assert!(memory.may_take_back("u", "Service", "a", start + QUARREL));
    }

    #[test]
    fn a_pod_is_nudged_at_once_then_with_pauses_and_not_for_ever() {
        let (memory, start) = (Memory::default(), Instant::now());
        assert_eq!(memory.nudge("u", "p", "h1", start), Some(1));
        assert_eq!(memory.nudge("u", "p", "h1", start), None);
        assert_eq!(memory.nudge("u", "p", "h1", start + NUDGE_PAUSE), Some(2));
        assert_eq!(memory.nudge("u", "p", "h1", start + NUDGE_PAUSE * 2), Some(3));
        assert_eq!(memory.nudge("u", "p", "h1", start + NUDGE_PAUSE * 9), None);
        assert_eq!(memory.nudge("u", "p", "h2", start + NUDGE_PAUSE * 9), Some(1), "a newer configuration counts anew");
    }
}
