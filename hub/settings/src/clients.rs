//! `clients`: who a connection is when it says so itself, and what happens when it says so twice.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Client ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// Whether a connection without `client_id` (and without a token that names one) is let in, with an id made up by the hub.
    /// Default `true`.
    pub anonymous: bool,
    /// A second connection with the id of a living one: `allow` lets both in and a unicast reaches both, `replace` closes the older
    /// one, `refuse` answers 409. Default `allow`.
    pub duplicate: Duplicate,
}

/// What happens to a second connection with the same client id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum Duplicate {
    /// Both stay; a unicast reaches both.
    #[default]
    Allow,
    /// The older one is closed.
    Replace,
    /// The newer one is refused.
    Refuse,
}

impl Default for Clients {
    fn default() -> Self {
        Self { anonymous: true, duplicate: Duplicate::Allow }
    }
}
