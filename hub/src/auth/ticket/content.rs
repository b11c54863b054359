//! What stands in a ticket, and whether that counts now. Pure: the time is an argument.

use std::time::{Duration, Instant};

use gohub_settings::{Auth, Grant};
use serde::{Deserialize, Serialize};

use super::Flaw;
use crate::auth::{Judged, Pass, Proof, Rights, TokenId};
use crate::protocol::ClientId;

/// By how much the clocks of two hubs may differ, in milliseconds.
const SKEW: u64 = 10_000;

/// What the settings say of tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) life: Duration,
    max_age: Duration,
    /// Under which `auth` it is given: rights and tokens of other settings are not carried over.
    rules: u64,
}

impl Terms {
    pub(super) fn new(auth: &Auth) -> Self {
        Self { life: auth.ticket.life.as_std(), max_age: auth.ticket.max_age.as_std(), rules: auth.fingerprint() }
    }
}

/// Whom a ticket is for.
#[derive(Debug)]
pub struct Bearer<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// The connection's id.
    pub connection: u64,
    /// When the connection ends with its token.
    pub expires: Option<Instant>,
    /// What it may do.
    pub rights: &'a Rights,
    /// By what its token can be revoked.
    pub pass: Option<Pass>,
    /// When and until when its token was judged good.
    pub judged: Judged,
}

/// See the module. The names are short because each byte goes to each client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    #[serde(rename = "c", with = "name")]
    pub(super) client: ClientId,
    /// The connection it was given to, for logs.
    #[serde(rename = "n")]
    pub(super) connection: u64,
    /// When it was given, in milliseconds since 1970.
    #[serde(rename = "t")]
    pub(super) given: u64,
    /// For how long it was given, in milliseconds: settings of later make it good for less, never for longer.
    #[serde(rename = "l")]
    life: u64,
    /// When the token was judged, in seconds since 1970.
    #[serde(rename = "j")]
    judged: u64,
    /// When the token ends, in seconds since 1970.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    token_end: Option<u64>,
    /// When the connection does.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    rights: Option<Grant>,
    /// Digest of the token's id, and when the token was issued; without a token neither.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pass: Option<(Option<String>, Option<u64>)>,
    #[serde(rename = "s")]
    rules: u64,
}

impl Content {
    /// The content of a ticket given now, in milliseconds since 1970; `None`: it would not be good any more.
    pub(super) fn of(bearer: &Bearer<'_>, terms: &Terms, now: u64) -> Option<Self> {
        // Rounded down: nobody lives longer by a ticket.
        let ends = |at: Instant| (now + at.saturating_duration_since(Instant::now()).as_millis() as u64) / 1000;
        let content = Self {
            client: bearer.client.clone(),
            connection: bearer.connection,
            given: now,
            life: terms.life.as_millis() as u64,
            judged: bearer.judged.at,
            token_end: bearer.judged.token_end,
            expires: bearer.expires.map(ends),
            rights: bearer.rights.grant().cloned(),
            pass: bearer.pass.map(|pass| (pass.id.map(|id| id.to_string()), pass.issued)),
            rules: terms.rules,
        };
        content.check(terms, now).is_ok().then_some(content)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        // Only hubs seal; one of another version may have sealed what this one does not know.
        serde_json::from_slice(bytes).map_err(|_| Flaw::Changed)
    }

    /// Whether it counts at `now`, in milliseconds since 1970.
    pub(super) fn check(&self, terms: &Terms, now: u64) -> Result<(), Flaw> {
        let seconds = now / 1000;
        let millis = |time: Duration| time.as_millis() as u64;
        if terms.life.is_zero() {
            return Err(Flaw::Off);
        }
        if self.rules != terms.rules {
            return Err(Flaw::Changed);
        }
        let is_from_the_future = self.given > now + SKEW || self.judged > seconds + SKEW / 1000;
        let is_old = now.saturating_sub(self.given) > self.life.min(millis(terms.life));
        let is_judged_long_ago = seconds.saturating_sub(self.judged) > terms.max_age.as_secs();
        let has_ended = [self.token_end, self.expires].into_iter().flatten().any(|end| end <= seconds);
        if is_from_the_future || is_old || is_judged_long_ago || has_ended { Err(Flaw::Expired) } else { Ok(()) }
    }

    /// From when on it is good under no settings, in milliseconds since 1970.
    pub(super) fn over(&self) -> u64 {
        self.given.saturating_add(self.life).saturating_add(SKEW)
    }

    /// By what the token behind it can be revoked.
    pub(super) fn pass(&self) -> Option<Pass> {
        let (id, issued) = self.pass.as_ref()?;
        Some(Pass { id: id.as_deref().and_then(TokenId::parse), issued: *issued })
    }

    pub(super) fn into_proof(self, shared: &Rights) -> Proof {
        let pass = self.pass();
        let rights =
            if self.rights.as_ref() == shared.grant() { shared.clone() } else { Rights::of(self.rights.as_ref()) };
        let judged = Judged { at: self.judged, token_end: self.token_end };
        Proof { client: Some(self.client), expires: self.expires, rights, pass, judged }
    }
}

/// A client's name as text.
mod name {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::protocol::ClientId;

    pub(super) fn serialize<S: Serializer>(client: &ClientId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(client.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ClientId, D::Error> {
        let text = String::deserialize(deserializer)?;
        ClientId::parse(&text).map_err(|_| de::Error::custom("no name of a client"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gohub_settings::Settings;

    const NOW: u64 = 1_748_000_000_000;

    fn terms() -> Terms {
        Terms { life: Duration::from_secs(120), max_age: Duration::from_secs(3600), rules: 7 }
    }

    fn content() -> Content {
        let client = ClientId::parse("alice").expect("a name");
        let pass = Pass { id: Some(TokenId::of("jti")), issued: Some(NOW / 1000 - 60) };
        let judged = Judged { at: NOW / 1000 - 60, token_end: Some(NOW / 1000 + 600) };
        let rights = Rights::of(Some(&Grant { broadcast: true, ..Grant::default() }));
        let bearer =
            Bearer { client: &client, connection: 9, expires: None, rights: &rights, pass: Some(pass), judged };
        Content::of(&bearer, &terms(), NOW).expect("it is good")
    }

    #[test]
    fn a_ticket_proves_what_the_token_behind_it_proved() {
        let read = Content::read(&content().to_bytes()).expect("ours");
        assert_eq!(read, content());
        let proof = read.into_proof(&Rights::ALL);
        assert_eq!(proof.client.as_ref().map(ClientId::as_str), Some("alice"));
        assert!(proof.rights.allow_broadcast() && !proof.rights.allow_unicast(&ClientId::parse("b").expect("a name")));
        assert_eq!(proof.pass, Some(Pass { id: Some(TokenId::of("jti")), issued: Some(NOW / 1000 - 60) }));
        assert_eq!(proof.judged, Judged { at: NOW / 1000 - 60, token_end: Some(NOW / 1000 + 600) });
        assert_eq!(Content::read(b"{}"), Err(Flaw::Changed));
    }

    #[test]
    fn it_counts_for_its_life_and_not_from_the_future() {
        let at = |now: u64| content().check(&terms(), now);
        assert_eq!(at(NOW), Ok(()));
        assert_eq!((at(NOW + 120_000), at(NOW + 120_001)), (Ok(()), Err(Flaw::Expired)));
        assert_eq!(at(NOW - SKEW), Ok(()), "another hub's clock");
        assert_eq!(at(NOW - SKEW - 1), Err(Flaw::Expired));
        assert_eq!(at(0), Err(Flaw::Expired));
    }

    #[test]
    fn neither_its_token_nor_its_judgement_is_outlived() {
        let with = |edit: fn(&mut Content)| {
            let mut content = content();
            edit(&mut content);
            content.check(&terms(), NOW)
        };
        assert_eq!(with(|content| content.token_end = Some(NOW / 1000)), Err(Flaw::Expired));
        assert_eq!(with(|content| content.expires = Some(NOW / 1000)), Err(Flaw::Expired));
        assert_eq!(with(|content| content.judged = NOW / 1000 - 3601), Err(Flaw::Expired));
        assert_eq!(with(|content| content.judged = NOW / 1000 + 11), Err(Flaw::Expired));
        assert_eq!(with(|content| content.rules = 8), Err(Flaw::Changed));
        let longer = Terms { life: Duration::from_secs(600), ..terms() };
        assert_eq!(content().check(&longer, NOW + 120_001), Err(Flaw::Expired), "it was not given for longer");
        let off = Terms { life: Duration::ZERO, ..terms() };
        assert_eq!(content().check(&off, NOW), Err(Flaw::Off));
    }

    #[test]
    fn a_changed_secret_or_capability_is_another_rule_and_a_changed_life_is_not() {
        let mut settings = Settings::default();
        let rules = |settings: &Settings| Terms::new(&settings.auth).rules;
        let before = rules(&settings);
        settings.auth.ticket.life = gohub_settings::Duration::from_secs(7);
        assert_eq!(rules(&settings), before);
        settings.auth.capabilities = Some(Grant::default());
        let closed = rules(&settings);
        assert_ne!(closed, before);
        settings.auth.jwt.hmac_secrets = vec![gohub_settings::Secret::new("one-secret-of-thirty-two-characters")];
        let with_secret = rules(&settings);
        settings.auth.jwt.hmac_secrets = vec![gohub_settings::Secret::new("two-secret-of-thirty-two-characters")];
        assert!(with_secret != closed && rules(&settings) != with_secret);
    }
}
