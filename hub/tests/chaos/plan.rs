//! What happens when: a list of faults that follows from the seed alone.

use std::fmt;
use std::time::Duration;

/// How many hubs, and how many etcd members, there are.
pub(crate) const HUBS: usize = 3;

/// Before the first fault, and behind the last.
const CALM: Duration = Duration::from_secs(4);
/// Around a fault whose consequences are timed: nothing else is wrong then.
const QUIET: Duration = Duration::from_secs(12);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL of a hub, started anew at the end.
    KillHub,
    /// SIGSTOP of a hub, SIGCONT at the end.
    StopHub,
    /// Milliseconds between a hub and its clients.
    SlowClients(u64),
    /// Bytes per second between a hub and each of its clients.
    NarrowClients(u32),
    /// Every connection of a hub's clients is reset.
    ResetClients,
    /// A hub's clients and it no longer hear one another, and nobody is told.
    LoseClients,
    /// Milliseconds between a hub and etcd.
    SlowBus(u64),
    /// Bytes per second of each connection between a hub and etcd.
    NarrowBus(u32),
    /// Every connection between a hub and etcd is reset.
    ResetBus,
    /// A hub and etcd no longer hear one another, and nobody is told.
    LoseBus,
    /// SIGKILL of an etcd member, started anew with its data at the end.
    KillMember,
    /// The same to the leader.
    KillLeader,
    /// SIGSTOP of the leader.
    StopLeader,
    /// SIGKILL of the member and the next: etcd has no majority.
    LoseMajority,
}

impl Fault {
    /// The one whose consequences are timed.
    fn is_alone(self) -> bool {
        self == Self::KillHub
    }

    /// The others may overlap when they leave etcd its majority.
    fn is_of_links(self) -> bool {
        !matches!(self, Self::KillMember | Self::KillLeader | Self::StopLeader | Self::LoseMajority) && !self.is_alone()
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// When, from the start of the publishing.
    pub(crate) at: Duration,
    pub(crate) fault: Fault,
    /// The hub's number, or the member's; the leader is whoever leads then.
    pub(crate) target: usize,
    /// When it is taken back.
    pub(crate) lasts: Duration,
}

impl Event {
    pub(crate) fn ends(&self) -> Duration {
        self.at + self.lasts
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, fault, target, lasts } = self;
        write!(f, "{:7.1}s {fault:?} of {target} for {:.1}s", at.as_secs_f64(), lasts.as_secs_f64())
    }
}

/// The faults of a run of this length. Every kind comes before one comes again, and a killed hub is the first: its promise has figures
/// in every run, however short.
pub(crate) fn plan(seed: u64, length: Duration) -> Vec<Event> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut events: Vec<Event> = Vec::new();
    let mut bag = Vec::new();
    let mut at = CALM;
    loop {
        if bag.is_empty() {
            bag = kinds(&mut rng);
            rng.shuffle(&mut bag);
            if events.is_empty() {
                bag.push((Fault::KillHub, millis(&mut rng, 10_000, 14_000)));
            }
        }
        let Some((fault, lasts)) = bag.pop() else { continue };
        let target = rng.usize(..HUBS);
        let over = events.iter().map(Event::ends).max().unwrap_or_default();
        let before = events.last().map(|event| event.fault);
        let together = fault.is_of_links() && before.is_some_and(Fault::is_of_links) && rng.bool();
        if fault.is_alone() && !events.is_empty() {
            at = over + QUIET;
        } else if !together {
            at = at.max(over + millis(&mut rng, 2000, 5000));
        }
        if at + lasts + CALM > length {
            return events;
        }
        events.push(Event { at, fault, target, lasts });
        at += if fault.is_alone() { QUIET.max(lasts) } else { lasts / 2 };
    }
}

/// One of every kind, and how long it lasts.
fn kinds(rng: &mut fastrand::Rng) -> Vec<(Fault, Duration)> {
    vec![
        (Fault::KillHub, millis(rng, 10_000, 14_000)),
        (Fault::StopHub, millis(rng, 5000, 20_000)),
        (Fault::SlowClients(rng.u64(20..800)), millis(rng, 3000, 10_000)),
        (Fault::NarrowClients(rng.u32(100..2000)), millis(rng, 8000, 15_000)),
        (Fault::ResetClients, Duration::ZERO),
        (Fault::LoseClients, millis(rng, 3000, 12_000)),
        (Fault::SlowBus(rng.u64(20..800)), millis(rng, 3000, 10_000)),
        (Fault::NarrowBus(rng.u32(2000..20_000)), millis(rng, 3000, 10_000)),
        (Fault::ResetBus, Duration::ZERO),
        (Fault::LoseBus, millis(rng, 3000, 15_000)),
        (Fault::KillMember, millis(rng, 2000, 8000)),
        (Fault::KillLeader, millis(rng, 2000, 8000)),
        (Fault::StopLeader, millis(rng, 3000, 8000)),
        (Fault::LoseMajority, millis(rng, 3000, 12_000)),
    ]
}

fn millis(rng: &mut fastrand::Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.u64(from..to))
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

#[test]
fn a_seed_is_a_plan_and_another_seed_another() {
    assert_eq!(plan(7, TEN_MINUTES), plan(7, TEN_MINUTES));
    assert_ne!(plan(7, TEN_MINUTES), plan(8, TEN_MINUTES));
    let (short, long) = (plan(7, Duration::from_secs(60)), plan(7, TEN_MINUTES));
    assert_eq!(short, long[..short.len()], "a shorter run is the beginning of the longer one");
}

#[test]
fn ten_minutes_have_every_kind_of_fault_and_end_calmly() {
    for seed in 0..200 {
        let events = plan(seed, TEN_MINUTES);
        for (kind, _) in kinds(&mut fastrand::Rng::with_seed(0)) {
            let same = |event: &&Event| std::mem::discriminant(&event.fault) == std::mem::discriminant(&kind);
            assert!(events.iter().filter(same).count() >= 2, "seed {seed}: {kind:?}");
        }
        assert!(events.iter().all(|event| event.ends() + CALM <= TEN_MINUTES), "seed {seed}");
    }
}

#[test]
fn nothing_else_is_wrong_around_a_killed_hub() {
    for seed in 0..200 {
        let events = plan(seed, TEN_MINUTES);
        for (index, event) in events.iter().enumerate().filter(|(_, event)| event.fault == Fault::KillHub) {
            assert!(events[..index].iter().all(|before| before.ends() + QUIET <= event.at), "seed {seed}: {event}");
            assert!(events[index + 1..].iter().all(|after| event.at + QUIET <= after.at), "seed {seed}: {event}");
            assert!(events[index + 1..].iter().all(|after| event.ends() <= after.at), "seed {seed}: {event}");
        }
    }
}
