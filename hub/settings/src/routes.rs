//! `routes`: what happens to an application's own message ids.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, Secret, SettingsError,
    bounds::{self, TICK, refuse},
    schema, secret,
};

/// What the hub does with one message id of the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The `message_id`, from 1000; the ids below are the protocol's.
    #[schemars(range(min = 1000), example = 1000)]
    pub id: u32,
    /// Where the message goes: `broadcast` to everybody, `room` to the members of a room, `client` to one client, `webhook` to an
    /// HTTP server whose answer comes back in the ack.
    #[schemars(example = &"webhook")]
    pub to: RouteTo,
    /// For `room`: the room; empty takes the message's own `room`. Default `""`.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub room: String,
    /// For `client`: the client; empty takes the message's own `to`. Default `""`.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub client: String,
    /// For `webhook`: the address, `http://` or `https://`, which gets the message by POST; its query is treated as a secret. Default `""`.
    #[serde(default, serialize_with = "secret::hide_query")]
    #[schemars(example = &"https://app.example.com/gohub")]
    pub url: String,
    /// For `webhook`: key of the HMAC-SHA256 of the body, sent as `X-Gohub-Signature: sha256=<hex>`, at least 16 characters; empty sends none.
    /// Default `""`.
    #[serde(default)]
    pub secret: Secret,
    /// For `webhook`: time for the whole call; then the client gets an error that may be tried again. Default `5s`.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
}

/// Where a configured route sends its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum RouteTo {
    /// Everybody.
    Broadcast,
    /// The members of a room.
    Room,
    /// One client.
    Client,
    /// An HTTP server.
    Webhook,
}

fn default_timeout() -> Duration {
    Duration::from_secs(5)
}

pub(crate) fn validate(routes: &[Route]) -> Result<(), SettingsError> {
    for (i, route) in routes.iter().enumerate() {
        let path = format!("routes[{i}]");
        if let Some(first) = routes[..i].iter().position(|other| other.id == route.id) {
            return refuse(format!("{path}.id"), format!("{} is the id of routes[{first}] already", route.id));
        }
        route.validate(&path)?;
    }
    Ok(())
}

impl Route {
    fn validate(&self, path: &str) -> Result<(), SettingsError> {
        bounds::name(&format!("{path}.room"), &self.room)?;
        bounds::name(&format!("{path}.client"), &self.client)?;
        let given = [
            ("room", RouteTo::Room, !self.room.is_empty()),
            ("client", RouteTo::Client, !self.client.is_empty()),
            ("url", RouteTo::Webhook, !self.url.is_empty()),
            ("secret", RouteTo::Webhook, !self.secret.is_empty()),
        ];
        if let Some((field, _, _)) = given.iter().find(|(_, to, is_given)| *is_given && *to != self.to) {
            let only = if matches!(*field, "url" | "secret") { "webhook" } else { field };
            return refuse(format!("{path}.{field}"), format!("is only for `to: {only}`"));
        }
        if self.to != RouteTo::Webhook {
            return Ok(());
        }
        bounds::http_url(&format!("{path}.url"), &self.url)?;
        if !self.secret.is_empty() {
            bounds::secret(&format!("{path}.secret"), &self.secret, 16)?;
        }
        bounds::duration(&format!("{path}.timeout"), self.timeout, TICK, Duration::from_mins(1))
    }
}
