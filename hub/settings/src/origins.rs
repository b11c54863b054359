//! `origins`: which web pages may connect.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    SettingsError,
    bounds::{host_port, is_host, refuse, split_url},
};

/// The check of the `Origin` header, which browsers send and pages cannot forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Origins {
    /// Origins that may connect: `https://app.example.com` (scheme, host and port must be equal), `https://*.example.com` (any
    /// host below), `null` (files and sandboxes), or `*` for every page but those, which count by name only. The hub uses no
    /// cookies, so a page needs the user's token anyway; name your sites where `auth.required` is off. Default `["*"]`.
    pub allow: Vec<String>,
    /// Whether a connection without `Origin` is let in: everything that is not a browser. Default `true`.
    pub allow_missing: bool,
}

impl Default for Origins {
    fn default() -> Self {
        Self { allow: vec!["*".to_owned()], allow_missing: true }
    }
}

impl Origins {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        match self.allow.iter().position(|origin| !is_origin(origin)) {
            Some(i) => refuse(
                format!("origins.allow[{i}]"),
                format!(
                    "{:?} is not an origin such as \"https://app.example.com\", \"https://*.example.com\", \"null\" or \"*\"",
                    self.allow[i]
                ),
            ),
            None => Ok(()),
        }
    }
}

fn is_origin(text: &str) -> bool {
    if text == "*" || text == "null" {
        return true;
    }
    let Some((_, authority, "")) = split_url(text) else { return false };
    let host = authority.strip_prefix("*.").unwrap_or(authority);
    is_host(host) || host_port(host) || host_port(&format!("{host}:1"))
}
