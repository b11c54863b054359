//! Whether the bus works: which of its parts fail, since when, and what clients are told.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::protocol::Mode;

/// What must work for publications to flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Watch,
    Put,
    Lease,
}

/// The condition of the parts. A fault counts once it lasts longer than the grace time: an election of etcd is no outage.
#[derive(Debug)]
pub(crate) struct Condition {
    grace: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    faults: [Option<(Instant, String)>; 3],
    mode: Mode,
    last_error: Option<String>,
}

impl Condition {
    /// Watch and lease count as faulty until they are reported to work.
    pub(crate) fn new(grace: Duration) -> Self {
        let starting = || Some((Instant::now(), "not connected to etcd yet".to_owned()));
        let faults = [starting(), None, starting()];
        Self { grace, state: Mutex::new(State { faults, mode: Mode::Normal, last_error: None }) }
    }

    /// `part` works.
    pub(crate) fn works(&self, part: Part) {
        self.state().faults[part as usize] = None;
    }

    /// `part` fails; the time counts from the first report.
    pub(crate) fn fails(&self, part: Part, error: impl ToString) {
        let error = error.to_string();
        let mut state = self.state();
        state.last_error = Some(error.clone());
        match &mut state.faults[part as usize] {
            Some((_, text)) => *text = error,
            fault => *fault = Some((Instant::now(), error)),
        }
    }

    /// Whether `part` works at this moment.
    pub(crate) fn is_whole_for(&self, part: Part) -> bool {
        self.state().faults[part as usize].is_none()
    }

    /// Whether all parts work at this moment.
    pub(crate) fn is_whole(&self) -> bool {
        self.state().faults.iter().all(Option::is_none)
    }

    pub(crate) fn mode(&self) -> Mode {
        self.state().mode
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.state().last_error.clone()
    }

    /// The mode that follows from the faults at `now`, with the reason, when it changed.
    pub(crate) fn judge(&self, now: Instant) -> Option<(Mode, String)> {
        let mut state = self.state();
        let lasting = |(since, _): &&(Instant, String)| now.saturating_duration_since(*since) >= self.grace;
        let (mode, reason) = match state.faults.iter().flatten().find(lasting) {
            Some((_, error)) => (Mode::Degraded, error.clone()),
            None if state.faults.iter().all(Option::is_none) => (Mode::Normal, String::new()),
            None => return None,
        };
        if mode == state.mode {
            return None;
        }
        state.mode = mode;
        Some((mode, reason))
    }

    /// A std mutex, never held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    fn working() -> Condition {
        let condition = Condition::new(GRACE);
        condition.works(Part::Watch);
        condition.works(Part::Lease);
        condition
    }

    #[test]
    fn a_short_fault_is_nobody_elses_business() {
        let condition = working();
        let now = Instant::now();
        condition.fails(Part::Put, "no leader");
        assert!(!condition.is_whole());
        assert_eq!(condition.judge(now), None);
        condition.works(Part::Put);
        assert_eq!(condition.judge(now + GRACE * 2), None);
        assert_eq!(condition.last_error().as_deref(), Some("no leader"));
    }

    #[test]
    fn a_lasting_fault_degrades_until_every_part_works_again() {
        let condition = working();
        let later = Instant::now() + GRACE * 2;
        condition.fails(Part::Put, "no leader");
        condition.fails(Part::Put, "no leader still");
        assert_eq!(condition.judge(later), Some((Mode::Degraded, "no leader still".to_owned())));
        assert_eq!((condition.judge(later), condition.mode()), (None, Mode::Degraded));
        condition.fails(Part::Watch, "closed");
        condition.works(Part::Put);
        assert_eq!(condition.judge(Instant::now()), None);
        condition.works(Part::Watch);
        assert_eq!(condition.judge(later), Some((Mode::Normal, String::new())));
    }

    #[test]
    fn a_bus_that_never_connected_is_degraded_after_the_grace_time() {
        let condition = Condition::new(GRACE);
        assert_eq!(condition.judge(Instant::now()), None);
        assert!(matches!(condition.judge(Instant::now() + GRACE), Some((Mode::Degraded, _))));
    }
}
