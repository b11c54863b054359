//! Where the hub is in its life, and who is still working.
//!
//! [`Lifecycle`] is one enum that anybody may watch; [`Tasks`] is the only place that starts a tokio task or a thread, so that a stop can
//! wait for all of them and name the one that is late. Ownership is a tree: a [`Tasks::group`] stops with its parent, or alone.

pub mod tasks;

use std::fmt;

use tokio::sync::watch;

pub use tasks::{Late, Tasks};

/// The hub's life, in order; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Binding listeners, joining the cluster; not ready.
    Starting,
    /// Serving.
    Ready,
    /// Told to go: not ready any more, clients are being sent away at a pace.
    Draining,
    /// Nothing is served; the process is about to end.
    Stopped,
}

impl Phase {
    /// The phase in lower case, as answers and metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The hub's current [`Phase`]; clones share it.
#[derive(Debug, Clone)]
pub struct Lifecycle(watch::Sender<Phase>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }
}

impl Lifecycle {
    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// A view that wakes at every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }

    /// Moves on to `phase`; `false` (and no change) when the hub is already there or past it, so that of two stop signals one acts.
    pub fn advance(&self, phase: Phase) -> bool {
        self.0.send_if_modified(|now| {
            let forward = phase > *now;
            if forward {
                tracing::info!(from = %now, to = %phase, "phase changed");
                *now = phase;
            }
            forward
        })
    }

    /// Waits until the hub is in `phase` or past it.
    pub async fn reached(&self, phase: Phase) {
        let mut watch = self.watch();
        // Fails only when the sender is gone, and `self` holds it.
        let _reached = watch.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_phase_only_moves_forward_and_only_one_caller_moves_it() {
        let lifecycle = Lifecycle::default();
        let watcher = lifecycle.clone();
        assert!(lifecycle.advance(Phase::Draining));
        assert!(!lifecycle.advance(Phase::Draining), "a second signal must not start a second drain");
        assert!(!lifecycle.advance(Phase::Ready), "a draining hub must not become ready again");
        watcher.reached(Phase::Ready).await;
        assert_eq!(watcher.phase(), Phase::Draining);
    }
}
