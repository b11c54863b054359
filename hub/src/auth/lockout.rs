//! Who sends wrong tokens is not listened to for a while: neither crypto nor the hook is paid for what only guesses.
//!
//! Wrong tokens of an address fill a bucket that empties within a minute. When it runs over, the address waits; and when it goes on with wrong tokens
//! after that, it waits twice as long, up to a bound. A good token does not empty the bucket: who guesses may have one of his own.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gohub_settings::Lockout as Settings;

use crate::address_block::AddressBlock;

/// Addresses that are remembered. When there are more, those that are through go first, and then any one: an attacker with so many addresses is not
/// kept out by this, and must not fill the memory by it.
const MAX_ADDRESSES: usize = 10_000;
/// How often the whole table is looked through at most.
const SWEEP: Duration = Duration::from_secs(1);
/// What an address that has waited has used up already of its minute: a tenth is left.
const AFTER: f64 = 0.9;

#[derive(Debug)]
struct Record {
    /// Wrong tokens not forgotten yet, at `at`.
    level: f64,
    at: Instant,
    locked_until: Option<Instant>,
    /// How many times in a row it was locked out.
    times: u32,
}

impl Record {
    fn level(&self, rule: &Settings, now: Instant) -> f64 {
        let per_second = f64::from(rule.wrong_tokens) / 60.0;
        (self.level - now.saturating_duration_since(self.at).as_secs_f64() * per_second).max(0.0)
    }

    /// Whether nothing would be different without it.
    fn is_over(&self, rule: &Settings, now: Instant) -> bool {
        let quiet = now.saturating_duration_since(self.locked_until.unwrap_or(self.at));
        self.level(rule, now) == 0.0 && (self.times == 0 || quiet >= rule.max_pause.as_std())
    }
}

#[derive(Debug, Default)]
struct State {
    rule: Settings,
    addresses: HashMap<AddressBlock, Record>,
    swept: Option<Instant>,
}

/// See the module. A std mutex, taken once for each token and once more for a wrong one.
#[derive(Debug, Default)]
pub(super) struct Lockout(Mutex<State>);

impl Lockout {
    pub(super) fn new(rule: &Settings) -> Self {
        Self(Mutex::new(State { rule: rule.clone(), ..State::default() }))
    }

    /// Another rule. Without a limit everybody is let go.
    pub(super) fn configure(&self, rule: &Settings) {
        let mut state = self.lock();
        state.rule = rule.clone();
        if rule.wrong_tokens == 0 {
            state.addresses.clear();
        }
    }

    /// How long the address has to wait still.
    pub(super) fn left(&self, from: AddressBlock, now: Instant) -> Option<Duration> {
        let until = self.lock().addresses.get(&from)?.locked_until?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a wrong token. `Some`: that was one too many, and the address waits so long from now on.
    pub(super) fn wrong(&self, from: AddressBlock, now: Instant) -> Option<Duration> {
        let mut state = self.lock();
        if state.rule.wrong_tokens == 0 {
            return None;
        }
        state.make_room(from, now);
        let State { rule, addresses, .. } = &mut *state;
        let fresh = || Record { level: 0.0, at: now, locked_until: None, times: 0 };
        let record = addresses.entry(from).or_insert_with(fresh);
        if record.locked_until.is_some_and(|until| until > now) {
            // Judged beside the one that was too many.
            return None;
        }
        if record.is_over(rule, now) {
            *record = fresh();
        }
        record.level = record.level(rule, now) + 1.0;
        record.at = now;
        let limit = f64::from(rule.wrong_tokens);
        if record.level < limit {
            return None;
        }
        let doubled = rule.pause.as_std().saturating_mul(1 << record.times.min(20));
        let pause = doubled.min(rule.max_pause.as_std());
        let until = now + pause;
        *record = Record { level: limit * AFTER, at: until, locked_until: Some(until), times: record.times + 1 };
        Some(pause)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn make_room(&mut self, newcomer: AddressBlock, now: Instant) {
        if self.addresses.len() < MAX_ADDRESSES || self.addresses.contains_key(&newcomer) {
            return;
        }
        if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP) {
            self.swept = Some(now);
            let rule = &self.rule;
            self.addresses.retain(|_, record| !record.is_over(rule, now));
        }
        if self.addresses.len() >= MAX_ADDRESSES
            && let Some(any) = self.addresses.keys().next().copied()
        {
            self.addresses.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use gohub_settings::Duration as Time;

    use super::*;

    fn lockout() -> Lockout {
        Lockout::new(&Settings { wrong_tokens: 60, pause: Time::from_secs(10), max_pause: Time::from_secs(35) })
    }

    fn address(n: u32) -> AddressBlock {
        AddressBlock::of(std::net::Ipv4Addr::from(0x0A00_0000 + n).into())
    }

    /// Sends wrong tokens until it is locked out: how many, and for how long.
    fn provoke(lockout: &Lockout, from: AddressBlock, now: Instant) -> (usize, u64) {
        for sent in 1..=1000 {
            if let Some(pause) = lockout.wrong(from, now) {
                return (sent, pause.as_secs());
            }
        }
        panic!("never locked out");
    }

    #[test]
    fn who_goes_on_waits_twice_as_long_up_to_a_bound_and_gets_fewer_tries() {
        let (lockout, from) = (lockout(), address(1));
        let mut now = Instant::now();
        assert_eq!(lockout.left(from, now), None);
        for expected in [(60, 10), (6, 20), (6, 35), (6, 35)] {
            assert_eq!(provoke(&lockout, from, now), expected);
            assert_eq!(lockout.left(from, now).map(|left| left.as_secs()), Some(expected.1));
            assert_eq!(lockout.left(address(2), now), None, "nobody else");
            assert_eq!(lockout.wrong(from, now), None, "one that was under way does not count twice");
            now += Duration::from_secs(expected.1);
            assert_eq!(lockout.left(from, now), None);
        }
        now += Duration::from_secs(90);
        assert_eq!(provoke(&lockout, from, now), (60, 10), "forgotten after a quiet time");
    }

    #[test]
    fn a_wrong_token_now_and_then_locks_nobody_out() {
        let (lockout, from, start) = (lockout(), address(1), Instant::now());
        for second in 0..1000 {
            assert_eq!(lockout.wrong(from, start + Duration::from_millis(1001 * second)), None);
        }
    }

    #[test]
    fn the_table_is_bounded_and_lets_go_of_those_who_are_through_first() {
        let (lockout, now) = (lockout(), Instant::now());
        let count = |lockout: &Lockout| lockout.lock().addresses.len();
        for n in 0..MAX_ADDRESSES as u32 + 500 {
            lockout.wrong(address(n), now);
        }
        assert_eq!(count(&lockout), MAX_ADDRESSES);
        let later = now + Duration::from_secs(2);
        lockout.wrong(address(1_000_000), later);
        assert_eq!(count(&lockout), 1, "a single wrong token is forgotten after a second here");
    }

    #[test]
    fn without_a_limit_everybody_is_let_go() {
        let (lockout, from, now) = (lockout(), address(1), Instant::now());
        provoke(&lockout, from, now);
        lockout.configure(&Settings { wrong_tokens: 0, ..Settings::default() });
        assert_eq!(lockout.left(from, now), None);
        assert!((0..1000).all(|_| lockout.wrong(from, now).is_none()));
    }
}
