//! The commented default file, written from the schema, so that it names every field and cannot go stale.
//!
//! Two kinds of comment: `# text` explains, `#name: value` (and what is indented below it) is a line to uncomment.

use serde_json::Value as Schema;
use serde_yaml::Value;

use crate::{Settings, schema};

/// Columns of the file.
const WIDTH: usize = 100;

const HEADER: &str = "\
# Settings of gohub, all at their defaults. `{}` means the same; write only what differs.
#
# Every change counts at once, under live connections; `server.shards` alone needs a restart. A file with an error is refused
# as a whole, with the field's name, and the last good one stays in force.
# Durations are written 500ms, 30s, 5m, 1h; sizes 512B, 64KiB, 1MiB, 2GiB.
# The environment comes on top: GOHUB_SERVER__ADDR=127.0.0.1:8080 sets server.addr, lists are separated by commas.
# Generated from hub/settings, where it is changed too. Editors: config/settings.schema.json.
";

impl Settings {
    /// The commented default settings, `config/config.yaml`: every field with its documentation and default.
    pub fn reference() -> String {
        let mut out = HEADER.to_owned();
        let schema = schema::settings();
        for (name, default) in ordered(schema, Some(&Settings::default().to_value())) {
            out.push('\n');
            field(&mut out, "", name, &schema["properties"][name], default);
        }
        out
    }
}

/// The fields of an object, each with its default: in the order of the struct, then the optional ones.
fn ordered<'a>(schema: &'a Schema, defaults: Option<&'a Value>) -> Vec<(&'a str, Option<&'a Value>)> {
    let mapping = defaults.and_then(Value::as_mapping);
    let mut fields: Vec<(&str, Option<&Value>)> =
        mapping.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, Some(value)))).collect();
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Schema::as_str);
    let mut others: Vec<&str> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    others.sort_unstable();
    for name in required.chain(others) {
        if !fields.iter().any(|(known, _)| *known == name) {
            fields.push((name, None));
        }
    }
    fields
}

/// Writes a field with its documentation. A field without a default is optional and is commented out.
fn field(out: &mut String, indent: &str, name: &str, schema: &Schema, default: Option<&Value>) {
    prose(out, indent, schema);
    match default {
        Some(default) if schema["type"] == "object" => {
            line(out, indent, &format!("{name}:"));
            for (name, default) in ordered(schema, Some(default)) {
                field(out, &format!("{indent}  "), name, &schema["properties"][name], default);
            }
        }
        Some(_) => {
            line(out, indent, &format!("{name}: {}", scalar(&schema["default"])));
            if schema["items"]["type"] == "object" {
                example(out, &format!("{indent}#"), &schema["items"], "- ");
            }
        }
        None => {
            line(out, indent, &format!("#{name}:"));
            example(out, &format!("{indent}#  "), schema, "");
        }
    }
}

/// Writes the fields of an object that is commented out, the first one behind `bullet`.
fn example(out: &mut String, indent: &str, schema: &Schema, bullet: &str) {
    let hanging = " ".repeat(bullet.len());
    for (i, (name, _)) in ordered(schema, None).into_iter().enumerate() {
        let property = &schema["properties"][name];
        let value = property["examples"].get(0).unwrap_or(&property["default"]);
        // The documentation of the first field stands where it still is a comment when the block is uncommented.
        prose(out, &format!("{indent}{hanging}"), property);
        line(out, indent, &format!("{}{name}: {}", if i == 0 { bullet } else { &hanging }, scalar(value)));
    }
}

/// Writes the documentation, without the default that follows anyway.
fn prose(out: &mut String, indent: &str, schema: &Schema) {
    let text = schema["description"].as_str().unwrap_or_default();
    let text = text.rsplit_once("Default `").map_or(text, |(text, _)| text);
    let mut comment = String::from("#");
    for word in text.split_whitespace() {
        if indent.len() + comment.len() + 1 + word.chars().count() > WIDTH {
            line(out, indent, &comment);
            comment = String::from("#");
        }
        comment.push(' ');
        comment.push_str(word);
    }
    line(out, indent, &comment);
}

fn line(out: &mut String, indent: &str, text: &str) {
    out.push_str(indent);
    out.push_str(text);
    out.push('\n');
}

/// A value on one line. JSON is YAML; only texts that need no quotes go without.
fn scalar(value: &Schema) -> String {
    let is_plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/.:-_*".contains(&b))
    };
    match value {
        Schema::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}
