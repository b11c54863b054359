//! Whether this process is worth keeping (`/livez`) and whether it does its work (`/readyz`).
//!
//! A watch that hears nothing may be quiet or dead, and looks the same. The API server sends a bookmark about once a minute and every watch
//! is opened anew before five minutes have passed, so one that has heard nothing for longer is dead: the process is restarted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::Metrics;

/// A watch that has heard nothing for this long is dead.
pub const STALE: Duration = Duration::from_secs(300);

/// The health of this process; clones share it.
#[derive(Clone, Debug)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    watches: BTreeMap<String, Instant>,
    /// Why it does not do its work yet.
    waiting: Option<String>,
}

impl Default for Health {
    fn default() -> Self {
        let state = State { watches: BTreeMap::new(), waiting: Some("starting".to_owned()) };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl Health {
    /// A std lock: held for one look-up, never across an await.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A watch has heard of the API server, or begins.
    pub fn heard(&self, kind: &str) {
        self.with(|state| state.watches.insert(kind.to_owned(), Instant::now()));
    }

    /// A watch is no longer run.
    pub fn ended(&self, kind: &str) {
        self.with(|state| state.watches.remove(kind));
    }

    /// Says why no work is done, or that it is.
    pub fn waiting_for(&self, reason: Option<String>) {
        self.with(|state| state.waiting = reason);
    }

    /// Whether it does its work.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self) -> Result<(), String> {
        self.with(|state| state.waiting.clone().map_or(Ok(()), Err))
    }

    /// Whether it is worth keeping at a time.
    ///
    /// # Errors
    /// Which watch is dead.
    pub fn alive(&self, now: Instant) -> Result<(), String> {
        self.with(|state| {
            let dead = state.watches.iter().find(|(_, heard)| now.saturating_duration_since(**heard) > STALE);
            let words = |kind: &str| format!("the watch of {kind} has heard nothing for {} s", STALE.as_secs());
            dead.map_or(Ok(()), |(kind, _)| Err(words(kind)))
        })
    }

    /// Writes every watch's age into the figures.
    pub fn measure(&self, metrics: &Metrics) {
        self.with(|state| state.watches.iter().for_each(|(kind, heard)| metrics.watch_age(kind, heard.elapsed())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o30_a_watch_that_hears_nothing_for_five_minutes_is_dead() {
        let health = Health::default();
        health.heard("pods");
        assert_eq!(health.alive(Instant::now()), Ok(()));
        let later = Instant::now() + STALE + Duration::from_secs(1);
        assert!(health.alive(later).unwrap_err().contains("pods"));
        health.ended("pods");
        assert_eq!(health.alive(later), Ok(()), "a watch that is not run cannot be stale");
    }

    #[test]
    fn it_is_ready_once_it_waits_for_nothing() {
        let health = Health::default();
        assert_eq!(health.ready().unwrap_err(), "starting");
        health.waiting_for(None);
        assert_eq!(health.ready(), Ok(()));
    }
}
