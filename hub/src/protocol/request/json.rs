//! Reads a request from JSON: one pass, borrowing; a second pass only for the `ref` of a message
//! that is refused.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{error::Category, value::RawValue};

use super::{
    MAX_UNKNOWN_FIELDS, Refused, Request,
    draft::{Draft, Kind, Problem},
};
use crate::protocol::{DataRef, Field, json_data};

pub(super) fn decode(bytes: &[u8]) -> Result<Request<'_>, Refused> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Draft::default().refuse(&Problem::NotUtf8, || None));
    };
    let mut draft = Draft::default();
    let mut problem = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let envelope = Envelope { draft: &mut draft, problem: &mut problem };
    let problem = match deserializer.deserialize_map(envelope) {
        Ok(()) if deserializer.end().is_err() => Problem::Trailing,
        Ok(()) => match draft.finish() {
            Ok(request) => return Ok(request),
            Err(problem) => problem,
        },
        Err(error) => problem.unwrap_or_else(|| explain(&error, draft.current)),
    };
    Err(draft.refuse(&problem, || find_reference(text)))
}

/// Says what is wrong from serde's error, without the values that its text may quote.
fn explain(error: &serde_json::Error, current: Option<Field>) -> Problem {
    match (error.classify(), current) {
        (Category::Data, Some(field)) => Problem::WrongType(field, expected(field)),
        (Category::Data, None) => Problem::NotObject,
        (_, Some(field)) => Problem::Field(field, error.to_string()),
        (_, None) => Problem::Json(error.to_string()),
    }
}

const fn expected(field: Field) -> &'static str {
    match Kind::of(field) {
        Kind::Uint => "an integer from 0 to 4294967295",
        Kind::Offset => "an offset like \"17-0\"",
        Kind::Text | Kind::Data | Kind::Skipped => "text",
    }
}

/// The `ref` of a message that is refused for something before it.
fn find_reference(text: &str) -> Option<String> {
    let mut found = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The text may well be broken further on: what was found before counts.
    let _outcome = deserializer.deserialize_map(ReferenceOnly(&mut found));
    found
}

struct ReferenceOnly<'f>(&'f mut Option<String>);

impl<'de> Visitor<'de> for ReferenceOnly<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            if name.as_deref() == Some(Field::Ref.name()) {
                *self.0 = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok();
                break;
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Fills the draft. serde's errors are text only, so the problem goes beside them.
struct Envelope<'d, 'de> {
    draft: &'d mut Draft<'de>,
    problem: &'d mut Option<Problem>,
}

impl<'de> Visitor<'de> for Envelope<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Self { draft, problem } = self;
        let mut report = |error: Problem| {
            *problem = Some(error);
            M::Error::custom("refused")
        };
        let mut unknown: Vec<Cow<'de, str>> = Vec::new();
        loop {
            draft.current = None;
            let Some(key) = map.next_key_seed(Key)? else {
                return Ok(());
            };
            let field = match key {
                Ok(field) => field,
                Err(name) => {
                    if unknown.contains(&name) {
                        return Err(report(Problem::DuplicateUnknown));
                    }
                    if unknown.len() == MAX_UNKNOWN_FIELDS {
                        return Err(report(Problem::TooManyUnknown));
                    }
                    unknown.push(name);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            match draft.begin(field).map_err(&mut report)? {
                Kind::Uint => {
                    if let Some(number) = map.next_value_seed(Uint { optional: field != Field::MessageId })? {
                        draft.uint(field, number);
                    }
                }
                Kind::Text => {
                    if let Some(text) = map.next_value_seed(Text)? {
                        draft.text(field, text).map_err(&mut report)?;
                    }
                }
                Kind::Offset => {
                    if let Some(text) = map.next_value_seed(Text)? {
                        let wrong = |_| Problem::WrongType(field, expected(field));
                        draft.offset(text.parse().map_err(wrong).map_err(&mut report)?);
                    }
                }
                Kind::Data => {
                    let raw = map.next_value::<&'de RawValue>()?.get();
                    json_data::check(raw).map_err(Problem::from).map_err(&mut report)?;
                    draft.data(DataRef::Json(raw.as_bytes()));
                }
                Kind::Skipped => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }
}

/// A field, or the name of an unknown one.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Result<Field, Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Result<Field, Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Field::from_name(name).ok_or(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Field::from_name(name).ok_or_else(|| Cow::Owned(name.to_owned())))
    }
}

/// Text, borrowed unless it has escapes; `null` is no text.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// An integer of 32 bits; `null` is none where that is allowed.
struct Uint {
    optional: bool,
}

impl<'de> DeserializeSeed<'de> for Uint {
    type Value = Option<u32>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Uint {
    type Value = Option<u32>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an integer from 0 to 4294967295")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        u32::try_from(number).map(Some).map_err(|_| E::custom("too large"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        if self.optional { Ok(None) } else { Err(E::custom("null")) }
    }
}
