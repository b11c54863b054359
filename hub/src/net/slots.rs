//! When those come back who were refused: each in a slot of its own, behind those given before, so that they do not come together again.
//!
//! A queue in time. It holds no one's place, only the moment of the next slot; who never comes back leaves its slot empty, and who comes without one
//! takes its chance.

use std::time::{Duration, Instant};

/// Nobody is sent away for longer, but for a `limits.retry_after` that is. More who are refused share what is left at random.
const LONGEST: Duration = Duration::from_mins(10);
/// Slots a second where no rate is set: about the TLS handshakes of one core.
pub(super) const UNLIMITED: u32 = 1000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Slots {
    next: Option<Instant>,
}

impl Slots {
    /// The wait of one more who is refused: `least`, or behind the one before it; `rate` of them a second.
    pub(super) fn assign(&mut self, least: Duration, rate: u32, now: Instant) -> Duration {
        let gap = Duration::from_secs(1) / rate.max(1);
        let first = now + least;
        let slot = self.next.map_or(first, |next| next.max(first));
        let (wait, longest) = (slot.saturating_duration_since(now), LONGEST.max(least));
        if wait > longest {
            return least + (longest - least).mul_f64(fastrand::f64());
        }
        self.next = Some(slot + gap);
        wait
    }

    /// How many will come back still.
    pub(super) fn waiting(&self, rate: u32, now: Instant) -> u32 {
        let left = self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        (left.as_secs_f64() * f64::from(rate.max(1))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_a_slot_behind_the_one_before() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        let least = Duration::from_secs(5);
        let waits: Vec<Duration> = (0..1000).map(|_| slots.assign(least, 100, now)).collect();
        assert!(waits.is_sorted() && waits[0] == least);
        for second in 5..15 {
            let those = waits.iter().filter(|wait| wait.as_secs() == second).count();
            assert_eq!(those, 100, "in second {second}");
        }
        assert_eq!(slots.waiting(100, now), 1500, "the last of them in 15 s");
        let later = now + Duration::from_secs(60);
        assert_eq!(
            (slots.assign(least, 100, later), slots.waiting(100, later)),
            (least, 501),
            "an empty queue begins anew"
        );
    }

    #[test]
    fn nobody_is_sent_away_for_ever_and_those_beyond_do_not_come_together() {
        let (mut slots, now) = (Slots::default(), Instant::now());
        let waits: Vec<Duration> = (0..2000).map(|_| slots.assign(Duration::from_secs(1), 1, now)).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        let crowd = waits.iter().filter(|wait| wait.as_secs() == 599).count();
        assert!(crowd < 30, "{crowd} in one second");
        let long = Duration::from_mins(20);
        assert_eq!(slots.assign(long, 1, now), long);
    }
}
