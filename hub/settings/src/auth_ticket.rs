//! `auth.ticket`: what lets a client come back without being judged anew.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, SettingsError, bounds};

/// Resume tickets: sealed by the hub, given to every connection, good for one reconnect on any hub. So a storm of clients that come back does not
/// become a storm on the servers that judge tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthTicket {
    /// How long a ticket opens the door after it was given; a connection gets a new one before that. `0s` gives none and takes none. Longer
    /// bridges longer outages; whoever was locked out at the token's server comes back for that long, unless kicked or revoked. At most 1h.
    /// Default `2m`.
    pub life: Duration,
    /// How long after its token was judged a client comes back by tickets, one after another; then its token is judged again. From `life` to
    /// 24h. Default `1h`.
    pub max_age: Duration,
}

impl Default for AuthTicket {
    fn default() -> Self {
        Self { life: Duration::from_mins(2), max_age: Duration::from_mins(60) }
    }
}

impl AuthTicket {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        bounds::duration("auth.ticket.life", self.life, Duration::ZERO, Duration::from_mins(60))?;
        bounds::duration("auth.ticket.max_age", self.max_age, self.life, Duration::from_mins(24 * 60))
    }
}
