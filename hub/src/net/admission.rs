//! Admission: how many connections there may be, in all, from one address, and how fast they may come; on this hub, and by its share in the cluster.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::response::Rejection;
use super::slots::{Slots, UNLIMITED};
use crate::address_block::AddressBlock;

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

/// What this hub may use of the limits of the whole cluster. `None`: there is no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClusterShare {
    /// Connections of the process.
    pub connections: Option<u32>,
    /// New connections per second.
    pub rate: Option<u32>,
    /// Until when; after that nothing that is limited. `None`: as long as it is not replaced.
    pub until: Option<Instant>,
}

impl ClusterShare {
    fn at(self, now: Instant) -> Self {
        if self.until.is_none_or(|until| now < until) {
            return self;
        }
        Self { connections: self.connections.map(|_| 0), rate: self.rate.map(|_| 0), ..self }
    }
}

/// What is wanted of this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// Connections now, those in their handshake included.
    pub connections: u32,
    /// Connections that came since the last look, let in or not.
    pub came: u32,
    /// Of those, refused because the hub or the cluster is full.
    pub no_room: u32,
    /// Refused ones whose slot is still to come.
    pub waiting: u32,
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
    /// `limits.accept_rate`.
    #[error("connections come too fast (limits.accept_rate)")]
    Rate,
    /// `limits.accept_rate_per_ip`.
    #[error("connections come too fast from this address (limits.accept_rate_per_ip)")]
    AddressRate,
    /// This hub's share of `limits.cluster.max_connections`.
    #[error("the cluster is full (limits.cluster.max_connections)")]
    ClusterFull,
    /// This hub's share of `limits.cluster.accept_rate`.
    #[error("connections come too fast for the cluster (limits.cluster.accept_rate)")]
    ClusterRate,
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
            Self::AddressRate => "accept_rate_per_ip",
            Self::ClusterFull => "cluster_max_connections",
            Self::ClusterRate => "cluster_accept_rate",
            Self::Memory => "memory",
            Self::NotAccepting => "not_accepting",
        }
    }

    /// Whether it is the address's own fault: then it takes no slot from the others.
    fn is_about_the_address(self) -> bool {
        matches!(self, Self::Address | Self::AddressRate)
    }

    /// What the peer is told: 429 where it is about its address, else 503.
    pub(super) fn rejection(self, retry_after: Duration) -> Rejection {
        match self.is_about_the_address() {
            true => Rejection::too_many(self.to_string(), retry_after),
            false => Rejection::unavailable(self.to_string(), retry_after),
        }
    }
}

/// Connections that may come at once by a share of the cluster's rate, however small it is.
const SMALL_BURST: f64 = 10.0;

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, rate: u32, burst: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * f64::from(rate)).min(burst);
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
    addresses: HashMap<AddressBlock, Address>,
    share: ClusterShare,
    share_bucket: Option<Bucket>,
    slots: Slots,
    came: u32,
    no_room: u32,
}

impl State {
    /// Counts a connection as one of its address.
    fn enter(&mut self, ip: AddressBlock, now: Instant) -> Result<(), Refused> {
        let address = self.addresses.entry(ip).or_default();
        let verdict = if self.limits.max_per_ip > 0 && address.connections >= self.limits.max_per_ip {
            Err(Refused::Address)
        } else if !is_in_rate(&mut address.bucket, self.limits.rate_per_ip, now) {
            Err(Refused::AddressRate)
        } else {
            address.connections += 1;
            Ok(())
        };
        if verdict.is_err() {
            forget_idle(&mut self.addresses, now);
        }
        verdict
    }

    /// Whether there is a place for one more from anywhere.
    fn room(&self, now: Instant) -> Result<(), Refused> {
        let (limit, share) = (self.limits.max_connections, self.share.at(now).connections);
        if limit > 0 && self.connections >= limit {
            return Err(Refused::Full);
        }
        if share.is_some_and(|share| self.connections >= share) { Err(Refused::ClusterFull) } else { Ok(()) }
    }

    /// Whether one more may come now. The hub's own rate may be used up at once; of the cluster's a tenth, because others may have had this second's, but
    /// ten if it is that many: they do not come evenly.
    fn pace(&mut self, now: Instant) -> Result<(), Refused> {
        if !is_in_rate(&mut self.bucket, self.limits.rate, now) {
            return Err(Refused::Rate);
        }
        let Some(rate) = self.share.at(now).rate else { return Ok(()) };
        let burst = (f64::from(rate) / 10.0).max(SMALL_BURST.min(f64::from(rate)));
        let bucket = self.share_bucket.get_or_insert(Bucket { tokens: burst, at: now });
        if rate > 0 && bucket.take(rate, burst, now) { Ok(()) } else { Err(Refused::ClusterRate) }
    }

    /// How many refused ones may come back each second.
    fn slot_rate(&self, now: Instant) -> u32 {
        let own = match self.limits.rate {
            0 => UNLIMITED,
            rate => rate,
        };
        own.min(self.share.at(now).rate.unwrap_or(UNLIMITED))
    }

    fn leave(&mut self, ip: AddressBlock) {
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
    ip: Option<AddressBlock>,
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

    /// Another share of the limits of the cluster; nobody is thrown out.
    pub fn set_share(&self, share: ClusterShare) {
        self.lock().share = share;
    }

    /// What is wanted of this hub; what is counted since the last look begins anew.
    pub fn demand(&self, now: Instant) -> Demand {
        let mut state = self.lock();
        let waiting = state.slots.waiting(state.slot_rate(now), now);
        let (came, no_room) = (std::mem::take(&mut state.came), std::mem::take(&mut state.no_room));
        Demand { connections: state.connections, came, no_room, waiting }
    }

    /// How long one who is refused shall wait: at least `least`, and each in a slot of its own.
    pub fn slot(&self, least: Duration, now: Instant) -> Duration {
        let mut state = self.lock();
        let rate = state.slot_rate(now);
        state.slots.assign(least, rate, now)
    }

    /// The same for one refused because of this; who has only its address to blame waits `least`.
    pub(super) fn slot_for(&self, refused: Refused, least: Duration, now: Instant) -> Duration {
        if refused.is_about_the_address() { least } else { self.slot(least, now) }
    }

    /// Connections now, those in their handshake included.
    pub fn connections(&self) -> u32 {
        self.lock().connections
    }

    /// Whether one more from anywhere would find room.
    pub fn has_room(&self) -> bool {
        let has_room = self.lock().room(Instant::now()).is_ok();
        has_room && !self.closed.load(Ordering::Acquire) && !self.over_memory.load(Ordering::Acquire)
    }

    /// A place for a connection from `ip`.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit(&self, ip: IpAddr, now: Instant) -> Result<Permit, Refused> {
        self.take(Some(ip.into()), now)
    }

    /// A place for a connection that a proxy relays; [`Permit::is_from`] says later whose it is.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit_relayed(&self, now: Instant) -> Result<Permit, Refused> {
        self.take(None, now)
    }

    fn take(&self, ip: Option<AddressBlock>, now: Instant) -> Result<Permit, Refused> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Refused::NotAccepting);
        }
        if self.over_memory.load(Ordering::Acquire) {
            return Err(Refused::Memory);
        }
        let mut state = self.lock();
        state.came = state.came.saturating_add(1);
        if let Err(refused) = state.room(now) {
            state.no_room = state.no_room.saturating_add(1);
            return Err(refused);
        }
        // First the address's own share: who floods uses up nobody else's.
        if let Some(ip) = ip {
            state.enter(ip, now)?;
        }
        if let Err(refused) = state.pace(now) {
            if let Some(ip) = ip {
                state.leave(ip);
            }
            return Err(refused);
        }
        state.connections += 1;
        drop(state);
        Ok(Permit { admission: self.clone(), ip })
    }
}

impl Permit {
    /// Where it was given.
    pub(super) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Counts a relayed connection as one of `ip`.
    ///
    /// # Errors
    /// The limit of that address, if it is reached.
    pub fn is_from(&mut self, ip: IpAddr, now: Instant) -> Result<(), Refused> {
        let ip = AddressBlock::of(ip);
        let mut state = self.admission.lock();
        state.enter(ip, now)?;
        if let Some(before) = self.ip.replace(ip) {
            state.leave(before);
        }
        Ok(())
    }
}

fn is_in_rate(bucket: &mut Option<Bucket>, rate: u32, now: Instant) -> bool {
    if rate == 0 {
        return true;
    }
    bucket.get_or_insert(Bucket { tokens: f64::from(rate), at: now }).take(rate, rate.into(), now)
}

/// Keeps the map of addresses bounded by who is connected and who came within the last seconds.
fn forget_idle(addresses: &mut HashMap<AddressBlock, Address>, now: Instant) {
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
mod tests;
