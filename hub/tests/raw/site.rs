//! A hub in this process, to throw bytes at.

use std::time::{Duration, Instant};

use gohub::{Hub, Settings};
use tokio::runtime::Runtime;

use crate::peer::Peer;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A hub and the runtime it lives on.
pub(crate) struct Site {
    pub(crate) hub: Hub,
    runtime: Runtime,
}

impl Site {
    /// A hub on a free port, with these changes to its settings.
    pub(crate) fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        settings.server.addr = ([127, 0, 0, 1], 0).into();
        settings.admin.addr = ([127, 0, 0, 1], 0).into();
        settings.server.shards = 1;
        settings.server.close_timeout = gohub_settings::Duration::from_secs(1);
        settings.drain.settle = gohub_settings::Duration::ZERO;
        change(&mut settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let hub = runtime.block_on(Hub::builder(settings).start()).unwrap();
        Self { hub, runtime }
    }

    /// A TCP connection to it.
    pub(crate) fn knock(&self) -> Peer {
        Peer::connect(self.hub.address())
    }

    /// Waits until this holds.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Hub) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.hub) {
            assert!(Instant::now() < deadline, "never happened: {what}");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Nobody is connected, and the hub ends without anybody being late.
    pub(crate) fn ends_empty(self) {
        self.until("all connections are gone", |hub| hub.metrics().connections() == 0);
        let report = self.runtime.block_on(self.hub.drain());
        assert!(report.late.is_empty(), "{:?}", report.late);
    }
}
