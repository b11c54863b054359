//! Reads a message of the hub from CBOR.

use bytes::Bytes;
use minicbor::{Decoder, data::Type, decode::Error};

use super::{
    Unreadable,
    values::{Shape, Value, Values},
};
use crate::protocol::{Field, Offset, Payload, writer::EMBEDDED_JSON};

pub(super) fn decode(bytes: &[u8]) -> Result<Values, Unreadable> {
    let mut decoder = Decoder::new(bytes);
    let values = message(&mut decoder, true).map_err(|error| Unreadable::Malformed(error.to_string()))?;
    if decoder.position() == bytes.len() {
        Ok(values)
    } else {
        Err(Unreadable::Malformed("something follows the message".to_owned()))
    }
}

/// `outer` messages may hold others, in a history; those may not.
fn message(decoder: &mut Decoder<'_>, outer: bool) -> Result<Values, Error> {
    let mut values = Values::default();
    for _ in 0..definite(decoder.map()?)? {
        let Some(field) = Field::from_key(decoder.u64()?) else {
            decoder.skip()?;
            continue;
        };
        let value = match Shape::of(field) {
            Shape::Uint => Value::Uint(decoder.u64()?),
            Shape::Boolean => Value::Boolean(decoder.bool()?),
            Shape::Text if decoder.datatype()? == Type::Array => Value::Offset(offset(decoder)?),
            Shape::Text => Value::Text(decoder.str()?.to_owned()),
            Shape::Offset => Value::Offset(offset(decoder)?),
            Shape::Data => Value::Data(data(decoder)?),
            Shape::Texts => {
                let count = definite(decoder.array()?)?;
                Value::Texts((0..count).map(|_| decoder.str().map(str::to_owned)).collect::<Result<_, _>>()?)
            }
            Shape::Messages if outer => {
                let count = definite(decoder.array()?)?;
                Value::Messages((0..count).map(|_| message(decoder, false)).collect::<Result<_, _>>()?)
            }
            Shape::Messages => return Err(Error::message("a history inside a history")),
        };
        values.insert(field, value);
    }
    Ok(values)
}

fn definite(length: Option<u64>) -> Result<u64, Error> {
    length.ok_or_else(|| Error::message("indefinite length"))
}

fn offset(decoder: &mut Decoder<'_>) -> Result<Offset, Error> {
    match decoder.array()? {
        Some(2) => Ok(Offset { major: decoder.u64()?, minor: decoder.u32()? }),
        _ => Err(Error::message("an offset is an array of two numbers")),
    }
}

fn data(decoder: &mut Decoder<'_>) -> Result<Payload, Error> {
    if decoder.datatype()? == Type::Tag {
        if decoder.tag()?.as_u64() != EMBEDDED_JSON {
            return Err(Error::message("data has a tag other than 262"));
        }
        return Ok(Payload::Json(Bytes::copy_from_slice(decoder.bytes()?)));
    }
    Ok(Payload::Binary(Bytes::copy_from_slice(decoder.bytes()?)))
}
