//! The JSON schema of the settings: structural, so that it may stand in a Kubernetes CRD as it is.
//!
//! It is also what [`check`](crate::check) refuses by. An optional section is a property that is not required; nothing is nullable.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::{Schema, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::Settings;

static SETTINGS: LazyLock<Value> = LazyLock::new(|| {
    let generator = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    generator.into_root_schema_for::<Settings>().to_value()
});

/// The schema of [`Settings`], made once.
pub(crate) fn settings() -> &'static Value {
    &SETTINGS
}

impl Settings {
    /// The JSON schema as pretty-printed text with sorted keys, for editors: `config/settings.schema.json`.
    pub fn schema_text() -> String {
        let mut text = format!("{:#}", sorted(settings()));
        text.push('\n');
        text
    }
}

/// The same value with sorted keys, whether or not some crate of the build makes serde_json keep another order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, Value> = object.iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Writes an enum of documented unit variants as a plain `enum` of strings: schemars makes a `oneOf`, which no CRD may have.
pub(crate) fn plain_enum(schema: &mut Schema) {
    let Some(variants) = schema.remove("oneOf") else { return };
    let names: Vec<Value> = variants
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|variant| match variant.get("enum") {
            Some(Value::Array(names)) => names.clone(),
            _ => variant.get("const").cloned().into_iter().collect(),
        })
        .collect();
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("enum".to_owned(), Value::Array(names));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
        visit(path, schema);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(property, &crate::check::at(path, name), visit);
        }
        if schema.get("items").is_some() {
            walk(&schema["items"], &format!("{path}[]"), visit);
        }
    }

    #[test]
    fn the_schema_is_structural() {
        walk(settings(), "", &mut |path, schema| {
            for forbidden in ["oneOf", "anyOf", "allOf", "not", "$ref", "const"] {
                assert!(schema.get(forbidden).is_none(), "{path} has {forbidden}: {schema}");
            }
            assert!(schema["type"].is_string(), "{path} has no single type: {schema}");
            if schema["type"] == "object" {
                assert_eq!(schema["additionalProperties"], json!(false), "{path}");
            }
        });
    }

    #[test]
    fn every_field_is_documented_with_its_default() {
        walk(settings(), "", &mut |path, schema| {
            if path.is_empty() || path.ends_with("[]") {
                return;
            }
            let doc = schema["description"].as_str().unwrap_or_default();
            assert!(doc.len() > 10, "{path} has no doc");
            if let Some(default) = schema.get("default").filter(|default| !default.is_object()) {
                let text = match default {
                    Value::String(text) if !text.is_empty() => text.clone(),
                    other => other.to_string(),
                };
                let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(
                    doc.ends_with(&format!("Default `{text}`.")),
                    "{path} should end with: Default `{text}`. It is: {doc}"
                );
            }
        });
    }
}
