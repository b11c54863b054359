//! Why settings were refused.

use thiserror::Error;

/// The first thing that is wrong. The message names the field, or the variable, and the limit; it never has a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Reading the text as YAML failed, or it is not a mapping of sections.
    #[error("the settings are not valid YAML: {0}")]
    Yaml(String),
    /// An environment variable that begins with `GOHUB_` could not be taken over.
    #[error("{variable}: {message}")]
    Environment {
        /// The variable, as it is written in the environment.
        variable: String,
        /// What is wrong with it.
        message: String,
    },
    /// A field is unknown, has the wrong type, or a value past its limit, alone or together with another field.
    #[error("{path}: {message}")]
    Field {
        /// Where, such as `cluster.etcd.endpoints[0]`.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl SettingsError {
    /// The path of the field that was refused, if it was a field.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Field { path, .. } => Some(path),
            Self::Yaml(_) | Self::Environment { .. } => None,
        }
    }

    pub(crate) fn field(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Field { path: path.into(), message: message.into() }
    }
}
