//! The room hooks: a server that says whether a client may join a room, or send to it. What it said counts for a while, and while it fails it is left
//! alone, as with tokens ([`super::hook`]).
//!
//! What is known is answered at once, on the shard's own thread; asking is for a task. Calls are bounded, and so are those who wait for one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gohub_settings::{OnHookFailure, RoomHook as RoomHookSettings};
use tokio::sync::Semaphore;

use super::breaker::{Breaker, Patience};
use crate::http;
use crate::metrics::NetStats;
use crate::protocol::{ClientId, RoomName};

/// Calls under way at once.
const MAX_CALLS: usize = 256;
/// Questions that wait for their call or are in one; above it they are refused.
const MAX_QUESTIONS: usize = 4096;
/// Verdicts that are remembered. When there are more, those that are over go, and if that is not enough all of them.
const MAX_VERDICTS: usize = 65_536;

/// What a client wants to do in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookKind {
    /// Be in it.
    Join,
    /// Send to it.
    Publish,
}

/// What the server says, or what counts in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
    /// The server fails, and nothing counts in its place.
    Unclear,
    /// Too many ask at the same time.
    Overloaded,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// Whether the client may, and when that was said.
    verdicts: HashMap<(ClientId, RoomName), (bool, Instant)>,
}

impl State {
    fn remembered(&self, who: &(ClientId, RoomName), age: Duration, now: Instant) -> Option<Verdict> {
        let (may, given) = self.verdicts.get(who)?;
        let verdict = if *may { Verdict::Allowed } else { Verdict::Denied };
        (now.saturating_duration_since(*given) < age).then_some(verdict)
    }

    fn remember(&mut self, who: (ClientId, RoomName), may: bool, settings: &RoomHookSettings, now: Instant) {
        if self.verdicts.len() >= MAX_VERDICTS {
            let longest = settings.cache.as_std().max(settings.stale.as_std());
            self.verdicts.retain(|_, (_, given)| now.saturating_duration_since(*given) < longest);
        }
        if self.verdicts.len() >= MAX_VERDICTS {
            self.verdicts.clear();
        }
        self.verdicts.insert(who, (may, now));
    }

    /// What counts while the server fails.
    fn without(&self, who: &(ClientId, RoomName), settings: &RoomHookSettings, now: Instant) -> Verdict {
        self.remembered(who, settings.stale.as_std(), now).unwrap_or(match settings.on_failure {
            OnHookFailure::Deny => Verdict::Unclear,
            OnHookFailure::Allow => Verdict::Allowed,
        })
    }
}

/// See the module. A std mutex, held for look-ups.
pub(super) struct RoomHook {
    kind: HookKind,
    settings: ArcSwap<RoomHookSettings>,
    state: Mutex<State>,
    places: Semaphore,
    questions: AtomicUsize,
    client: Option<reqwest::Client>,
    stats: Arc<NetStats>,
}

/// One of the questions under way.
struct Question<'a>(&'a AtomicUsize);

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RoomHook {
    pub(super) fn new(kind: HookKind, settings: &RoomHookSettings, stats: Arc<NetStats>) -> Self {
        Self {
            kind,
            settings: ArcSwap::from_pointee(settings.clone()),
            state: Mutex::default(),
            places: Semaphore::new(MAX_CALLS),
            questions: AtomicUsize::new(0),
            client: http::client(),
            stats,
        }
    }

    /// New settings. What another server said is forgotten.
    pub(super) fn configure(&self, settings: &RoomHookSettings) {
        let before = self.settings.swap(Arc::new(settings.clone()));
        if before.url != settings.url {
            *self.state() = State::default();
        }
    }

    pub(super) fn is_set(&self) -> bool {
        !self.settings.load().url.is_empty()
    }

    /// The verdict, where it can be given without asking.
    pub(super) fn known(&self, client: &ClientId, room: &RoomName) -> Option<Verdict> {
        let settings = self.settings.load();
        if !settings.concerns(room.as_str()) {
            return Some(Verdict::Allowed);
        }
        let (who, now) = ((client.clone(), room.clone()), Instant::now());
        let state = self.state();
        let verdict = state.remembered(&who, settings.cache.as_std(), now);
        let verdict = verdict.or_else(|| state.breaker.is_closed(now).then(|| state.without(&who, &settings, now)));
        drop(state);
        verdict.inspect(|verdict| self.count(*verdict))
    }

    /// Asks. Takes the time of a call, and of those that are before it.
    pub(super) async fn ask(&self, client: &ClientId, room: &RoomName) -> Verdict {
        if self.questions.fetch_add(1, Ordering::Relaxed) >= MAX_QUESTIONS {
            self.questions.fetch_sub(1, Ordering::Relaxed);
            self.count(Verdict::Overloaded);
            return Verdict::Overloaded;
        }
        let _question = Question(&self.questions);
        let Ok(_place) = self.places.acquire().await else { return Verdict::Unclear };
        // Somebody may have asked the same meanwhile, or found that the server fails.
        if let Some(verdict) = self.known(client, room) {
            return verdict;
        }
        let settings = self.settings.load_full();
        let patience = Patience { failures: settings.failures, pause: settings.pause.as_std() };
        let who = (client.clone(), room.clone());
        if !self.state().breaker.may_call(patience, Instant::now()) {
            return self.state().without(&who, &settings, Instant::now());
        }
        let outcome = self.call(&settings, &who).await;
        self.stats.room_hook_calls.inc(if outcome.is_ok() { "ok" } else { "failed" });
        let mut state = self.state();
        let now = Instant::now();
        state.breaker.ended(outcome.is_ok(), patience, now);
        let verdict = match outcome {
            Ok(may) => {
                state.remember(who, may, &settings, now);
                if may { Verdict::Allowed } else { Verdict::Denied }
            }
            Err(reason) => {
                tracing::warn!(reason, kind = self.kind.name(), "a room hook failed");
                state.without(&who, &settings, now)
            }
        };
        drop(state);
        self.count(verdict);
        verdict
    }

    async fn call(&self, settings: &RoomHookSettings, who: &(ClientId, RoomName)) -> Result<bool, &'static str> {
        let client = self.client.as_ref().ok_or("this hub cannot make HTTP calls")?;
        let (client_id, room) = (who.0.as_str(), who.1.as_str());
        let body = serde_json::json!({ "kind": self.kind.name(), "client_id": client_id, "room": room }).to_string();
        let call = http::post(client, &settings.url, &settings.secret, body).timeout(settings.timeout.as_std());
        let response = call.send().await.map_err(|error| match error.is_timeout() {
            true => "no answer in time",
            false => "it could not be reached",
        })?;
        match response.status().as_u16() {
            200 => Ok(true),
            401 | 403 => Ok(false),
            _ => Err("it answered neither 200 nor 401 nor 403"),
        }
    }

    fn count(&self, verdict: Verdict) {
        self.stats.room_hook_verdicts.inc(match verdict {
            Verdict::Allowed => "allowed",
            Verdict::Denied => "denied",
            Verdict::Unclear => "unclear",
            Verdict::Overloaded => "overloaded",
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HookKind {
    /// As the server reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Publish => "publish",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(client: &str) -> (ClientId, RoomName) {
        (ClientId::parse(client).unwrap(), RoomName::parse("r").unwrap())
    }

    #[test]
    fn a_verdict_counts_for_a_while_for_longer_while_the_server_fails_and_then_the_setting_does() {
        let settings = RoomHookSettings::default();
        let now = Instant::now();
        let mut state = State::default();
        state.remember(who("good"), true, &settings, now);
        state.remember(who("bad"), false, &settings, now);
        let second = Duration::from_secs(1);
        assert_eq!(state.remembered(&who("bad"), second, now), Some(Verdict::Denied));
        assert_eq!(state.remembered(&who("good"), second, now + second), None);
        assert_eq!(state.without(&who("good"), &settings, now + second), Verdict::Allowed);
        assert_eq!(state.without(&who("bad"), &settings, now + second), Verdict::Denied);
        let long_after = now + settings.stale.as_std();
        assert_eq!(state.without(&who("good"), &settings, long_after), Verdict::Unclear);
        let open = RoomHookSettings { on_failure: OnHookFailure::Allow, ..settings };
        assert_eq!(state.without(&who("nobody"), &open, now), Verdict::Allowed);
    }

    #[test]
    fn verdicts_are_not_remembered_without_bound() {
        let (settings, now) = (RoomHookSettings::default(), Instant::now());
        let mut state = State::default();
        for number in 0..MAX_VERDICTS + 5 {
            state.remember(who(&number.to_string()), true, &settings, now);
        }
        assert!(state.verdicts.len() <= MAX_VERDICTS);
    }
}
