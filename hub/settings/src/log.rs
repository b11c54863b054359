//! `log`: what the hub writes about itself. (The log of messages is `retention`.)

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SettingsError, bounds::refuse, schema};

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

impl Log {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        match self.level.split(',').map(str::trim).find(|directive| !is_directive(directive)) {
            Some(directive) => refuse(
                "log.level",
                format!(
                    "{directive:?} is not a level (error, warn, info, debug, trace, off) or a part's level such as \"gohub::bus=debug\""
                ),
            ),
            None => Ok(()),
        }
    }
}

/// `level` or `target=level`.
fn is_directive(text: &str) -> bool {
    let (target, level) = text.split_once('=').unwrap_or(("gohub", text));
    let is_level = ["error", "warn", "info", "debug", "trace", "off"].iter().any(|l| l.eq_ignore_ascii_case(level));
    let is_target = !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    is_level && is_target
}
