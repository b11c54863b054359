//! This hub's stakes in the limits of the cluster: what it asks for, and that it admits by what it is given.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gohub_settings::Settings;

use crate::cluster::{Ask, Budgets, ShareHolder, Shares};
use crate::metrics::NetStats;
use crate::net::{Admission, ClusterShare};
use crate::reload::Reload;

/// Of what came in one look, how much counts still in the next: a moment's pause is no end of a storm.
const FADE: f64 = 0.7;

pub(super) struct Stakes {
    admission: Admission,
    reload: Arc<Reload>,
    stats: Arc<NetStats>,
    pace: Mutex<Pace>,
}

/// How fast connections come.
struct Pace {
    looked: Instant,
    /// Per second.
    rate: f64,
}

fn limits(settings: &Settings) -> Shares {
    let limit = |limit: u32| (limit > 0).then_some(limit);
    let cluster = &settings.limits.cluster;
    Budgets { connections: limit(cluster.max_connections), accept_rate: limit(cluster.accept_rate) }
}

impl Stakes {
    pub(super) fn new(admission: Admission, reload: Arc<Reload>, stats: Arc<NetStats>) -> Self {
        let pace = Mutex::new(Pace { looked: Instant::now(), rate: 0.0 });
        Self { admission, reload, stats, pace }
    }

    /// A hub in a cluster has nothing until the others know of it.
    pub(super) fn begin(&self, settings: &Settings) {
        self.alone(settings);
        if settings.cluster.enabled {
            self.may_use(limits(settings), Instant::now());
        }
    }

    /// Without a cluster the hub has it all.
    pub(super) fn alone(&self, settings: &Settings) {
        if !settings.cluster.enabled {
            self.use_shares(limits(settings), None);
        }
    }

    fn use_shares(&self, shares: Shares, until: Option<Instant>) {
        let Shares { connections, accept_rate } = shares;
        self.admission.set_share(ClusterShare { connections, rate: accept_rate, until });
        self.stats.share_connections.set(connections.unwrap_or(0).into());
        self.stats.share_rate.set(accept_rate.unwrap_or(0).into());
    }
}

impl ShareHolder for Stakes {
    fn asks(&self) -> Budgets<Option<Ask>> {
        let now = Instant::now();
        let settings = self.reload.settings();
        let demand = self.admission.demand(now);
        let rate = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            let passed = now.saturating_duration_since(pace.looked).as_secs_f64().max(0.05);
            pace.looked = now;
            pace.rate = (f64::from(demand.came) / passed).max(pace.rate * FADE);
            pace.rate as u32
        };
        let Shares { connections, accept_rate } = limits(&settings);
        let want = demand.connections.saturating_add(demand.no_room);
        Budgets {
            connections: connections.map(|limit| Ask { limit, used: demand.connections, want: want.min(limit) }),
            // Those who wait for their slot want it as much as those who come now; and a little must be there for the first who comes.
            accept_rate: accept_rate.map(|limit| {
                let want = rate.saturating_add(demand.waiting).max(limit / 100 + 1);
                Ask { limit, used: 0, want: want.min(limit) }
            }),
        }
    }

    fn may_use(&self, shares: Shares, until: Instant) {
        self.use_shares(shares, Some(until));
    }
}
