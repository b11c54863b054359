//! When to look again. Pauses are jittered, so that a thousand `GoHub`s that failed together do not come back together.

use std::time::Duration;

use kube::runtime::controller::Action;

use crate::reconcile::Next;
use crate::reconcile::error::Class;

/// After a reconcile that came to its end.
pub(super) fn after(next: Next) -> Action {
    match next {
        Next::Soon => Action::requeue(jittered(Duration::from_millis(500))),
        Next::Shortly => Action::requeue(jittered(Duration::from_secs(2))),
        Next::Later => Action::requeue(jittered(Duration::from_secs(20))),
        Next::Never => Action::await_change(),
    }
}

/// After one that failed `times` times in a row: twice as long each time, up to the longest of its class.
pub(super) fn after_failure(class: Class, times: u32) -> Duration {
    let (first, longest) = class.pauses();
    let doubled = first.saturating_mul(1_u32.checked_shl(times.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
    jittered(doubled.min(longest))
}

/// Between three quarters and five quarters of it.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o42_one_that_always_fails_is_tried_ever_more_seldom() {
        for class in [Class::Transient, Class::Refused, Class::Conflict, Class::Terminating, Class::Gone] {
            let (first, longest) = class.pauses();
            for times in 0..100 {
                let pause = after_failure(class, times);
                assert!(pause >= first.mul_f64(0.75) && pause <= longest.mul_f64(1.25), "{class:?} {times} {pause:?}");
            }
            assert!(after_failure(class, 99) >= longest.mul_f64(0.75));
        }
    }
}
