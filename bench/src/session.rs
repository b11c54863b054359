//! A server under measure and the fleet that is connected to it.

use crate::args::{Common, Target};
use crate::fleet::{Dial, Dialled, Fleet};
use crate::machine;
use crate::receipts::Receipts;
use crate::server::Server;
use crate::wire::Format;
use anyhow::bail;
use std::time::{Duration, Instant};

/// How long the hub may take from the last handshake to the last welcome.
const WELCOME_DEADLINE: Duration = Duration::from_secs(30);

/// Everything a measurement works with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) server: Server,
    pub(crate) fleet: Fleet,
    pub(crate) receipts: Receipts,
    pub(crate) format: Format,
    pub(crate) dialled: Dialled,
    /// Resident memory of the server without and with the connections, in KiB.
    pub(crate) rss_before: Option<u64>,
    pub(crate) rss_connected: Option<u64>,
}

impl Session {
    /// Starts (or finds) the hub, opens `connections` connections and waits until each was welcomed.
    ///
    /// # Errors
    /// When the descriptors do not suffice, the hub does not start, or a connection is refused or not welcomed.
    pub(crate) fn open(target: &Target, common: &Common, connections: usize) -> anyhow::Result<Self> {
        machine::allow_descriptors(connections)?;
        let server = Server::of(target, connections)?;
        let mut session = Self::dial(server, target, common, connections, Some(common.format))?;
        let deadline = Instant::now() + WELCOME_DEADLINE;
        while session.receipts.welcomed < connections as u64 {
            if Instant::now() > deadline {
                bail!(
                    "{} of {connections} connections were welcomed within {WELCOME_DEADLINE:?}",
                    session.receipts.welcomed
                );
            }
            session.turn(Duration::from_millis(5))?;
        }
        session.rss_connected = session.server.rss_kib()?;
        Ok(session)
    }

    /// The same with a raw server, which neither shakes hands nor welcomes.
    ///
    /// # Errors
    /// When the descriptors do not suffice or a connection is refused.
    pub(crate) fn open_raw(server: Server, common: &Common, connections: usize) -> anyhow::Result<Self> {
        machine::allow_descriptors(connections)?;
        let mut session = Self::dial(server, &Target::default(), common, connections, None)?;
        session.rss_connected = session.server.rss_kib()?;
        Ok(session)
    }

    fn dial(
        server: Server,
        target: &Target,
        common: &Common,
        connections: usize,
        upgrade: Option<Format>,
    ) -> anyhow::Result<Self> {
        if let Some(cpu) = common.client_cpu {
            machine::pin(cpu)?;
        }
        let dial = Dial {
            endpoints: server.endpoints.clone(),
            sources: common.sources,
            rate: common.connect_rate,
            upgrade,
            token: target.token.clone(),
        };
        let rss_before = server.rss_kib()?;
        let mut fleet = Fleet::new(dial)?;
        let mut receipts = Receipts::new(common.format, connections);
        if upgrade.is_none() {
            // A raw server writes as soon as it has all connections, and listens to the first one it accepts.
            (0..connections).for_each(|connection| receipts.expect(connection, 0));
            fleet.dial(1, false, &mut receipts)?;
        }
        let dialled = fleet.dial(connections, false, &mut receipts)?;
        Ok(Self { server, fleet, receipts, format: common.format, dialled, rss_before, rss_connected: None })
    }

    /// Turns until `done`, at most for `bound`; false when the time ran out first.
    ///
    /// # Errors
    /// When the event loop fails.
    pub(crate) fn until(&mut self, bound: Duration, done: impl Fn(&Self) -> bool) -> anyhow::Result<bool> {
        let deadline = Instant::now() + bound;
        while !done(self) {
            if Instant::now() > deadline {
                return Ok(false);
            }
            self.turn(Duration::from_millis(5))?;
        }
        Ok(true)
    }
}
