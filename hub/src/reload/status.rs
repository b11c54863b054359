//! What the admin API, the node's entry in the cluster and with it the operator say about the configuration.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use utoipa::ToSchema;

/// Which configuration is in force, and whether a newer one was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// Hash of the configuration in force.
    pub loaded_hash: String,
    /// When it was loaded, unix milliseconds.
    pub loaded_at: u64,
    /// Settings of it that count only after a restart.
    pub restart_required: Vec<String>,
    /// Why the newest file is not in force; absent when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Refusal>,
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// The reason; names the field.
    pub message: String,
    /// The field alone, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Since when files are refused, unix milliseconds.
    pub since: u64,
}

impl Status {
    pub(super) fn loaded(hash: String, restart_required: Vec<String>) -> Self {
        Self { loaded_hash: hash, loaded_at: now(), restart_required, last_error: None }
    }

    /// Records a refusal; "since" stays that of the first in a row.
    pub(super) fn refuse(&mut self, message: String, field: Option<String>) {
        let since = self.last_error.as_ref().map_or_else(now, |before| before.since);
        self.last_error = Some(Refusal { message, field, since });
    }

    /// Forgets a refusal of exactly this message. Returns whether there was one.
    pub(super) fn forgive(&mut self, message: &str) -> bool {
        self.last_error.take_if(|refusal| refusal.message == message).is_some()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
