//! Checks a YAML value against the schema, before it is deserialised.
//!
//! serde would refuse the same values but cannot say where; and this way a limit stands once, in the schema, and both the hub and
//! the Kubernetes API server refuse by it.

use std::net::SocketAddr;

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use crate::{ByteSize, Duration, NamePattern, Network, RoomPattern, SettingsError, secret};

/// Longest text repeated in a message, in characters.
const QUOTED: usize = 64;

/// Removes what is set to nothing: `server:` above lines that are all commented out means the defaults, as if it were not there.
pub(crate) fn remove_nulls(value: &mut Value) {
    match value {
        Value::Mapping(mapping) => {
            mapping.retain(|_, value| !value.is_null());
            mapping.values_mut().for_each(remove_nulls);
        }
        Value::Sequence(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// Checks `value`, which is at `path`, and everything below it.
///
/// # Errors
/// The first field that is unknown, missing, of the wrong type or past its limit.
pub(crate) fn check(value: &Value, schema: &Schema, path: &str) -> Result<(), SettingsError> {
    let refuse = |message: String| Err(SettingsError::field(path, message));
    match (schema["type"].as_str().unwrap_or_default(), value) {
        ("object", Value::Mapping(mapping)) => object(mapping, schema, path),
        ("object", _) => refuse(format!("expected a mapping of fields, got {}", describe(value))),
        ("array", Value::Sequence(items)) => {
            items.iter().enumerate().try_for_each(|(i, item)| check(item, &schema["items"], &format!("{path}[{i}]")))
        }
        ("array", _) => refuse(format!("expected a list, got {}", describe(value))),
        ("boolean", Value::Bool(_)) => Ok(()),
        ("boolean", _) => refuse(format!("expected true or false, got {}", describe(value))),
        ("integer", value) => integer(value, schema).or_else(refuse),
        // Never quoted: a password of digits that lacks its quotes is still a password.
        ("string", value) if schema["format"] == "password" => match value {
            Value::String(text) => secret::refuse_placeholder(text).or_else(|message| refuse(message.to_owned())),
            _ => refuse("expected a text: put it in quotes".to_owned()),
        },
        ("string", Value::String(text)) => string(text, schema).or_else(refuse),
        ("string", _) => refuse(format!("expected {}, got {}", expected_text(schema), describe(value))),
        (other, _) => refuse(format!("the schema has a type that is not checked, {other:?}")),
    }
}

fn object(mapping: &Mapping, schema: &Schema, path: &str) -> Result<(), SettingsError> {
    let properties = schema["properties"].as_object();
    let known = |name: &str| properties.and_then(|properties| properties.get(name));
    for (key, value) in mapping {
        let Value::String(name) = key else {
            return Err(SettingsError::field(
                at(path, "?"),
                format!("a field's name is a text, got {}", describe(key)),
            ));
        };
        match known(name) {
            Some(schema) => check(value, schema, &at(path, name))?,
            None => return Err(SettingsError::field(at(path, &cut(name)), unknown(schema))),
        }
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Schema::as_str);
    for name in required {
        if !mapping.contains_key(name) {
            return Err(SettingsError::field(at(path, name), "is required"));
        }
    }
    Ok(())
}

/// What is said of a field that this object does not have.
pub(crate) fn unknown(schema: &Schema) -> String {
    let mut names: Vec<&str> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    format!("unknown field, expected one of {}", names.join(", "))
}

/// The path of a field of the object at `path`.
pub(crate) fn at(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn integer(value: &Value, schema: &Schema) -> Result<(), String> {
    let Value::Number(number) = value else {
        return Err(format!("expected a whole number, got {}", describe(value)));
    };
    if number.is_f64() {
        return Err(format!("expected a whole number, got {number}"));
    }
    let least = schema["minimum"].as_u64().unwrap_or(0);
    let most = schema["maximum"].as_u64().unwrap_or(u64::from(u32::MAX));
    match number.as_u64() {
        None => Err(format!("must be at least {least}, got {number}")),
        Some(given) if given < least => Err(format!("must be at least {least}, got {given}")),
        Some(given) if given > most => Err(format!("must be at most {most}, got {given}")),
        Some(_) => Ok(()),
    }
}

fn string(text: &str, schema: &Schema) -> Result<(), String> {
    if let Some(names) = schema["enum"].as_array() {
        if names.iter().any(|name| name == text) {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().filter_map(Schema::as_str).collect();
        return Err(format!("must be one of {}, got {:?}", names.join(", "), cut(text)));
    }
    match schema["format"].as_str() {
        Some("duration") => return text.parse::<Duration>().map(drop).map_err(|error| error.to_string()),
        Some("byte-size") => return text.parse::<ByteSize>().map(drop).map_err(|error| error.to_string()),
        Some("ip-network") => return text.parse::<Network>().map(drop).map_err(|error| error.to_string()),
        Some("room-pattern") => return text.parse::<RoomPattern>().map(drop).map_err(|error| error.to_string()),
        Some("name-pattern") => return text.parse::<NamePattern>().map(drop).map_err(|error| error.to_string()),
        Some("ip-port") => {
            return text.parse::<SocketAddr>().map(drop).map_err(|_| {
                format!("{:?} is not an IP address and port, such as \"0.0.0.0:8080\" or \"[::]:8080\"", cut(text))
            });
        }
        _ => {}
    }
    let length = text.chars().count() as u64;
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(_), _) if text.is_empty() => Err("must not be empty".to_owned()),
        (Some(least), _) if length < least => Err(format!("must have at least {least} characters, got {length}")),
        (_, Some(most)) if length > most => Err(format!("must have at most {most} characters, got {length}")),
        _ => Ok(()),
    }
}

/// What a text of this schema looks like.
fn expected_text(schema: &Schema) -> &'static str {
    match schema["format"].as_str() {
        Some("duration") => "a duration with its unit such as \"30s\"",
        Some("byte-size") => "a size with its unit such as \"64KiB\"",
        Some("ip-port") => "an IP address and port such as \"0.0.0.0:8080\"",
        _ => "a text",
    }
}

/// What was found, in words.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {:?}", cut(text)),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Tagged(_) => "a YAML tag".to_owned(),
    }
}

/// The beginning of a text that may be a megabyte.
fn cut(text: &str) -> String {
    if text.chars().count() <= QUOTED {
        return text.to_owned();
    }
    text.chars().take(QUOTED).chain(['…']).collect()
}
