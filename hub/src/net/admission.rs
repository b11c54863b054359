//! Admission: how many connections there may be, in all, from one address, and how fast they may come.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::response::Rejection;

/// The limits, live. 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AdmissionLimits {
    /// Connections of the process, those in their handshake included.
    pub max_connections: u32,
    /// Connections from one address.
    pub max_per_ip: u32,
    /// New connections per second.
    pub rate: u32,
    /// New connections per second from one address.
    pub rate_per_ip: u32,
}

/// Why a connection is not let in; also the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `limits.max_connections`.
    #[error("this hub is full (limits.max_connections)")]
    Full,
    /// `limits.max_connections_per_ip`.
    #[error("too many connections from this address (limits.max_connections_per_ip)")]
    Address,
    /// `limits.accept_rate` or `limits.accept_rate_per_ip`.
    #[error("connections come too fast (limits.accept_rate)")]
    Rate,
    /// `limits.memory`.
    #[error("the memory budget is used up (limits.memory)")]
    Memory,
    /// The hub is not ready yet or drains.
    #[error("this hub takes no connections now")]
    NotAccepting,
}

impl Refused {
    /// The metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Full => "max_connections",
            Self::Address => "max_connections_per_ip",
            Self::Rate => "accept_rate",
            Self::Memory => "memory",
            Self::NotAccepting => "not_accepting",
        }
    }

    /// What the peer is told: 429 where it is about its address, else 503.
    pub(super) fn rejection(self, retry_after: Duration) -> Rejection {
        let unavailable = Rejection::unavailable(self.to_string(), retry_after);
        match self {
            Self::Address | Self::Rate => Rejection { status: 429, ..unavailable },
            Self::Full | Self::Memory | Self::NotAccepting => unavailable,
        }
    }
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, rate: u32, now: Instant) -> bool {
        let rate = f64::from(rate);
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * rate).min(rate);
        self.at = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }
}

#[derive(Debug, Default)]
struct Address {
    connections: u32,
    bucket: Option<Bucket>,
}

#[derive(Debug, Default)]
struct State {
    limits: AdmissionLimits,
    connections: u32,
    bucket: Option<Bucket>,
    addresses: HashMap<IpAddr, Address>,
}

impl State {
    /// Counts a connection as one of its address.
    fn enter(&mut self, ip: IpAddr, now: Instant) -> Result<(), Refused> {
        let address = self.addresses.entry(ip).or_default();
        let verdict = if self.limits.max_per_ip > 0 && address.connections >= self.limits.max_per_ip {
            Err(Refused::Address)
        } else if !is_in_rate(&mut address.bucket, self.limits.rate_per_ip, now) {
            Err(Refused::Rate)
        } else {
            address.connections += 1;
            Ok(())
        };
        if verdict.is_err() {
            forget_idle(&mut self.addresses, now);
        }
        verdict
    }

    fn leave(&mut self, ip: IpAddr) {
        let Some(address) = self.addresses.get_mut(&ip) else { return };
        address.connections = address.connections.saturating_sub(1);
        if address.connections == 0 && address.bucket.is_none() {
            self.addresses.remove(&ip);
        }
    }
}

/// Counts who is in. Cheap to clone; a std mutex, taken once per connection made and once per connection ended.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    state: Arc<Mutex<State>>,
    closed: Arc<AtomicBool>,
    over_memory: Arc<AtomicBool>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    admission: Admission,
    /// Whose it is; not known yet of what a proxy relays.
    ip: Option<IpAddr>,
}

impl Admission {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// New limits; they hold for those who come, nobody is thrown out.
    pub fn set_limits(&self, limits: AdmissionLimits) {
        self.lock().limits = limits;
    }

    /// Whether anybody is let in at all.
    pub fn set_accepting(&self, accepting: bool) {
        self.closed.store(!accepting, Ordering::Release);
    }

    /// Whether the process uses more than `limits.memory`.
    pub fn set_over_memory(&self, over: bool) {
        self.over_memory.store(over, Ordering::Release);
    }

    /// Connections now, those in their handshake included.
    pub fn connections(&self) -> u32 {
        self.lock().connections
    }

    /// Whether one more from anywhere would find room.
    pub fn has_room(&self) -> bool {
        let state = self.lock();
        let is_full = state.limits.max_connections > 0 && state.connections >= state.limits.max_connections;
        !is_full && !self.closed.load(Ordering::Acquire) && !self.over_memory.load(Ordering::Acquire)
    }

    /// A place for a connection from `ip`.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit(&self, ip: IpAddr, now: Instant) -> Result<Permit, Refused> {
        self.take(Some(prefix(ip)), now)
    }

    /// A place for a connection that a proxy relays; [`Permit::is_from`] says later whose it is.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit_relayed(&self, now: Instant) -> Result<Permit, Refused> {
        self.take(None, now)
    }

    fn take(&self, ip: Option<IpAddr>, now: Instant) -> Result<Permit, Refused> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Refused::NotAccepting);
        }
        if self.over_memory.load(Ordering::Acquire) {
            return Err(Refused::Memory);
        }
        let mut state = self.lock();
        if state.limits.max_connections > 0 && state.connections >= state.limits.max_connections {
            return Err(Refused::Full);
        }
        // First the address's own share: who floods uses up nobody else's.
        if let Some(ip) = ip {
            state.enter(ip, now)?;
        }
        let State { limits, bucket, .. } = &mut *state;
        if !is_in_rate(bucket, limits.rate, now) {
            if let Some(ip) = ip {
                state.leave(ip);
            }
            return Err(Refused::Rate);
        }
        state.connections += 1;
        drop(state);
        Ok(Permit { admission: self.clone(), ip })
    }
}

impl Permit {
    /// Counts a relayed connection as one of `ip`.
    ///
    /// # Errors
    /// The limit of that address, if it is reached.
    pub fn is_from(&mut self, ip: IpAddr, now: Instant) -> Result<(), Refused> {
        let ip = prefix(ip);
        let mut state = self.admission.lock();
        state.enter(ip, now)?;
        if let Some(before) = self.ip.replace(ip) {
            state.leave(before);
        }
        Ok(())
    }
}

/// An IPv6 host owns its /64: counted as one address.
fn prefix(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn is_in_rate(bucket: &mut Option<Bucket>, rate: u32, now: Instant) -> bool {
    if rate == 0 {
        return true;
    }
    bucket.get_or_insert(Bucket { tokens: f64::from(rate), at: now }).take(rate, now)
}

/// Keeps the map of addresses bounded by who is connected and who came within the last seconds.
fn forget_idle(addresses: &mut HashMap<IpAddr, Address>, now: Instant) {
    const MANY: usize = 10_000;
    let is_recent = |bucket: &Bucket| now.duration_since(bucket.at).as_secs() < 2;
    if addresses.len() > MANY {
        addresses.retain(|_, address| address.connections > 0 || address.bucket.as_ref().is_some_and(is_recent));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.admission.lock();
        state.connections = state.connections.saturating_sub(1);
        if let Some(ip) = self.ip {
            state.leave(ip);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admission(limits: AdmissionLimits) -> Admission {
        let admission = Admission::default();
        admission.set_limits(limits);
        admission
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let admission = admission(AdmissionLimits { max_connections: 2, max_per_ip: 1, ..Default::default() });
        let now = Instant::now();
        let [a, b, c]: [IpAddr; 3] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]].map(Into::into);
        let first = admission.admit(a, now).expect("room");
        assert_eq!(admission.admit(a, now).expect_err("one per address"), Refused::Address);
        let _second = admission.admit(b, now).expect("room");
        assert_eq!(admission.admit(c, now).expect_err("two in all"), Refused::Full);
        assert!(!admission.has_room());
        drop(first);
        assert_eq!(admission.connections(), 1);
        assert!(admission.admit(c, now).is_ok());
    }

    #[test]
    fn a_relayed_connection_counts_for_the_client_behind_the_proxy() {
        let admission = admission(AdmissionLimits { max_per_ip: 1, max_connections: 3, ..Default::default() });
        let now = Instant::now();
        let [a, b]: [IpAddr; 2] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(Into::into);
        let mut places = [(); 3].map(|()| admission.admit_relayed(now).expect("the proxy has no limit of its own"));
        assert_eq!(admission.admit_relayed(now).expect_err("three in all"), Refused::Full);
        places[0].is_from(a, now).expect("room");
        places[1].is_from(b, now).expect("room");
        assert_eq!(places[2].is_from(a, now).expect_err("one per address"), Refused::Address);
        drop(places);
        assert_eq!(admission.connections(), 0);
        assert!(admission.lock().addresses.is_empty());
    }

    #[test]
    fn one_address_that_floods_uses_up_nobody_elses_rate() {
        let admission = admission(AdmissionLimits { rate: 10, rate_per_ip: 1, ..Default::default() });
        let (now, [a, b]) = (Instant::now(), [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]);
        let _place = admission.admit(a, now).expect("the first");
        for _ in 0..100 {
            assert_eq!(admission.admit(a, now).expect_err("one a second"), Refused::Rate);
        }
        assert!(admission.admit(b, now).is_ok());
    }

    #[test]
    fn rates_are_per_second() {
        let admission = admission(AdmissionLimits { rate_per_ip: 2, ..Default::default() });
        let (now, ip) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        let _places = [admission.admit(ip, now).expect("first"), admission.admit(ip, now).expect("second")];
        assert_eq!(admission.admit(ip, now).expect_err("third"), Refused::Rate);
        assert!(admission.admit(ip, now + Duration::from_millis(600)).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let admission = admission(AdmissionLimits { max_per_ip: 1, ..Default::default() });
        let _place = admission.admit("2001:db8::1".parse().expect("an address"), Instant::now()).expect("room");
        assert_eq!(
            admission.admit("2001:db8::2".parse().expect("an address"), Instant::now()).expect_err("same /64"),
            Refused::Address
        );
        assert!(admission.admit("2001:db8:0:1::1".parse().expect("an address"), Instant::now()).is_ok());
    }

    #[test]
    fn nobody_comes_in_while_the_hub_drains_or_is_over_its_memory() {
        let admission = admission(AdmissionLimits::default());
        let ip = IpAddr::from([10, 0, 0, 1]);
        admission.set_over_memory(true);
        assert_eq!(admission.admit(ip, Instant::now()).expect_err("memory"), Refused::Memory);
        admission.set_accepting(false);
        assert_eq!(admission.admit(ip, Instant::now()).expect_err("closed"), Refused::NotAccepting);
    }
}
