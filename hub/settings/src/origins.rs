//! `origins`: which web pages may connect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The check of the `Origin` header, which browsers send and pages cannot forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Origins {
    /// Origins that may connect: `https://app.example.com` (scheme, host and port must be equal), `https://*.example.com` (any
    /// host below), `null` (files and sandboxes), or `*` for every page. The hub uses no cookies, so a page needs the user's token
    /// anyway; name your sites where `auth.required` is off. Default `["*"]`.
    pub allow: Vec<String>,
    /// Whether a connection without `Origin` is let in: everything that is not a browser. Default `true`.
    pub allow_missing: bool,
}

impl Default for Origins {
    fn default() -> Self {
        Self { allow: vec!["*".to_owned()], allow_missing: true }
    }
}
