//! What a client and an address may send, whatever number of connections they have and on whatever shards these are.
//!
//! ```text
//!   client "alice" -- Account { messages, bytes } <-+- connection, shard 0 -- before a read: is it in debt? pause. After: charge what was read.
//!   192.0.2.1 ------- Account { messages, bytes } <-+- connection, shard 1
//! ```
//!
//! An account is two numbers, each the moment at which all that was taken is paid for. Charging moves that moment on, by so long as the rate needs for
//! it; while it lies in the future there is debt and nobody of the account is read from. So a bucket is one atomic, several shards share it without a
//! lock, and it is touched once for each read of a socket and not for each message. Debt is at most what one read of each shard brings.
//!
//! The table of accounts is asked once per connection, before it is first read from while such a limit is set; without one nobody has an account. An
//! account outlives its connections until it is full again, so that nobody is forgiven for connecting anew.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::address_block::AddressBlock;
use crate::protocol::ClientId;

/// What may be sent at once: so many seconds' worth.
const BURST: i64 = 2 * NANOS;
const NANOS: i64 = 1_000_000_000;
/// Accounts below which nobody is looked for whose time is over.
const FEW: usize = 1024;

/// What all connections of one client, or of one address, may send together. 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Messages per second.
    pub messages: u32,
    /// Bytes per second.
    pub bytes: u64,
}

impl Rates {
    fn any(self) -> bool {
        self.messages > 0 || self.bytes > 0
    }
}

/// The rates of a client and of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SharedRates {
    /// All connections of one client.
    pub client: Rates,
    /// All connections from one address.
    pub address: Rates,
}

impl SharedRates {
    pub(super) fn any(&self) -> bool {
        self.client.any() || self.address.any()
    }
}

/// A bucket: the moment, in nanoseconds since the table began, at which all that was taken is paid for.
#[derive(Debug)]
struct PaidAt(AtomicI64);

impl PaidAt {
    /// Takes `cost`; how long until it is paid for, when that is not now.
    fn charge(&self, cost: u64, rate: u64, now: i64) -> Option<Duration> {
        if rate == 0 {
            return None;
        }
        let price = (cost as f64 / rate as f64 * NANOS as f64) as i64;
        let after = |at: i64| at.max(now - BURST).saturating_add(price);
        // Another shard may have charged it since: then it is counted from there.
        let before = self.0.fetch_update(Relaxed, Relaxed, |at| Some(after(at)));
        debt(before.map_or_else(after, after), now)
    }

    fn debt(&self, rate: u64, now: i64) -> Option<Duration> {
        if rate == 0 { None } else { debt(self.0.load(Relaxed), now) }
    }
}

fn debt(paid_at: i64, now: i64) -> Option<Duration> {
    u64::try_from(paid_at.saturating_sub(now)).ok().filter(|left| *left > 0).map(Duration::from_nanos)
}

/// What a client, or an address, has sent.
#[derive(Debug)]
struct Account {
    messages: PaidAt,
    bytes: PaidAt,
}

impl Account {
    fn full(now: i64) -> Arc<Self> {
        let full = || PaidAt(AtomicI64::new(now - BURST));
        Arc::new(Self { messages: full(), bytes: full() })
    }

    fn charge(&self, messages: u64, bytes: u64, rates: Rates, now: i64) -> Option<Duration> {
        self.messages.charge(messages, rates.messages.into(), now).max(self.bytes.charge(bytes, rates.bytes, now))
    }

    fn debt(&self, rates: Rates, now: i64) -> Option<Duration> {
        self.messages.debt(rates.messages.into(), now).max(self.bytes.debt(rates.bytes, now))
    }

    /// Whether a new account would be the same.
    fn is_full(&self, now: i64) -> bool {
        self.messages.0.load(Relaxed).max(self.bytes.0.load(Relaxed)) <= now - BURST
    }
}

/// Whose debt a connection waits for; also the metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Debtor {
    Client,
    Address,
}

impl Debtor {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Address => "address",
        }
    }
}

/// The two accounts that a connection is charged to.
#[derive(Debug)]
pub(super) struct Accounts {
    client: Arc<Account>,
    address: Arc<Account>,
    began: Instant,
}

impl Accounts {
    /// Charges what was read; how long nothing more is read, and because of whom.
    pub(super) fn charge(
        &self,
        messages: u64,
        bytes: u64,
        rates: &SharedRates,
        now: Instant,
    ) -> Option<(Duration, Debtor)> {
        let now = nanos(self.began, now);
        longer(
            self.client.charge(messages, bytes, rates.client, now),
            self.address.charge(messages, bytes, rates.address, now),
        )
    }

    /// How long nothing is read, because of what others of the same client or address have sent too.
    pub(super) fn debt(&self, rates: &SharedRates, now: Instant) -> Option<(Duration, Debtor)> {
        let now = nanos(self.began, now);
        longer(self.client.debt(rates.client, now), self.address.debt(rates.address, now))
    }
}

fn longer(client: Option<Duration>, address: Option<Duration>) -> Option<(Duration, Debtor)> {
    if client >= address {
        client.map(|wait| (wait, Debtor::Client))
    } else {
        address.map(|wait| (wait, Debtor::Address))
    }
}

fn nanos(began: Instant, now: Instant) -> i64 {
    i64::try_from(now.saturating_duration_since(began).as_nanos()).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct Book<K> {
    accounts: HashMap<K, Arc<Account>>,
    /// How many there are before it is looked through again.
    enough: usize,
}

impl<K> Default for Book<K> {
    fn default() -> Self {
        Self { accounts: HashMap::new(), enough: FEW }
    }
}

impl<K: Hash + Eq> Book<K> {
    /// Bounded by twice those who are connected, and those who have just gone.
    fn account(&mut self, key: K, now: i64) -> Arc<Account> {
        if self.accounts.len() >= self.enough {
            self.accounts.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_full(now));
            self.enough = (self.accounts.len() * 2).max(FEW);
        }
        Arc::clone(self.accounts.entry(key).or_insert_with(|| Account::full(now)))
    }
}

/// The accounts of one hub, by client and by address; a std mutex, taken once per connection.
#[derive(Debug)]
pub struct Quotas {
    began: Instant,
    books: Mutex<(Book<ClientId>, Book<AddressBlock>)>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { began: Instant::now(), books: Mutex::default() }
    }
}

impl Quotas {
    pub(super) fn accounts(&self, client: &ClientId, ip: IpAddr, now: Instant) -> Accounts {
        let moment = nanos(self.began, now);
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let (clients, addresses) = &mut *books;
        let client = clients.account(client.clone(), moment);
        let address = addresses.account(ip.into(), moment);
        Accounts { client, address, began: self.began }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: SharedRates =
        SharedRates { client: Rates { messages: 10, bytes: 0 }, address: Rates { messages: 0, bytes: 1000 } };

    fn accounts(quotas: &Quotas, client: &str, ip: [u8; 4], now: Instant) -> Accounts {
        quotas.accounts(&ClientId::parse(client).expect("a name"), ip.into(), now)
    }

    #[test]
    fn connections_of_one_client_share_its_rate_from_wherever_they_come() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        let [one, other] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(|ip| accounts(&quotas, "alice", ip, now));
        let bob = accounts(&quotas, "bob", [10, 0, 0, 1], now);
        assert_eq!(one.charge(15, 0, &RATES, now), None);
        assert_eq!(other.charge(5, 0, &RATES, now), None, "two seconds' worth");
        let (wait, debtor) = other.charge(5, 0, &RATES, now).expect("debt");
        assert_eq!((wait.as_millis(), debtor), (500, Debtor::Client));
        assert_eq!(one.debt(&RATES, now).map(|(wait, _)| wait.as_millis()), Some(500), "the same debt");
        assert_eq!(bob.debt(&RATES, now), None);
        assert_eq!(one.debt(&RATES, now + Duration::from_millis(500)), None, "paid");
    }

    #[test]
    fn clients_of_one_address_share_its_rate_and_the_longer_wait_counts() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        let [alice, bob] = ["alice", "bob"].map(|client| accounts(&quotas, client, [10, 0, 0, 1], now));
        assert_eq!(alice.charge(0, 2000, &RATES, now), None);
        let (wait, debtor) = bob.charge(21, 4000, &RATES, now).expect("debt");
        assert_eq!((wait.as_secs(), debtor), (4, Debtor::Address));
        assert_eq!(alice.debt(&RATES, now), Some((wait, Debtor::Address)));
        assert_eq!(alice.debt(&SharedRates::default(), now), None, "without a limit there is no debt");
    }

    #[test]
    fn in_the_long_run_the_rate_is_kept() {
        let (quotas, start) = (Quotas::default(), Instant::now());
        let account = accounts(&quotas, "alice", [10, 0, 0, 1], start);
        let mut taken = 0;
        for millis in 0..60_000 {
            let now = start + Duration::from_millis(millis);
            if account.debt(&RATES, now).is_none() {
                account.charge(7, 0, &RATES, now);
                taken += 7;
            }
        }
        assert!((600..=627).contains(&taken), "{taken} in a minute");
    }

    #[test]
    fn an_account_outlives_its_connections_until_it_is_full_again() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        let clients = |quotas: &Quotas| quotas.books.lock().expect("a lock").0.accounts.len();
        accounts(&quotas, "alice", [10, 0, 0, 1], now).charge(30, 0, &RATES, now);
        assert!(accounts(&quotas, "alice", [10, 0, 0, 1], now).debt(&RATES, now).is_some(), "not forgiven");
        let stays = accounts(&quotas, "stays", [10, 0, 0, 1], now);
        for n in 0..FEW {
            accounts(&quotas, &format!("passes-{n}"), [10, 0, 0, 1], now);
        }
        assert!(clients(&quotas) <= FEW);
        assert!(accounts(&quotas, "alice", [10, 0, 0, 1], now).debt(&RATES, now).is_some(), "in debt, so it is kept");
        let later = now + Duration::from_secs(5);
        for n in 0..=FEW {
            accounts(&quotas, &format!("passes-again-{n}"), [10, 0, 0, 1], later);
        }
        assert!(clients(&quotas) <= FEW);
        stays.charge(30, 0, &RATES, later);
        assert!(accounts(&quotas, "stays", [10, 0, 0, 1], later).debt(&RATES, later).is_some(), "it is connected");
    }
}
