//! `auth.join_hook`, `auth.publish_hook`: an HTTP server that says who may be in a room, or send to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, NamePattern, Secret, SettingsError,
    bounds::{self, TICK, refuse},
    schema, secret,
};

/// Most patterns of one hook: every join or publish looks at all of them.
const MAX_ROOMS: usize = 64;

/// An HTTP server that is asked whether a client may join a room, or send to it, after its capabilities have let it. It gets
/// `{"kind": "join", "client_id": .., "room": ..}` (or `"publish"`) by POST; 200 lets it, 401 and 403 do not, anything else is a failure. The client's later
/// messages wait for the verdict, in their order; nobody else's do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomHook {
    /// Its address, `https://`, or `http://` inside a network of one's own; empty: none. Its query is treated as a secret. Default `""`.
    #[serde(serialize_with = "secret::hide_query")]
    #[schemars(length(max = 2048))]
    pub url: String,
    /// Key of the HMAC-SHA256 of the body, sent as `X-Gohub-Signature: sha256=<hex>`, at least 16 characters; empty sends none. Default `""`.
    pub secret: Secret,
    /// The rooms it is asked about: names in segments divided by `:`, where `*` stands for anything inside a segment and `**` for anything at all.
    /// At most 64. Default `["**"]`.
    pub rooms: Vec<NamePattern>,
    /// Time for one call. Default `2s`.
    pub timeout: Duration,
    /// How long a verdict counts for the same client and room without another call; `0s`: not at all. Default `10s`.
    pub cache: Duration,
    /// How long a verdict counts while the server fails. Default `5m`.
    pub stale: Duration,
    /// Failures in a row after which the server is left alone. Default `5`.
    #[schemars(range(min = 1, max = 1000))]
    pub failures: u32,
    /// For how long; then one call tries whether it is back. Default `5s`.
    pub pause: Duration,
    /// What counts where the server fails and has said nothing before: `deny` is an error that may be tried again, `allow` lets everybody whose
    /// capabilities do. Default `deny`.
    pub on_failure: OnHookFailure,
}

/// What counts while a hook's server fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum OnHookFailure {
    /// An error that may be tried again.
    #[default]
    Deny,
    /// As if there were no hook.
    Allow,
}

impl Default for RoomHook {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: Secret::default(),
            rooms: "**".parse().into_iter().collect(),
            timeout: Duration::from_secs(2),
            cache: Duration::from_secs(10),
            stale: Duration::from_mins(5),
            failures: 5,
            pause: Duration::from_secs(5),
            on_failure: OnHookFailure::Deny,
        }
    }
}

impl RoomHook {
    /// Whether it is to be asked about this room.
    pub fn concerns(&self, room: &str) -> bool {
        !self.url.is_empty() && self.rooms.iter().any(|pattern| pattern.matches(room))
    }

    pub(crate) fn validate(&self, path: &str) -> Result<(), SettingsError> {
        if !self.url.is_empty() {
            bounds::http_url(&format!("{path}.url"), &self.url)?;
        }
        if !self.secret.is_empty() {
            bounds::secret(&format!("{path}.secret"), &self.secret, 16)?;
        }
        if self.rooms.len() > MAX_ROOMS {
            let message = format!("must have at most {MAX_ROOMS} items, got {}", self.rooms.len());
            return refuse(format!("{path}.rooms"), message);
        }
        let hour = Duration::from_mins(60);
        bounds::duration(&format!("{path}.timeout"), self.timeout, TICK, Duration::from_mins(1))?;
        bounds::duration(&format!("{path}.cache"), self.cache, Duration::ZERO, hour)?;
        bounds::duration(&format!("{path}.stale"), self.stale, Duration::ZERO, Duration::from_mins(24 * 60))?;
        bounds::duration(&format!("{path}.pause"), self.pause, TICK, hour)
    }
}
