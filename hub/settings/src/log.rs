//! `log`: what the hub writes about itself. (The log of messages is `retention`.)

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// The hub's own log, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace` or `off`; parts may differ: `info,gohub::bus=debug`. `debug` writes a line for every
    /// connection, `trace` for every message. Default `info`.
    #[schemars(length(min = 1, max = 1024))]
    pub level: String,
    /// `json` for machines, one object a line; `human` for a terminal. Default `json`.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = schema::plain_enum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for a terminal.
    Human,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}
