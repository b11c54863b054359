//! `debug`: what is never on in production.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Aids for testing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Debug {
    /// Whether `/echo` on the public listener sends every message back, on the same path as real connections: for conformance
    /// suites. Default `false`.
    pub echo: bool,
}
