//! From text and environment to valid settings.

use serde_yaml::{Mapping, Value};

use crate::{Settings, SettingsError, check, environment, schema};

/// Longest text, in bytes: what a ConfigMap holds.
const MAX_TEXT: usize = 1 << 20;

/// Most brackets open at once. The YAML parser's time grows with their square, and a file needs no more than a few.
const MAX_OPEN_BRACKETS: usize = 1_000;

impl Settings {
    /// Reads the settings from YAML, lays the `GOHUB_...` variables of `environment` over them, and checks everything.
    ///
    /// An empty text is the defaults. Of a list the variable replaces the whole. Variables with another prefix are ignored, and so are
    /// `GOHUB_CONFIG`, which is the command line's, and `GOHUB_CACHE`, which is the scripts'.
    ///
    /// # Errors
    /// The first thing that is wrong, by the name of its field or variable.
    pub fn from_yaml(text: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Self, SettingsError> {
        let schema = schema::settings();
        let mut value = read(text)?;
        let overrides = environment::merge(&mut value, schema, environment)?;
        let checked = typed(&value).and_then(|settings| settings.validate().map(|()| settings));
        checked.map_err(|error| {
            let SettingsError::Field { path, message } = error else { return error };
            let by = overrides.iter().find(|o| path == o.path || path.starts_with(&format!("{}[", o.path)));
            match by {
                Some(by) => SettingsError::Field { message: format!("{message} (from {})", by.variable), path },
                None => SettingsError::Field { path, message },
            }
        })
    }

    /// The hash of a file's text alone, without anybody's environment: what the operator expects and each hub reports of the same
    /// ConfigMap, although every pod's environment differs. See [`Settings::hash`].
    ///
    /// # Errors
    /// As [`Settings::from_yaml`], except that rules across fields are not applied, since a variable may yet satisfy them.
    pub fn hash_of_text(text: &str) -> Result<String, SettingsError> {
        Ok(typed(&read(text)?)?.hash())
    }
}

/// The YAML of a file as a mapping without nulls.
fn read(text: &str) -> Result<Value, SettingsError> {
    if text.len() > MAX_TEXT {
        return Err(SettingsError::Yaml(format!("longer than {MAX_TEXT} bytes, it has {}", text.len())));
    }
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_OPEN_BRACKETS {
            return Err(SettingsError::Yaml(format!("more than {MAX_OPEN_BRACKETS} brackets are open at once")));
        }
    }
    let mut value: Value = serde_yaml::from_str(text).map_err(|error| SettingsError::Yaml(error.to_string()))?;
    if value.is_null() {
        value = Value::Mapping(Mapping::new());
    }
    if !value.is_mapping() {
        return Err(SettingsError::Yaml("expected sections such as `server:`, with fields below them".to_owned()));
    }
    check::remove_nulls(&mut value);
    Ok(value)
}

/// The settings of a value, each field checked by itself.
fn typed(value: &Value) -> Result<Settings, SettingsError> {
    check::check(value, schema::settings(), "")?;
    // The check has refused everything that could fail here; if it forgot something, the message is only less precise.
    serde_yaml::from_value(value.clone()).map_err(|error| SettingsError::Yaml(error.to_string()))
}
