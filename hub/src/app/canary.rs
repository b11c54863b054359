//! The delivery canary: a message of the hub's own through bus and log, and a word from every shard. `/readyz` believes nothing less.
//!
//! A process can be alive, its port open and its bus "connected" while nothing is delivered any more; a probe that publishes notices.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::Inner;
use crate::bus::{MessageBus, Receipt};
use crate::clock;
use crate::net::CANARY;
use crate::protocol::{ClientId, MessageId, Publication, Target};

/// A shard silent for this long hangs.
const HUNG: Duration = Duration::from_secs(60);

/// What the last canary found.
#[derive(Debug, Default)]
pub(super) struct Canary(Mutex<Option<(Broken, Instant)>>);

/// The hop that did not pass the canary on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("the delivery canary did not come back from the bus: {0}")]
    Bus(String),
    #[error("shard {0} did not answer in time")]
    Shard(usize),
}

impl Canary {
    /// Why the last canary did not arrive; `None`: it did, or none has flown yet.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(broken, _)| broken.clone())
    }

    /// The shard that has been silent for so long that only a restart helps: one that is merely busy is not killed for it.
    pub(super) fn hung(&self, now: Instant) -> Option<Broken> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (broken, since) = state.as_ref()?;
        (matches!(broken, Broken::Shard(_)) && now.saturating_duration_since(*since) >= HUNG).then(|| broken.clone())
    }

    fn note(&self, found: Option<Broken>, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.take();
        // The same fault goes on: it is as old as it was.
        let same = before.as_ref().filter(|(broken, _)| found.as_ref() == Some(broken));
        let since = same.map_or(now, |(_, since)| *since);
        *state = found.clone().map(|broken| (broken, since));
        drop(state);
        let before = before.map(|(broken, _)| broken);
        match (before, found) {
            (before, Some(broken)) if before.as_ref() != Some(&broken) => {
                tracing::warn!(%broken, "delivery is broken");
            }
            (Some(_), None) => tracing::info!("delivery works again"),
            _ => {}
        }
    }
}

/// Sends canaries until the hub stops.
pub(super) async fn watch(hub: Arc<Inner>) {
    let stop = hub.tasks.token();
    loop {
        let health = hub.now().health.clone();
        let found = fly(&hub, health.canary_timeout.as_std()).await;
        hub.canary.note(found.err(), Instant::now());
        if stop.run_until_cancelled(tokio::time::sleep(health.canary_interval.as_std())).await.is_none() {
            return;
        }
    }
}

async fn fly(hub: &Inner, patience: Duration) -> Result<(), Broken> {
    let started = Instant::now();
    let Ok(mailbox) = ClientId::parse(CANARY) else { return Ok(()) };
    let canary = Publication {
        target: Target::Client(mailbox),
        id: MessageId::Unicast.id(),
        message_type: None,
        data: None,
        from: None,
        ts: clock::unix_millis(),
        key: None,
    };
    let (receipt, answer) = Receipt::channel();
    hub.bus.publish(canary, receipt);
    match timeout(patience, answer).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(Broken::Bus(error.to_string())),
        Err(_) => return Err(Broken::Bus(format!("nothing within {patience:?}"))),
    }
    if let Some(shard) = hub.shards.silent(patience).await {
        return Err(Broken::Shard(shard));
    }
    hub.metrics.bus().canary.observe_duration(started.elapsed());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_shard_that_was_silent_for_a_minute_without_a_break_is_hung() {
        let (canary, start) = (Canary::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let silent = |shard| Some(Broken::Shard(shard));
        canary.note(silent(0), at(0));
        canary.note(silent(0), at(50));
        assert_eq!((canary.broken(), canary.hung(at(59))), (silent(0), None), "busy is not hung");
        assert_eq!(canary.hung(at(60)), silent(0));
        canary.note(None, at(61));
        canary.note(silent(0), at(62));
        assert_eq!(canary.hung(at(100)), None, "it answered in between");
        canary.note(silent(1), at(110));
        assert_eq!(canary.hung(at(125)), None, "another shard's silence is its own");
        canary.note(Some(Broken::Bus("etcd is away".to_owned())), at(130));
        assert_eq!(canary.hung(at(1000)), None, "a restart does not mend the bus");
    }
}
