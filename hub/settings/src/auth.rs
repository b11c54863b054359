//! `auth`: which tokens open the door.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AuthHook, AuthTicket, Duration, Grant, Lockout, RoomHook, Secret, SettingsError,
    bounds::{self, TICK, refuse},
    grant, hash,
    secret::{self, Writing, writing_secrets},
};

/// Tokens, judged at the handshake. A token that is sent is always judged; a wrong one is refused even where none is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether a connection must bring a token. With false everybody who reaches the port may connect: for trials and for private
    /// networks. Default `false`.
    pub required: bool,
    /// Static tokens, for servers and devices. Default `[]`.
    pub tokens: Vec<Token>,
    /// Signed tokens (JWT), for people.
    pub jwt: Jwt,
    /// A server that is asked about the tokens nothing here can judge.
    pub hook: AuthHook,
    /// What lets a client come back without being judged anew.
    pub ticket: AuthTicket,
    /// A server that is asked who may join which rooms.
    pub join_hook: RoomHook,
    /// A server that is asked who may send to which rooms. API calls are not asked about.
    pub publish_hook: RoomHook,
    /// Addresses that send wrong tokens.
    pub lockout: Lockout,
    /// What everybody may do whose token says nothing about it, and who has none. Without it they may do everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Grant")]
    pub capabilities: Option<Grant>,
}

/// One static token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token, at least 16 characters.
    #[schemars(example = &"a-long-random-token-0001")]
    pub token: Secret,
    /// The client id its bearer has; empty lets the bearer choose with `?client_id=`. Default `""`.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub client_id: String,
    /// What its bearer may do; without it, what `auth.capabilities` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Grant", example = grant::example())]
    pub capabilities: Option<Grant>,
}

/// JWT signed with a shared secret (HS256, HS384, HS512), or with a private key whose public one is known here or at `jwks.url`. A key counts for the
/// algorithms of its kind alone, and `exp` is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// Secrets that tokens may be signed with, each of at least 32 characters; several, so that one can be rotated. Default `[]`.
    pub hmac_secrets: Vec<Secret>,
    /// Public keys of those who sign tokens, each as PEM: RSA of at least 2048 bits (RS256 to RS512, PS256 to PS512), EC on P-256 (ES256) or P-384
    /// (ES384), Ed25519 (EdDSA); several, so that one can be rotated. Default `[]`.
    #[schemars(inner(length(min = 1, max = 8192)))]
    pub public_keys: Vec<String>,
    /// The same keys from whoever signs the tokens, so that they can be rotated there.
    pub jwks: Jwks,
    /// The `iss` a token must have; empty accepts any. Default `""`.
    pub issuer: String,
    /// An `aud` a token must have; empty accepts any. Default `""`.
    pub audience: String,
    /// Claim that holds the client id; a token without it is refused. Default `sub`.
    #[schemars(length(min = 1))]
    pub client_id_claim: String,
    /// Claim that holds what its bearer may do, in the form of `auth.capabilities`; a token without it may do what that says. Empty: no claim
    /// counts. Default `capabilities`.
    pub capabilities_claim: String,
    /// Difference between clocks that `exp` and `nbf` forgive; at most 60s. Default `30s`.
    pub leeway: Duration,
    /// Whether a connection is closed when its token expires; false lets it live until it ends by itself. Default `true`.
    pub close_on_expiry: bool,
    /// How long before that its client is told, so that it can send a new token and stay; `0s`: never. Default `1m`.
    pub expiry_warning: Duration,
}

/// A JSON Web Key Set (RFC 7517) that is fetched and kept. While it cannot be had, the last good one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwks {
    /// Its address, `https://`, or `http://` inside a network of one's own; empty: none. Its query is treated as a secret. Default `""`.
    #[serde(serialize_with = "secret::hide_query")]
    #[schemars(length(max = 2048))]
    pub url: String,
    /// How often it is fetched. A key that was taken out of the set is trusted for that long. Default `10m`.
    pub refresh_interval: Duration,
    /// Least time between two fetches. A token with a key id that is not in the set asks for one at once, so a new key works before the next
    /// interval, and forged tokens cannot make the hub fetch more often than this. Doubled by each failure. Default `10s`.
    pub min_interval: Duration,
    /// Time for one fetch; keep it under `server.handshake_timeout`, because handshakes wait for it. Default `5s`.
    pub timeout: Duration,
}

impl Default for Jwks {
    fn default() -> Self {
        Self {
            url: String::new(),
            refresh_interval: Duration::from_mins(10),
            min_interval: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }
}

impl Jwks {
    fn validate(&self) -> Result<(), SettingsError> {
        if !self.url.is_empty() {
            bounds::http_url("auth.jwt.jwks.url", &self.url)?;
        }
        let day = Duration::from_mins(24 * 60);
        bounds::duration("auth.jwt.jwks.min_interval", self.min_interval, TICK, Duration::from_mins(60))?;
        bounds::duration("auth.jwt.jwks.refresh_interval", self.refresh_interval, self.min_interval, day)?;
        bounds::duration("auth.jwt.jwks.timeout", self.timeout, TICK, Duration::from_mins(1))
    }
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            hmac_secrets: Vec::new(),
            public_keys: Vec::new(),
            jwks: Jwks::default(),
            issuer: String::new(),
            audience: String::new(),
            client_id_claim: "sub".to_owned(),
            capabilities_claim: "capabilities".to_owned(),
            leeway: Duration::from_secs(30),
            close_on_expiry: true,
            expiry_warning: Duration::from_mins(1),
        }
    }
}

impl Jwt {
    /// Whether any JWT can be accepted at all.
    pub fn has_keys(&self) -> bool {
        !(self.hmac_secrets.is_empty() && self.public_keys.is_empty() && self.jwks.url.is_empty())
    }
}

impl Auth {
    /// Which rules these are, secrets included, the terms of tickets left out: what was judged by others must be judged anew.
    pub fn fingerprint(&self) -> u64 {
        let rules = Self { ticket: AuthTicket::default(), ..self.clone() };
        let text = writing_secrets(Writing::Fingerprint, || serde_yaml::to_string(&rules));
        // Texts, numbers and lists always have a YAML form.
        hash::fnv1a(text.unwrap_or_default().as_bytes())
    }

    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        for (i, token) in self.tokens.iter().enumerate() {
            let path = format!("auth.tokens[{i}]");
            bounds::secret(&format!("{path}.token"), &token.token, 16)?;
            bounds::name(&format!("{path}.client_id"), &token.client_id)?;
            if let Some(grant) = &token.capabilities {
                grant.validate(&format!("{path}.capabilities"))?;
            }
            if let Some(first) = self.tokens[..i].iter().position(|other| other.token == token.token) {
                return refuse(format!("{path}.token"), format!("is the same as auth.tokens[{first}].token"));
            }
        }
        bounds::secrets("auth.jwt.hmac_secrets", &self.jwt.hmac_secrets, 32)?;
        bounds::duration("auth.jwt.leeway", self.jwt.leeway, Duration::ZERO, Duration::from_secs(60))?;
        bounds::duration("auth.jwt.expiry_warning", self.jwt.expiry_warning, Duration::ZERO, Duration::from_mins(60))?;
        self.jwt.jwks.validate()?;
        if let Some(grant) = &self.capabilities {
            grant.validate("auth.capabilities")?;
        }
        self.hook.validate()?;
        self.ticket.validate()?;
        self.join_hook.validate("auth.join_hook")?;
        self.publish_hook.validate("auth.publish_hook")?;
        self.lockout.validate()?;
        if self.required && self.tokens.is_empty() && !self.jwt.has_keys() && self.hook.url.is_empty() {
            let message = "needs auth.tokens, auth.hook.url or keys in auth.jwt (hmac_secrets, public_keys, jwks.url), or nobody can connect";
            return refuse("auth.required", message);
        }
        Ok(())
    }
}
