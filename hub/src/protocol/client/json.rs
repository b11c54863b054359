//! Reads a message of the hub from JSON.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Unreadable,
    values::{Shape, Value, Values},
};
use crate::protocol::{Field, Payload};

pub(super) fn decode(bytes: &[u8]) -> Result<Values, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    message(text, true)
}

/// `outer` messages may hold others, in a history; those may not.
fn message(text: &str, outer: bool) -> Result<Values, Unreadable> {
    let raw: HashMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    let mut values = Values::default();
    for (name, raw) in &raw {
        let Some(field) = Field::from_name(name) else { continue };
        let text = raw.get();
        let value = match Shape::of(field) {
            Shape::Uint => Value::Uint(parse(field, text)?),
            Shape::Boolean => Value::Boolean(parse(field, text)?),
            Shape::Text => Value::Text(parse(field, text)?),
            Shape::Offset => {
                let text: String = parse(field, text)?;
                Value::Offset(text.parse().map_err(|_| Unreadable::Wrong(field))?)
            }
            Shape::Data => Value::Data(Payload::Json(Bytes::copy_from_slice(text.as_bytes()))),
            Shape::Texts => Value::Texts(parse(field, text)?),
            Shape::Messages if outer => {
                let messages: Vec<&RawValue> = parse(field, text)?;
                Value::Messages(messages.iter().map(|raw| message(raw.get(), false)).collect::<Result<_, _>>()?)
            }
            Shape::Messages => continue,
        };
        values.insert(field, value);
    }
    if let Some(encoding) = values.optional_text(Field::Encoding)? {
        let data = raw.get(Field::Data.name()).filter(|_| encoding == "base64");
        let text: String = parse(Field::Data, data.ok_or(Unreadable::Wrong(Field::Encoding))?.get())?;
        let bytes = STANDARD.decode(text).map_err(|_| Unreadable::Wrong(Field::Data))?;
        values.insert(Field::Data, Value::Data(Payload::Binary(Bytes::from(bytes))));
    }
    Ok(values)
}

fn parse<'t, T: Deserialize<'t>>(field: Field, text: &'t str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable::Wrong(field))
}
