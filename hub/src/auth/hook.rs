//! The hook: a server that judges tokens. What it said counts for a while, and while it fails it is left alone ([`Breaker`]), so that everybody who comes
//! back at once does not keep it down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gohub_settings::{AuthHook, Grant};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::breaker::{Breaker, Patience};
use super::revoked::{Pass, TokenId};
use super::rights::Rights;
use super::{Denied, Judged, Proof};
use crate::http;
use crate::metrics::NetStats;
use crate::protocol::{ClientId, MAX_TOKEN_BYTES};

/// Calls under way at once; who comes beyond it is told to come again.
const MAX_CALLS: usize = 256;
/// An answer longer than this is not read.
const MAX_ANSWER: usize = 64 << 10;
/// Verdicts that are remembered. When there are more, those that are over go, and if that is not enough all of them.
const MAX_VERDICTS: usize = 10_000;

/// What the server says of a good token.
#[derive(Debug, Deserialize)]
struct Answer {
    client_id: Option<String>,
    /// Seconds since 1970.
    expires: Option<u64>,
    capabilities: Option<Grant>,
}

/// A verdict and when it was given; `None`: the token is no good.
type Verdict = (Option<Proof>, Instant);

#[derive(Default)]
struct State {
    breaker: Breaker,
    verdicts: HashMap<TokenId, Verdict>,
}

impl State {
    /// What was said of the token no longer ago than `age`. Of what is older, only good verdicts count, and only while the server fails.
    fn remembered(&self, token: &TokenId, age: Duration, now: Instant) -> Option<Option<Proof>> {
        let (proof, given) = self.verdicts.get(token)?;
        (now.duration_since(*given) < age).then(|| proof.clone())
    }

    fn remember(&mut self, token: TokenId, proof: Option<Proof>, settings: &AuthHook, now: Instant) {
        if self.verdicts.len() >= MAX_VERDICTS {
            let longest = settings.cache.as_std().max(settings.stale.as_std());
            self.verdicts.retain(|_, (_, given)| now.duration_since(*given) < longest);
        }
        if self.verdicts.len() >= MAX_VERDICTS {
            self.verdicts.clear();
        }
        self.verdicts.insert(token, (proof, now));
    }
}

/// See the module. A std mutex, held for look-ups.
pub(super) struct Hook {
    settings: ArcSwap<AuthHook>,
    state: Mutex<State>,
    places: Semaphore,
    client: Option<reqwest::Client>,
    stats: Arc<NetStats>,
}

impl Hook {
    pub(super) fn new(settings: &AuthHook, stats: Arc<NetStats>) -> Self {
        Self {
            settings: ArcSwap::from_pointee(settings.clone()),
            state: Mutex::default(),
            places: Semaphore::new(MAX_CALLS),
            client: http::client(),
            stats,
        }
    }

    /// New settings. What another server said is forgotten.
    pub(super) fn configure(&self, settings: &AuthHook) {
        let before = self.settings.swap(Arc::new(settings.clone()));
        if before.url != settings.url {
            *self.state() = State::default();
        }
    }

    pub(super) fn is_set(&self) -> bool {
        !self.settings.load().url.is_empty()
    }

    /// What the server says of the token, now or a while ago. `rights` are those of a token of which it says nothing about them.
    pub(super) async fn judge(&self, token: &str, rights: &Rights) -> Result<Proof, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::Wrong);
        }
        let settings = self.settings.load_full();
        let patience = Patience { failures: settings.failures, pause: settings.pause.as_std() };
        let id = TokenId::of(token);
        {
            let mut state = self.state();
            let now = Instant::now();
            if let Some(verdict) = state.remembered(&id, settings.cache.as_std(), now) {
                return verdict.ok_or(Denied::Wrong);
            }
            if !state.breaker.may_call(patience, now) {
                return self.stale(&state, &id, &settings);
            }
        }
        let Ok(_place) = self.places.try_acquire() else { return self.stale(&self.state(), &id, &settings) };
        let outcome = self.call(token, &settings, rights).await;
        self.stats.hook_calls.inc(if outcome.is_ok() { "ok" } else { "failed" });
        let mut state = self.state();
        let now = Instant::now();
        state.breaker.ended(outcome.is_ok(), patience, now);
        match outcome {
            Ok(proof) => {
                state.remember(id, proof.clone(), &settings, now);
                proof.ok_or(Denied::Wrong)
            }
            Err(reason) => {
                tracing::warn!(reason, "the auth hook failed");
                self.stale(&state, &id, &settings)
            }
        }
    }

    fn stale(&self, state: &State, id: &TokenId, settings: &AuthHook) -> Result<Proof, Denied> {
        let known = state.remembered(id, settings.stale.as_std(), Instant::now());
        known.flatten().ok_or(Denied::Unclear)
    }

    /// `None`: the token is no good.
    async fn call(&self, token: &str, settings: &AuthHook, rights: &Rights) -> Result<Option<Proof>, &'static str> {
        let client = self.client.as_ref().ok_or("this hub cannot make HTTP calls")?;
        let body = serde_json::json!({ "token": token }).to_string();
        let call = http::post(client, &settings.url, &settings.secret, body).timeout(settings.timeout.as_std());
        let mut response = call.send().await.map_err(|error| match error.is_timeout() {
            true => "no answer in time",
            false => "it could not be reached",
        })?;
        match response.status().as_u16() {
            401 | 403 => return Ok(None),
            200 => {}
            _ => return Err("it answered neither 200 nor 401 nor 403"),
        }
        let body = http::body(&mut response, MAX_ANSWER).await.map_err(|_| "its answer could not be read")?;
        proof(&body, rights).map(Some)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer proves.
fn proof(body: &[u8], rights: &Rights) -> Result<Proof, &'static str> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "its answer is not what it should be")?;
    let client = answer.client_id.map(|name| ClientId::parse(&name)).transpose();
    let client = client.map_err(|_| "its client_id is no name")?;
    let rights = match &answer.capabilities {
        Some(grant) if grant.is_too_large() => return Err("its capabilities are too many"),
        Some(grant) => Rights::of(Some(grant)),
        None => rights.clone(),
    };
    let judged = Judged::now(answer.expires);
    Ok(Proof { client, expires: answer.expires, rights, pass: Some(Pass::default()), judged })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_remembered_for_a_while_and_not_without_bound() {
        let (settings, now) = (AuthHook::default(), Instant::now());
        let mut state = State::default();
        let id = TokenId::of("t");
        state.remember(id, Some(Proof::default()), &settings, now);
        let second = Duration::from_secs(1);
        assert_eq!(state.remembered(&id, second, now), Some(Some(Proof::default())));
        assert_eq!(state.remembered(&id, second, now + second), None);
        for number in 0..MAX_VERDICTS + 5 {
            state.remember(TokenId::of(&number.to_string()), None, &settings, now);
        }
        assert!(state.verdicts.len() <= MAX_VERDICTS);
    }

    #[test]
    fn an_answer_names_client_end_and_rights_or_leaves_them_out() {
        assert_eq!(proof(b"{}", &Rights::ALL).map(|proof| (proof.client, proof.expires)), Ok((None, None)));
        let whole = br#"{"client_id": "alice", "expires": 7, "capabilities": {"broadcast": true}, "more": 1}"#;
        let whole = proof(whole, &Rights::ALL).expect("a proof");
        assert_eq!((whole.client.as_ref().map(ClientId::as_str), whole.expires), (Some("alice"), Some(7)));
        assert!(whole.rights.allow_broadcast() && whole.rights != Rights::ALL);
        for broken in ["", "[]", r#"{"client_id": "a/b"}"#, r#"{"expires": "7"}"#, r#"{"capabilities": {"all": true}}"#]
        {
            assert!(proof(broken.as_bytes(), &Rights::ALL).is_err(), "{broken}");
        }
    }
}
