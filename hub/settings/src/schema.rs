//! The JSON schema of the settings: structural, so that it may stand in a Kubernetes CRD as it is.

use schemars::Schema;
use serde_json::{Value, json};

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
