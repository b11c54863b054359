//! Everything the operator says of a `GoHub` while something is done to it: what came and went between two looks counts, too.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, pin_mut};
use gohub_operator::api::v1alpha1::{GoHub, GoHubStatus};
use kube::runtime::{WatchStreamExt, watcher};
use tokio::task::JoinSet;

use super::namespace::Bed;
use super::wait::eventually;

/// The statuses of a `GoHub`, in order, as long as this lives.
#[derive(Debug)]
pub struct History {
    seen: Arc<Mutex<Vec<GoHubStatus>>>,
    _following: JoinSet<()>,
}

impl Bed {
    /// Follows a `GoHub` from how it is now.
    pub async fn history(&self, gohub: &str) -> History {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (api, into) = (self.api::<GoHub>(), Arc::clone(&seen));
        let config = watcher::Config::default().fields(&format!("metadata.name={gohub}"));
        let mut following = JoinSet::new();
        following.spawn(async move {
            let changes = watcher(api, config).default_backoff().applied_objects();
            pin_mut!(changes);
            while let Some(change) = changes.next().await {
                if let Ok(GoHub { status: Some(status), .. }) = change {
                    into.lock().unwrap_or_else(PoisonError::into_inner).push(status);
                }
            }
        });
        let history = History { seen, _following: following };
        eventually("the history has begun", async || history.all().len(), |seen| *seen > 0).await;
        history
    }
}

impl History {
    /// Every status so far.
    #[must_use]
    pub fn all(&self) -> Vec<GoHubStatus> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all but the newest.
    pub fn forget(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let old = seen.len().saturating_sub(1);
        seen.drain(..old);
    }

    /// A condition's status and reason, in order, each as often as it turned into that.
    #[must_use]
    pub fn turns(&self, condition: &str) -> Vec<(String, String)> {
        let found = self.all().into_iter().flat_map(|status| status.conditions);
        let mut turns: Vec<_> =
            found.filter(|one| one.type_ == condition).map(|one| (one.status, one.reason)).collect();
        turns.dedup();
        turns
    }

    /// Waits until a condition has not held for a while and holds again.
    pub async fn until_lost_and_regained(&self, condition: &str) {
        let regained = |turns: &Vec<(String, String)>| {
            turns.iter().any(|(status, _)| status == "False")
                && turns.last().is_some_and(|(status, _)| status == "True")
        };
        eventually(&format!("{condition} goes False and comes back"), async || self.turns(condition), regained).await;
    }
}
