//! Adapts the generated schema to what an API server accepts.
//!
//! The settings' schema is nearly structural already. What is left: `additionalProperties: false` beside `properties` is forbidden (unknown
//! fields are refused by field validation instead); formats an API server does not know become patterns; and the defaults of
//! `spec.config` are left out, or the API server would write them into every object, where a hub's newer default could not reach.

use schemars::{Schema, transform::transform_subschemas};
use serde_json::{Value, json};

/// A transform of `spec`.
pub(super) fn structural(spec: &mut Schema) {
    every(spec, false);
    let config = spec.get_mut("properties").and_then(|properties| properties.get_mut("config"));
    if let Some(config) = config.and_then(|config| <&mut Schema>::try_from(config).ok()) {
        config.remove("default");
        every(config, true);
    }
}

/// Every schema at and below `schema`.
fn every(schema: &mut Schema, without_defaults: bool) {
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        schema.remove("additionalProperties");
    }
    if without_defaults {
        schema.remove("default");
    }
    schema.remove("examples");
    if let Some(pattern) = schema.get("format").and_then(Value::as_str).and_then(pattern) {
        schema.remove("format");
        schema.insert("pattern".to_owned(), json!(pattern));
    }
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        schema.remove("format");
    }
    transform_subschemas(&mut |schema: &mut Schema| every(schema, without_defaults), schema);
}

/// What a text of the settings' own formats looks like.
fn pattern(format: &str) -> Option<&'static str> {
    match format {
        "duration" => Some("^[0-9]+(ms|s|m|h)$"),
        "byte-size" => Some("^[0-9]+(B|KiB|MiB|GiB)$"),
        "ip-port" => Some(r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$"),
        "ip-network" => Some(r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$"),
        "room-pattern" | "name-pattern" => Some(r"^[^/]{1,128}$"),
        _ => None,
    }
}
