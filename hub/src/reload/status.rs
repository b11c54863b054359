//! What the admin API, the node's entry in the cluster and with it the operator say about the configuration.

use std::collections::BTreeMap;
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
    /// Why the newest file is not in force, or not in full; absent when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Refusal>,
    /// Settings that are loaded and could not be carried out, by name. They outlive a reload: whoever carries them out ends them.
    #[serde(skip)]
    complaints: BTreeMap<&'static str, Refusal>,
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
        let complaints = BTreeMap::new();
        Self { loaded_hash: hash, loaded_at: now(), restart_required, last_error: None, complaints }
    }

    /// Records that other settings are in force. What was complained of is still so.
    pub(super) fn load(&mut self, hash: String, restart_required: Vec<String>) {
        let complaints = std::mem::take(&mut self.complaints);
        *self = Self { complaints, ..Self::loaded(hash, restart_required) };
        self.last_error = self.complaints.values().next().cloned();
    }

    /// Records a refusal; "since" stays that of the first in a row.
    pub(super) fn refuse(&mut self, message: String, field: Option<String>) {
        let since = self.last_error.as_ref().map_or_else(now, |before| before.since);
        self.last_error = Some(Refusal { message, field, since });
    }

    /// Records that `setting` could not be carried out, or (without a message) that it is. A refused file is told first. Returns whether
    /// that is news.
    pub(super) fn carry_out(&mut self, setting: &'static str, message: Option<String>) -> bool {
        let before = self.complaints.remove(setting);
        let is_shown = self.last_error.as_ref().is_none_or(|shown| before.as_ref() == Some(shown));
        let is_news = before.as_ref().map(|refusal| &refusal.message) != message.as_ref();
        if let Some(message) = message {
            let since = before.map_or_else(now, |before| before.since);
            self.complaints.insert(setting, Refusal { message, field: Some(setting.to_owned()), since });
        }
        if is_shown {
            self.last_error = self.complaints.values().next().cloned();
        }
        is_news
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
