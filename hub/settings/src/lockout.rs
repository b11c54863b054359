//! `auth.lockout`: addresses that send wrong tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, SettingsError, bounds};

/// An address from which too many wrong tokens come is answered 429 with `Retry-After` before its next token is judged: no key and no server is asked.
/// An IPv6 network of 64 bits counts as one address; behind a proxy that is not in `proxies.trusted` all clients do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lockout {
    /// Wrong tokens a minute from one address; with so many it has to wait. 0 is no limit. Default `300`.
    #[schemars(range(max = 1_000_000))]
    pub wrong_tokens: u32,
    /// For how long at first. Default `10s`.
    pub pause: Duration,
    /// When it goes on after that it waits twice as long each time, up to this; after a quiet time of that length it begins anew. Default `10m`.
    pub max_pause: Duration,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { wrong_tokens: 300, pause: Duration::from_secs(10), max_pause: Duration::from_mins(10) }
    }
}

impl Lockout {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let day = Duration::from_mins(24 * 60);
        bounds::duration("auth.lockout.pause", self.pause, Duration::from_secs(1), day)?;
        bounds::duration("auth.lockout.max_pause", self.max_pause, self.pause, day)
    }
}
