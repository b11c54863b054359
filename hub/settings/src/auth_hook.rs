//! `auth.hook`: an HTTP server that judges tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, Secret, SettingsError,
    bounds::{self, TICK},
    secret,
};

/// An HTTP server that is asked about a token that is no static one and, where JWTs are judged, no JWT. It gets `{"token": ..}` by POST; 200 with
/// `{"client_id": .., "expires": .., "capabilities": ..}`, each optional, lets its bearer in, 401 and 403 do not, anything else is a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthHook {
    /// Its address, `https://`, or `http://` inside a network of one's own; empty: none. Its query is treated as a secret. Default `""`.
    #[serde(serialize_with = "secret::hide_query")]
    #[schemars(length(max = 2048))]
    pub url: String,
    /// Key of the HMAC-SHA256 of the body, sent as `X-Gohub-Signature: sha256=<hex>`, at least 16 characters; empty sends none. Default `""`.
    pub secret: Secret,
    /// Time for one call; keep it under `server.handshake_timeout`, because handshakes wait for it. Default `2s`.
    pub timeout: Duration,
    /// How long a verdict counts for the same token without another call; `0s`: not at all. Default `10s`.
    pub cache: Duration,
    /// How long a good verdict counts while the server fails, so that those who were let in can come back. Default `5m`.
    pub stale: Duration,
    /// Failures in a row after which the server is left alone. Default `5`.
    #[schemars(range(min = 1, max = 1000))]
    pub failures: u32,
    /// For how long; then one call tries whether it is back. Who cannot be judged meanwhile is answered 503. Default `5s`.
    pub pause: Duration,
}

impl Default for AuthHook {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: Secret::default(),
            timeout: Duration::from_secs(2),
            cache: Duration::from_secs(10),
            stale: Duration::from_mins(5),
            failures: 5,
            pause: Duration::from_secs(5),
        }
    }
}

impl AuthHook {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        if !self.url.is_empty() {
            bounds::http_url("auth.hook.url", &self.url)?;
        }
        if !self.secret.is_empty() {
            bounds::secret("auth.hook.secret", &self.secret, 16)?;
        }
        let hour = Duration::from_mins(60);
        bounds::duration("auth.hook.timeout", self.timeout, TICK, Duration::from_mins(1))?;
        bounds::duration("auth.hook.cache", self.cache, Duration::ZERO, hour)?;
        bounds::duration("auth.hook.stale", self.stale, Duration::ZERO, Duration::from_mins(24 * 60))?;
        bounds::duration("auth.hook.pause", self.pause, TICK, hour)
    }
}
