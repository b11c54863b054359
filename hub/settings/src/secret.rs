//! A text that must not appear in a log, an error, a dump or a panic.
//!
//! Printing is safe by default: `Debug` and `Serialize` write `***`, so `gohub --print-config`, a `{:?}` in a log line and the
//! admin API cannot leak. Whoever needs the true text says so: [`Secret::expose`] in the hub, and
//! [`Settings::to_yaml_with_secrets`](crate::Settings::to_yaml_with_secrets) where a file is written for a hub to read.
//! Reading `***` back is refused, so a redacted dump can never become somebody's password.

use std::{borrow::Cow, cell::Cell, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hash;

/// What is written in the place of a secret.
pub(crate) const PLACEHOLDER: &str = "***";

/// A key, token or password. Empty means "not set".
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

/// How the secrets of one value are written by `Serialize`.
#[derive(Clone, Copy)]
pub(crate) enum Writing {
    /// As `***`: everything that people or machines read.
    Redacted,
    /// As they are: the file a hub reads.
    Exposed,
    /// As 32 bits of their hash: enough to notice a rotation, far too little to find the secret from a published hash.
    Fingerprint,
}

thread_local! {
    /// `Serialize` takes no argument, so the caller's wish travels beside it; only [`writing_secrets`] sets it.
    static WRITING: Cell<Writing> = const { Cell::new(Writing::Redacted) };
}

/// Runs `write` with the secrets written in the given way, and goes back to the former way even if it panics.
pub(crate) fn writing_secrets<T>(writing: Writing, write: impl FnOnce() -> T) -> T {
    struct Restore(Writing);
    impl Drop for Restore {
        fn drop(&mut self) {
            WRITING.set(self.0);
        }
    }
    let _restore = Restore(WRITING.replace(writing));
    write()
}

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The true text. The caller keeps it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(if self.is_empty() { "" } else { PLACEHOLDER }, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_empty() {
            return serializer.serialize_str("");
        }
        match WRITING.get() {
            Writing::Redacted => serializer.serialize_str(PLACEHOLDER),
            Writing::Exposed => serializer.serialize_str(&self.0),
            Writing::Fingerprint => {
                let hash = hash::fnv1a(self.0.as_bytes());
                let folded = (hash ^ (hash >> 32)) & 0xffff_ffff;
                serializer.collect_str(&format_args!("{folded:08x}"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        refuse_placeholder(&text).map_err(de::Error::custom)?;
        Ok(Self(text))
    }
}

/// A dump has `***` where the secrets were; loading it must fail, not log everybody in with three stars.
pub(crate) fn refuse_placeholder(text: &str) -> Result<(), &'static str> {
    if text == PLACEHOLDER {
        return Err("\"***\" stands for a secret in printed settings, it is not one: write the secret itself");
    }
    Ok(())
}

/// Writes a URL without its query, where tokens are common: the query is a secret like any other.
pub(crate) fn hide_query<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match url.split_once('?') {
        Some((address, query)) => {
            let query = Secret::new(query);
            let written = serde_json::to_value(&query).map_err(serde::ser::Error::custom)?;
            serializer.collect_str(&format_args!("{address}?{}", written.as_str().unwrap_or_default()))
        }
        None => serializer.serialize_str(url),
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("hunter2-hunter2-hunter2");
        assert_eq!(format!("{secret:?}"), "\"***\"");
        assert_eq!(serde_yaml::to_string(&secret).unwrap().trim(), "'***'");
    }

    #[test]
    fn a_panic_while_exposed_leaves_the_thread_redacting() {
        let panicked = std::panic::catch_unwind(|| writing_secrets(Writing::Exposed, || panic!("while writing")));
        assert!(panicked.is_err());
        assert_eq!(serde_yaml::to_string(&Secret::new("hunter2")).unwrap().trim(), "'***'");
    }

    #[test]
    fn the_placeholder_is_not_read_back_as_a_secret() {
        let error = serde_yaml::from_str::<Secret>("'***'").unwrap_err();
        assert!(error.to_string().contains("stands for a secret"), "{error}");
    }
}
