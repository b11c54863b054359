//! The keyring: the key set of `auth.jwt.jwks`, fetched by one task and kept. When to fetch is decided from values ([`State`]); the last good set
//! counts while the server is down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gohub_settings::Jwks;
use tokio::sync::{Notify, watch};

use super::jwks::{self, JwksError};
use super::key::Key;
use crate::http::{self, BodyError};
use crate::lifecycle::Tasks;
use crate::metrics::NetStats;

/// A longer document is not read.
const MAX_DOCUMENT: usize = 256 << 10;

/// Why the set could not be had. Says nothing of the address, which may have a secret in it.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("this hub cannot make HTTP calls")]
    NoClient,
    #[error("the server did not answer in time")]
    Late,
    #[error("the server could not be reached")]
    Unreachable,
    #[error("the server answered {0}")]
    Status(u16),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Document(#[from] JwksError),
}

/// What is known of the set.
#[derive(Clone, Default)]
struct State {
    keys: Arc<Vec<Key>>,
    /// Fetches that have ended, of whatever address.
    fetches: u64,
    /// Those that failed since the last that did not.
    failures: u32,
    /// When the last one ended.
    last: Option<Instant>,
    busy: bool,
}

impl State {
    /// Least time from the last fetch to the next.
    fn pause(&self, settings: &Jwks) -> Duration {
        let least = settings.min_interval.as_std();
        least.saturating_mul(1 << self.failures.min(16)).min(settings.refresh_interval.as_std())
    }

    /// Whether one may be made now.
    fn may_fetch(&self, settings: &Jwks, now: Instant) -> bool {
        !self.busy && self.last.is_none_or(|last| now.duration_since(last) >= self.pause(settings))
    }

    /// How long until one is made without anybody asking.
    fn due(&self, settings: &Jwks, now: Instant) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        let pause = if self.failures > 0 { self.pause(settings) } else { settings.refresh_interval.as_std() };
        pause.saturating_sub(now.duration_since(last))
    }
}

/// See the module.
pub(super) struct Keyring {
    settings: ArcSwap<Jwks>,
    state: watch::Sender<State>,
    wanted: Notify,
    client: Option<reqwest::Client>,
    stats: Arc<NetStats>,
}

impl Keyring {
    pub(super) fn start(settings: &Jwks, stats: Arc<NetStats>, tasks: &Tasks) -> Arc<Self> {
        let keyring = Arc::new(Self {
            settings: ArcSwap::from_pointee(settings.clone()),
            state: watch::Sender::new(State::default()),
            wanted: Notify::new(),
            client: http::client(),
            stats,
        });
        let (running, stop) = (Arc::clone(&keyring), tasks.token());
        drop(tasks.spawn("key set", async move { stop.run_until_cancelled(running.run()).await }));
        keyring
    }

    /// New settings. A set from another address is forgotten at once.
    pub(super) fn configure(&self, settings: &Jwks) {
        let before = self.settings.swap(Arc::new(settings.clone()));
        if before.url != settings.url {
            self.state.send_modify(|state| *state = State { fetches: state.fetches, ..State::default() });
        }
        self.wanted.notify_one();
    }

    pub(super) fn keys(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.state.borrow().keys)
    }

    /// Looks at the set anew if that may be done now, or waits for a look that is under way. All who wait share one. `false`: it was not seen.
    pub(super) async fn look_again(&self) -> bool {
        let settings = self.settings.load_full();
        let mut seen = self.state.subscribe();
        let before = {
            let state = seen.borrow_and_update();
            if !state.busy && !state.may_fetch(&settings, Instant::now()) {
                return false;
            }
            state.fetches
        };
        self.wanted.notify_one();
        let ended = seen.wait_for(|state| state.fetches > before);
        let ended = tokio::time::timeout(settings.timeout.as_std(), ended).await;
        ended.is_ok_and(|state| state.is_ok_and(|state| state.failures == 0))
    }

    async fn run(self: Arc<Self>) {
        loop {
            let settings = self.settings.load_full();
            let due = self.state.borrow().due(&settings, Instant::now());
            tokio::select! {
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(due), if !settings.url.is_empty() => {}
            }
            let settings = self.settings.load_full();
            if !settings.url.is_empty() && self.state.borrow().may_fetch(&settings, Instant::now()) {
                self.refresh(&settings).await;
            }
        }
    }

    async fn refresh(&self, settings: &Jwks) {
        self.state.send_modify(|state| state.busy = true);
        let outcome = self.fetch(settings).await;
        // Another address may have been set meanwhile: then this answers a question nobody asks any more.
        let is_current = self.settings.load().url == settings.url;
        self.stats.key_fetches.inc(if outcome.is_ok() { "ok" } else { "failed" });
        match &outcome {
            Ok(keys) => tracing::debug!(keys = keys.len(), "key set fetched"),
            Err(error) => tracing::warn!(%error, "key set not fetched, the last good one counts"),
        }
        self.state.send_modify(|state| {
            state.busy = false;
            state.fetches += 1;
            if is_current {
                state.last = Some(Instant::now());
                match outcome {
                    Ok(keys) => (state.keys, state.failures) = (Arc::new(keys), 0),
                    Err(_) => state.failures = state.failures.saturating_add(1),
                }
            }
        });
    }

    async fn fetch(&self, settings: &Jwks) -> Result<Vec<Key>, FetchError> {
        let client = self.client.as_ref().ok_or(FetchError::NoClient)?;
        let call = client.get(&settings.url).timeout(settings.timeout.as_std()).header("accept", "application/json");
        let failed =
            |error: reqwest::Error| if error.is_timeout() { FetchError::Late } else { FetchError::Unreachable };
        let mut response = call.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        Ok(jwks::parse(&http::body(&mut response, MAX_DOCUMENT).await?)?)
    }
}

#[cfg(test)]
mod tests {
    use gohub_settings::Duration as Time;

    use super::*;

    fn settings() -> Jwks {
        Jwks { min_interval: Time::from_secs(10), refresh_interval: Time::from_secs(60), ..Jwks::default() }
    }

    #[test]
    fn a_set_is_fetched_at_once_then_at_intervals_and_later_after_failures() {
        let (settings, now) = (settings(), Instant::now());
        let first = State::default();
        assert!(first.may_fetch(&settings, now) && first.due(&settings, now).is_zero());
        // Failures, the seconds until it may be fetched, the seconds until it is.
        for (failures, may, due) in [(0, 10, 60), (1, 20, 20), (2, 40, 40), (3, 60, 60), (u32::MAX, 60, 60)] {
            let state = State { failures, last: Some(now), ..State::default() };
            let at = |seconds| now + Duration::from_secs(seconds);
            assert!(!state.may_fetch(&settings, at(may - 1)) && state.may_fetch(&settings, at(may)), "{failures}");
            assert_eq!(state.due(&settings, now), Duration::from_secs(due), "{failures}");
            assert!(state.due(&settings, at(due + 1)).is_zero());
        }
        assert!(!State { busy: true, ..State::default() }.may_fetch(&settings, now), "one at a time");
    }
}
