//! Reads a request from CBOR, strictly: a map of definite length with integer keys, nothing
//! nested deeper than a few levels, nothing behind it.

use std::borrow::Cow;

use minicbor::{Decoder, data::Type, decode::Error};

use super::{
    MAX_UNKNOWN_FIELDS, Refused, Request,
    draft::{Draft, Kind, Problem},
};
use crate::protocol::{DataRef, Field, Offset, json_data, writer::EMBEDDED_JSON};

/// The deepest nesting inside a field that is skipped.
const MAX_SKIPPED_DEPTH: u32 = 16;

pub(super) fn decode(bytes: &[u8]) -> Result<Request<'_>, Refused> {
    let mut draft = Draft::default();
    let mut decoder = Decoder::new(bytes);
    let read = fill(&mut draft, &mut decoder).and_then(|()| draft.finish());
    read.map_err(|problem| draft.refuse(&problem, || find_reference(bytes)))
}

fn fill<'a>(draft: &mut Draft<'a>, decoder: &mut Decoder<'a>) -> Result<(), Problem> {
    let Ok(Some(fields)) = decoder.map() else {
        return Err(Problem::NotMap);
    };
    let mut unknown: Vec<u64> = Vec::new();
    for _ in 0..fields {
        let at = decoder.position();
        let key = decoder.u64().map_err(|_| Problem::Cbor(at))?;
        let Some(field) = Field::from_key(key) else {
            if unknown.contains(&key) {
                return Err(Problem::DuplicateUnknown);
            }
            if unknown.len() == MAX_UNKNOWN_FIELDS {
                return Err(Problem::TooManyUnknown);
            }
            unknown.push(key);
            skip(decoder, 0).map_err(|_| Problem::Cbor(at))?;
            continue;
        };
        let kind = draft.begin(field)?;
        if matches!(decoder.datatype(), Ok(Type::Null)) && field != Field::MessageId && kind != Kind::Data {
            decoder.null().map_err(|_| Problem::Cbor(at))?;
            continue;
        }
        let wrong = |_: Error| Problem::WrongType(field, expected(field));
        match kind {
            Kind::Uint => draft.uint(field, decoder.u32().map_err(wrong)?),
            Kind::Text => draft.text(field, Cow::Borrowed(decoder.str().map_err(wrong)?))?,
            Kind::Offset => draft.offset(offset(decoder).map_err(wrong)?),
            Kind::Data => draft.data(data(decoder)?),
            Kind::Skipped => skip(decoder, 0).map_err(|_| Problem::Cbor(at))?,
        }
    }
    if decoder.position() == decoder.input().len() { Ok(()) } else { Err(Problem::Trailing) }
}

const fn expected(field: Field) -> &'static str {
    match Kind::of(field) {
        Kind::Uint => "an integer from 0 to 4294967295",
        Kind::Offset => "an array [major, minor]",
        Kind::Data => "a byte string, or one with tag 262",
        Kind::Text | Kind::Skipped => "text of definite length",
    }
}

fn offset(decoder: &mut Decoder<'_>) -> Result<Offset, Error> {
    match decoder.array()? {
        Some(2) => Ok(Offset { major: decoder.u64()?, minor: decoder.u32()? }),
        _ => Err(Error::message("not an offset")),
    }
}

/// Embedded JSON is parsed once here, because it is appended verbatim to what JSON clients get.
fn data<'a>(decoder: &mut Decoder<'a>) -> Result<DataRef<'a>, Problem> {
    let wrong = |_: Error| Problem::WrongType(Field::Data, expected(Field::Data));
    if matches!(decoder.datatype(), Ok(Type::Bytes)) {
        return Ok(DataRef::Binary(Cow::Borrowed(decoder.bytes().map_err(wrong)?)));
    }
    if decoder.tag().map_err(wrong)?.as_u64() != EMBEDDED_JSON {
        return Err(wrong(Error::message("another tag")));
    }
    let json = decoder.bytes().map_err(wrong)?;
    json_data::check_text(json)?;
    Ok(DataRef::Json(json))
}

/// Steps over one item of bounded depth and definite lengths.
fn skip(decoder: &mut Decoder<'_>, depth: u32) -> Result<(), Error> {
    if depth > MAX_SKIPPED_DEPTH {
        return Err(Error::message("too deep"));
    }
    let indefinite = || Error::message("indefinite length");
    match decoder.datatype()? {
        Type::Array => {
            for _ in 0..decoder.array()?.ok_or_else(indefinite)? {
                skip(decoder, depth + 1)?;
            }
            Ok(())
        }
        Type::Map => {
            for _ in 0..decoder.map()?.ok_or_else(indefinite)? {
                skip(decoder, depth + 1)?;
                skip(decoder, depth + 1)?;
            }
            Ok(())
        }
        Type::Tag => {
            decoder.tag()?;
            skip(decoder, depth + 1)
        }
        Type::String => decoder.str().map(drop),
        Type::BytesIndef | Type::StringIndef | Type::ArrayIndef | Type::MapIndef | Type::Break => Err(indefinite()),
        _ => decoder.skip(),
    }
}

/// The `ref` of a message that is refused for something before it.
fn find_reference(bytes: &[u8]) -> Option<String> {
    let mut decoder = Decoder::new(bytes);
    for _ in 0..decoder.map().ok()?? {
        if decoder.u64().ok()? == u64::from(Field::Ref.key()) {
            return decoder.str().ok().map(str::to_owned);
        }
        skip(&mut decoder, 0).ok()?;
    }
    None
}
