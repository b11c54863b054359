//! The circuit breaker of a hook: after failures in a row its server is left alone, but for one call in each pause. Pure.

use std::time::{Duration, Instant};

/// When a server is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// Failures in a row after which it is.
    pub(super) failures: u32,
    /// For how long.
    pub(super) pause: Duration,
}

/// Whether the server may be asked.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    /// Whether the server is being left alone now; nothing changes.
    pub(super) fn is_closed(&self, now: Instant) -> bool {
        self.closed_until.is_some_and(|until| now < until)
    }

    /// Whether a call may be made now. Of those that try whether it is back, one in each pause.
    pub(super) fn may_call(&mut self, patience: Patience, now: Instant) -> bool {
        if self.is_closed(now) {
            return false;
        }
        if self.closed_until.is_some() {
            self.closed_until = Some(now + patience.pause);
        }
        true
    }

    /// A call has ended.
    pub(super) fn ended(&mut self, is_ok: bool, patience: Patience, now: Instant) {
        if is_ok {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= patience.failures {
            self.closed_until = Some(now + patience.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_one_call_in_each_pause_tries() {
        let (patience, start) = (Patience { failures: 2, pause: Duration::from_secs(5) }, Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::default();
        breaker.ended(false, patience, at(0));
        breaker.ended(true, patience, at(0));
        breaker.ended(false, patience, at(0));
        assert!(breaker.may_call(patience, at(0)), "not in a row");
        breaker.ended(false, patience, at(0));
        assert!(breaker.is_closed(at(4)) && !breaker.may_call(patience, at(4)));
        assert!(!breaker.is_closed(at(5)));
        assert!(breaker.may_call(patience, at(5)) && !breaker.may_call(patience, at(5)), "one tries");
        breaker.ended(false, patience, at(6));
        assert!(!breaker.may_call(patience, at(10)) && breaker.may_call(patience, at(11)));
        breaker.ended(true, patience, at(11));
        assert!(breaker.may_call(patience, at(11)) && breaker.may_call(patience, at(11)), "it is back");
    }
}
