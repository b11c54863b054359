//! Lays `GOHUB_...` variables over the settings of the file.
//!
//! `GOHUB_CLUSTER__ETCD__ENDPOINTS` is `cluster.etcd.endpoints`: `__` goes one level down, upper and lower case are the same. The
//! schema says how the text is read: a text stays as it is (a password of digits needs no quotes), numbers and booleans follow
//! YAML, a list is separated by commas, and a list of objects is written as YAML (`[{id: 1000, to: broadcast}]`). Lists are
//! replaced, not extended.

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use crate::{SettingsError, check};

/// What the variables of the settings begin with.
const PREFIX: &str = "GOHUB_";

/// Variables that are no settings: the hub's command line, and where the project's scripts keep their tools.
const RESERVED: [&str; 2] = ["GOHUB_CONFIG", "GOHUB_CACHE"];

/// A variable that was taken over, remembered so that a later refusal can name it.
pub(crate) struct Override {
    /// The field it sets.
    pub path: String,
    /// Its name as written in the environment.
    pub variable: String,
}

/// Merges the variables into `settings`.
///
/// # Errors
/// A variable with our prefix that is no setting, or that is set twice in different case.
pub(crate) fn merge(
    settings: &mut Value,
    schema: &Schema,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Vec<Override>, SettingsError> {
    let mut ours: Vec<(String, String)> = variables.filter(|(name, _)| is_ours(name)).collect();
    // The environment has no order; the first refusal should nevertheless always be the same.
    ours.sort_unstable();
    let mut overrides: Vec<Override> = Vec::new();
    for (variable, text) in ours {
        let refuse = |message: String| SettingsError::Environment { variable: variable.clone(), message };
        let names: Vec<String> = variable[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
        let Some(field) = find(schema, &names).map_err(&refuse)? else {
            refuse_unless_service_link(&variable, &names, schema).map_err(&refuse)?;
            continue;
        };
        let path = names.join(".");
        if let Some(other) = overrides.iter().find(|o| o.path == path) {
            return Err(refuse(format!("is set twice, also as {}", other.variable)));
        }
        let value = read(&text, field, &variable).map_err(&refuse)?;
        set(settings, &names, value);
        overrides.push(Override { path, variable });
    }
    Ok(overrides)
}

fn is_ours(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
        && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// The schema of the field that is called so, unless there is none.
fn find<'a>(schema: &'a Schema, names: &[String]) -> Result<Option<&'a Schema>, String> {
    let mut found = schema;
    for (depth, name) in names.iter().enumerate() {
        if found["type"] == "array" {
            let list = names[..depth].join("__").to_ascii_uppercase();
            return Err(format!("is inside a list: set the whole list in {PREFIX}{list}"));
        }
        match found["properties"].get(name) {
            Some(property) => found = property,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Tells Kubernetes' variables from a misspelt one: with a Service named `gohub`, or `gohub-admin`, every pod of the namespace is
/// given `GOHUB_SERVICE_HOST`, `GOHUB_PORT_8080_TCP_ADDR` and so on, and must start nevertheless.
fn refuse_unless_service_link(variable: &str, names: &[String], schema: &Schema) -> Result<(), String> {
    let rest = &variable[PREFIX.len() - 1..];
    let is_service = rest.ends_with("_SERVICE_HOST") || rest.ends_with("_PORT") || rest.contains("_SERVICE_PORT_");
    let is_port = ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| {
        rest.find(protocol).is_some_and(|end| {
            let port = rest[..end].rsplit("_PORT_").next().unwrap_or_default();
            rest[..end].contains("_PORT_") && port.bytes().all(|b| b.is_ascii_digit())
        })
    });
    if names.len() == 1 && (is_service || is_port) {
        return Ok(());
    }
    // The deepest object that does exist tells what would have been right.
    let mut nearest = schema;
    for name in names {
        match nearest["properties"].get(name) {
            Some(property) => nearest = property,
            None => break,
        }
    }
    Err(format!("there is no setting `{}`: {}", names.join("."), check::unknown(nearest)))
}

/// Reads the text as the schema wants it. What has the wrong type is left for the check, which names the field.
fn read(text: &str, schema: &Schema, variable: &str) -> Result<Value, String> {
    let yaml = |text: &str| {
        // The parser's own message may quote the text, which may be a secret.
        serde_yaml::from_str::<Value>(text).map_err(|_| "is not valid YAML".to_owned())
    };
    match schema["type"].as_str().unwrap_or_default() {
        "string" => Ok(Value::String(text.to_owned())),
        "array" if text.trim_start().starts_with('[') => yaml(text),
        "array" if text.trim().is_empty() => Ok(Value::Sequence(Vec::new())),
        "array" if schema["items"]["type"] == "object" => {
            Err("is a list of objects: write it as YAML, such as [{..}, {..}]".to_owned())
        }
        "array" => text.split(',').map(|item| read(item.trim(), &schema["items"], variable)).collect(),
        "object" => Err(format!("is a section: set its fields, such as {variable}__{}", first_field(schema))),
        _ if text.trim().is_empty() => Err("is empty: give it a value or leave it away".to_owned()),
        _ => yaml(text),
    }
}

fn first_field(schema: &Schema) -> String {
    let mut names: Vec<&String> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.first().map(|name| name.to_ascii_uppercase()).unwrap_or_default()
}

/// Puts `value` at the path, making the mappings on the way. Where the file has something else on the way the check refuses it.
fn set(settings: &mut Value, names: &[String], value: Value) {
    let [parents @ .., last] = names else { return };
    let mut at = settings;
    for name in parents {
        let Value::Mapping(mapping) = at else { return };
        at = mapping.entry(Value::String(name.clone())).or_insert_with(|| Value::Mapping(Mapping::new()));
    }
    if let Value::Mapping(mapping) = at {
        mapping.insert(Value::String(last.clone()), value);
    }
}
