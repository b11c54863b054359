//! When each connection is closed, and when it comes back: a pure function, so that the pace can be proved and not hoped for.
//!
//! Two storms are to be avoided: the closes (every one makes the load balancer work) and the reconnects (every one is a TLS handshake and
//! a replay on a hub that is serving others). Hence two spreads: closes follow the rate, with jitter; and each connection is told a
//! reconnect slot of its own, shuffled, so that those closed together do not come back together.

use std::time::Duration;

/// How fast connections go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Connections closed per second; above zero.
    pub rate: f64,
    /// Time in which all must have been told: whoever the rate leaves over is closed at its end.
    pub window: Duration,
    /// Time over which the closed ones spread their reconnects.
    pub spread: Duration,
}

impl Pace {
    /// The pace of one of `parts` equal parts (a shard), so that all together keep this one.
    #[must_use]
    pub fn split(self, parts: usize) -> Self {
        Self { rate: self.rate / parts.max(1) as f64, ..self }
    }
}

/// What one connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it is closed, counted from the start of the drain (`close_in_ms`).
    pub close_in: Duration,
    /// How long after its close it connects again (`reconnect_in_ms`).
    pub reconnect_in: Duration,
}

/// One slot for each of `connections`, the earliest first. The same `seed` gives the same slots.
#[must_use]
pub fn plan(connections: usize, pace: Pace, seed: u64) -> Vec<Slot> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut places: Vec<usize> = (0..connections).collect();
    random.shuffle(&mut places);
    let spread = pace.spread.as_secs_f64() / connections.max(1) as f64;
    let gap = 1.0 / pace.rate.max(f64::MIN_POSITIVE);
    places
        .into_iter()
        .enumerate()
        .map(|(order, place)| {
            let close = (order as f64 + random.f64()) * gap;
            let reconnect = (place as f64 + random.f64()) * spread;
            Slot {
                // The jitter stays inside the connection's own gap, so the order (and with it the rate) holds.
                close_in: Duration::try_from_secs_f64(close).unwrap_or(pace.window).min(pace.window),
                reconnect_in: Duration::try_from_secs_f64(reconnect).unwrap_or(pace.spread).min(pace.spread),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(rate: f64, window_s: u64, spread_s: u64) -> Pace {
        Pace { rate, window: Duration::from_secs(window_s), spread: Duration::from_secs(spread_s) }
    }

    /// The most events in any window of this length.
    fn densest(mut times: Vec<Duration>, length: Duration) -> usize {
        times.sort();
        (0..times.len()).map(|i| times.partition_point(|t| *t < times[i] + length) - i).max().unwrap_or(0)
    }

    #[test]
    fn no_second_sees_more_closes_than_the_rate_or_more_reconnects_than_its_share() {
        let slots = plan(10_000, pace(1000.0, 60, 10), 7);
        let closes: Vec<_> = slots.iter().map(|slot| slot.close_in).collect();
        let back: Vec<_> = slots.iter().map(|slot| slot.close_in + slot.reconnect_in).collect();
        assert!(densest(closes, Duration::from_secs(1)) <= 1001);
        // 10,000 over the 20 s of closing and spreading; a storm would be all of them in one second.
        let storm = densest(back, Duration::from_secs(1));
        assert!(storm <= 1_200, "{storm} reconnects in one second");
    }

    #[test]
    fn whoever_the_rate_leaves_over_is_closed_when_the_window_ends() {
        let slots = plan(100, pace(1.0, 10, 5), 1);
        let at_end = slots.iter().filter(|slot| slot.close_in == Duration::from_secs(10)).count();
        assert_eq!(at_end, 90);
    }

    #[test]
    fn the_shards_together_keep_the_pace_of_one() {
        let shards = (0..4).flat_map(|shard| plan(2_500, pace(1000.0, 60, 10).split(4), shard));
        assert!(densest(shards.map(|slot| slot.close_in).collect(), Duration::from_secs(1)) <= 1_004);
    }

    proptest! {
        #[test]
        fn every_connection_has_a_slot_inside_the_bounds(
            n in 0_usize..500, rate in 0.001_f64..1e6, window in 0_u64..100, spread in 0_u64..100, seed: u64,
        ) {
            let pace = pace(rate, window, spread);
            let slots = plan(n, pace, seed);
            prop_assert_eq!(slots.len(), n);
            prop_assert!(slots.iter().all(|slot| slot.close_in <= pace.window && slot.reconnect_in <= pace.spread));
            prop_assert!(slots.is_sorted_by_key(|slot| slot.close_in));
            prop_assert_eq!(slots, plan(n, pace, seed));
        }
    }
}
