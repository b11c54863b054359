//! Who a peer is: tokens judged, the keys for it kept. Tokens are compared in constant time and never logged.
//!
//! ```text
//!   settings --configure--> Rules (static tokens, JwtRule)
//!   token --judge--> Rules + keys of the Keyring --> Proof, or Denied
//!                      | a key id nobody knows: the Keyring looks again (bounded), and the token is judged once more
//!   ticket --redeem--> Tickets --> Proof, or nothing: then the token is judged
//! ```
//!
//! Judging is pure (`jwt`, `key`, `jwks`); what waits for others is the `keyring`, and the `hook` for tokens nothing here can judge.
//! Who only guesses is kept away from all of them by the `lockout`.

mod breaker;
mod hook;
mod jwks;
mod jwt;
mod key;
mod keyring;
mod lockout;
mod revoked;
mod rights;
mod room_hook;
#[cfg(test)]
mod samples;
mod ticket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use gohub_settings::{Operation, Settings, SettingsError};

use crate::address_block::AddressBlock;
use crate::clock;
use crate::lifecycle::Tasks;
use crate::metrics::NetStats;
use crate::protocol::{ClientId, RoomName};
use hook::Hook;
#[cfg(any(test, fuzzing))]
pub(crate) use jwt::fuzz;
use jwt::{Flaw, JwtRule};
use keyring::Keyring;
use lockout::Lockout;
pub use revoked::{MAX_REVOCATIONS, Pass, Revocation, Revoked, Subject, TokenId, TooMany};
pub use rights::Rights;
use room_hook::RoomHook;
pub use room_hook::{HookKind, Verdict};
pub(crate) use ticket::random_key;
pub use ticket::{Bearer, Ledger, SEALING_BYTES, TicketId, TicketKey, TicketKeys, Tickets};

/// Why a token does not open the door. The peer hears the same words for every wrong token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// None was given, and one is required.
    #[error("a token is required")]
    Missing,
    /// It is not one of ours, or not valid now.
    #[error("the token is not valid")]
    Wrong,
    /// It may be good: the keys to judge it by cannot be had now.
    #[error("the token cannot be judged now")]
    Unclear,
    /// It was not judged: too many wrong ones came from that address.
    #[error("too many wrong tokens came from this address (auth.lockout)")]
    LockedOut(Duration),
}

/// When a token was judged good, and its own end: what a ticket must not outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// When, in seconds since 1970.
    pub at: u64,
    /// When the token ends, in seconds since 1970, whether the connection ends with it or not.
    pub token_end: Option<u64>,
}

impl Judged {
    /// Just now.
    pub(crate) fn now(token_end: Option<u64>) -> Self {
        Self { at: clock::unix_millis() / 1000, token_end }
    }
}

/// What a token proves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The client it belongs to; `None`: any.
    pub client: Option<ClientId>,
    /// When it ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// What its bearer may do.
    pub rights: Rights,
    /// By what it can be revoked; `None` without a token.
    pub pass: Option<Pass>,
    /// When it was judged, and its own end.
    pub judged: Judged,
}

/// A check of the settings that needs to read keys.
///
/// # Errors
/// The first key that cannot be used.
pub fn check(settings: &Settings) -> Result<(), SettingsError> {
    jwt::public_keys(&settings.auth.jwt).try_for_each(|(at, key)| match key {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(SettingsError::Field { path: format!("auth.jwt.public_keys[{at}]"), message: error.to_string() })
        }
    })
}

struct StaticToken {
    token: Vec<u8>,
    client: Option<ClientId>,
    rights: Rights,
}

/// The token rules of one set of settings, compiled.
struct Rules {
    required: bool,
    tokens: Vec<StaticToken>,
    jwt: Option<JwtRule>,
    /// Of everybody whose token says nothing about them.
    rights: Rights,
}

impl Rules {
    fn new(settings: &Settings) -> Self {
        let rights = Rights::of(settings.auth.capabilities.as_ref());
        let tokens = settings.auth.tokens.iter().map(|token| StaticToken {
            token: token.token.expose().as_bytes().to_vec(),
            client: ClientId::parse(&token.client_id).ok(),
            rights: token.capabilities.as_ref().map_or_else(|| rights.clone(), |grant| Rights::of(Some(grant))),
        });
        let tokens = tokens.collect();
        let jwt = JwtRule::new(&settings.auth.jwt, rights.clone());
        Self { required: settings.auth.required, tokens, jwt, rights }
    }

    fn static_token(&self, token: &str) -> Option<Proof> {
        // Every token is compared, found or not: the time says nothing about which one was close.
        let mut found = None;
        for known in &self.tokens {
            if verify_slices_are_equal(&known.token, token.as_bytes()).is_ok() {
                let (client, rights) = (known.client.clone(), known.rights.clone());
                let (pass, judged) = (Some(Pass::default()), Judged::now(None));
                found = Some(Proof { client, expires: None, rights, pass, judged });
            }
        }
        found
    }
}

/// Judges tokens; its rules change while it does.
pub struct Auth {
    rules: ArcSwap<Rules>,
    keyring: Arc<Keyring>,
    hook: Hook,
    join_hook: RoomHook,
    publish_hook: RoomHook,
    lockout: Lockout,
    revoked: Revoked,
    tickets: Arc<Tickets>,
    stats: Arc<NetStats>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("required", &self.rules.load().required).finish_non_exhaustive()
    }
}

impl Auth {
    /// Judges by these settings, and begins to fetch the keys they name.
    pub fn start(settings: &Settings, stats: Arc<NetStats>, tasks: &Tasks) -> Arc<Self> {
        let keyring = Keyring::start(&settings.auth.jwt.jwks, Arc::clone(&stats), tasks);
        let rules = ArcSwap::from_pointee(Rules::new(settings));
        let hook = Hook::new(&settings.auth.hook, Arc::clone(&stats));
        let join_hook = RoomHook::new(HookKind::Join, &settings.auth.join_hook, Arc::clone(&stats));
        let publish_hook = RoomHook::new(HookKind::Publish, &settings.auth.publish_hook, Arc::clone(&stats));
        let lockout = Lockout::new(&settings.auth.lockout);
        let tickets = Arc::new(Tickets::new(settings, Arc::clone(&stats)));
        Arc::new(Self {
            rules,
            keyring,
            hook,
            lockout,
            join_hook,
            publish_hook,
            revoked: Revoked::default(),
            tickets,
            stats,
        })
    }

    /// New settings, for tokens from now on.
    pub fn configure(&self, settings: &Settings) {
        self.rules.store(Arc::new(Rules::new(settings)));
        self.keyring.configure(&settings.auth.jwt.jwks);
        self.hook.configure(&settings.auth.hook);
        self.tickets.configure(settings);
        self.join_hook.configure(&settings.auth.join_hook);
        self.publish_hook.configure(&settings.auth.publish_hook);
        self.lockout.configure(&settings.auth.lockout);
    }

    /// What the token proves, which came from this address. May wait for the keys of its issuer or for the hook, for `auth.jwt.jwks.timeout` or
    /// `auth.hook.timeout` at most.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn judge(&self, token: Option<&str>, from: AddressBlock) -> Result<Proof, Denied> {
        if let Some(left) = token.and_then(|_| self.lockout.left(from, Instant::now())) {
            self.stats.tokens.inc("locked_out");
            return Err(Denied::LockedOut(left));
        }
        let (outcome, verdict) = match self.verdict(token).await {
            Ok(proof) if self.is_revoked(proof.client.as_ref(), proof.pass.as_ref()) => ("revoked", Err(Denied::Wrong)),
            Ok(proof) => ("good", Ok(proof)),
            Err(Denied::Missing) => ("missing", Err(Denied::Missing)),
            Err(Denied::Unclear) => ("unclear", Err(Denied::Unclear)),
            Err(denied @ (Denied::Wrong | Denied::LockedOut(_))) => ("wrong", Err(denied)),
        };
        self.stats.tokens.inc(outcome);
        if matches!(verdict, Err(Denied::Wrong))
            && let Some(pause) = self.lockout.wrong(from, Instant::now())
        {
            self.stats.lockouts.inc();
            tracing::warn!(address = %from, pause_ms = pause.as_millis() as u64, "address locked out: too many wrong tokens");
        }
        verdict
    }

    fn room_hook(&self, kind: HookKind) -> &RoomHook {
        match kind {
            HookKind::Join => &self.join_hook,
            HookKind::Publish => &self.publish_hook,
        }
    }

    /// Whether anybody is asked about this.
    pub fn has_room_hook(&self, kind: HookKind) -> bool {
        self.room_hook(kind).is_set()
    }

    /// Whether the client may, where nobody need be asked.
    pub fn room_verdict(&self, kind: HookKind, client: &ClientId, room: &RoomName) -> Option<Verdict> {
        self.room_hook(kind).known(client, room)
    }

    /// Whether the client may. May wait, for the hook's time and for that of the questions before it.
    pub async fn ask_room(&self, kind: HookKind, client: &ClientId, room: &RoomName) -> Verdict {
        self.room_hook(kind).ask(client, room).await
    }

    /// Of these rooms, those that the client may join as far as the hook is concerned; what its rights refuse is left for them to refuse.
    ///
    /// # Errors
    /// [`Denied::Unclear`]: the hook cannot be asked about one of them.
    pub async fn may_join(
        &self,
        client: &ClientId,
        rights: &Rights,
        rooms: Vec<RoomName>,
    ) -> Result<Vec<RoomName>, Denied> {
        if !self.join_hook.is_set() {
            return Ok(rooms);
        }
        let verdict = async |room: &RoomName| match self.join_hook.known(client, room) {
            _ if !rights.allow(Operation::Join, room) => Verdict::Allowed,
            Some(verdict) => verdict,
            None => self.join_hook.ask(client, room).await,
        };
        let verdicts = futures::future::join_all(rooms.iter().map(verdict)).await;
        if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Unclear | Verdict::Overloaded)) {
            return Err(Denied::Unclear);
        }
        let judged = rooms.into_iter().zip(verdicts);
        Ok(judged.filter(|(_, verdict)| *verdict == Verdict::Allowed).map(|(room, _)| room).collect())
    }

    /// Whether the token by which this client came counts no more. Asked again once a connection can be found by those who revoke: what is revoked
    /// meanwhile must not slip through.
    pub fn is_revoked(&self, client: Option<&ClientId>, pass: Option<&Pass>) -> bool {
        pass.is_some_and(|pass| self.revoked.covers(client, pass, clock::unix_millis()))
    }

    /// What a resume ticket proves for a client of this name (`None`: whichever it names); it is used then. `None`: it is no good, and the token is to be
    /// judged.
    pub async fn redeem(&self, ticket: &str, said: Option<&ClientId>) -> Option<Proof> {
        let rights = self.rules.load().rights.clone();
        self.tickets.redeem(ticket, said, &self.revoked, &rights).await
    }

    /// Those who give and take tickets.
    pub fn tickets(&self) -> &Arc<Tickets> {
        &self.tickets
    }

    /// What is revoked.
    pub fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    async fn verdict(&self, token: Option<&str>) -> Result<Proof, Denied> {
        let rules = self.rules.load_full();
        let Some(token) = token else {
            let judged = Judged::now(None);
            let anybody = || Proof { rights: rules.rights.clone(), judged, ..Proof::default() };
            return if rules.required { Err(Denied::Missing) } else { Ok(anybody()) };
        };
        if let Some(proof) = rules.static_token(token) {
            return Ok(proof);
        }
        let jwt = rules.jwt.as_ref().filter(|_| jwt::is_jwt(token) || !self.hook.is_set());
        let Some(jwt) = jwt else {
            return if self.hook.is_set() { self.hook.judge(token, &rules.rights).await } else { Err(Denied::Wrong) };
        };
        let judge = || jwt.judge(token, &self.keyring.keys());
        match judge() {
            Ok(proof) => return Ok(proof),
            Err(Flaw::Wrong) => return Err(Denied::Wrong),
            Err(Flaw::UnknownKey) => {}
        }
        // A verdict on an old set could lock out who has a new key's token; one that may not be looked at now may be later.
        if self.keyring.look_again().await { judge().map_err(|_| Denied::Wrong) } else { Err(Denied::Unclear) }
    }
}
