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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ErrorCode, Offset};

    fn refusal(text: &str) -> (String, Option<String>) {
        let refused = decode(text.as_bytes()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::BadRequest);
        assert_eq!(refused.to_string(), refused.message);
        (refused.message, refused.reference)
    }

    #[test]
    fn a_whole_message_is_read_and_borrowed() {
        let text = r#" {"message_id":22,"message_type":"chat","room":"lobby","to":"bob","data": {"a" : [1]} ,"ref":"a1",
            "key":"k","from_offset":"17-3","limit":10,"after":"c","token":"t","new_field":[1,{}],"ts":"x","from":1,"offset":{}} "#;
        let borrowed = |text| Some(Cow::Borrowed(text));
        let request = decode(text.as_bytes()).unwrap();
        let expected = Request {
            id: 22,
            message_type: borrowed("chat"),
            room: borrowed("lobby"),
            to: borrowed("bob"),
            data: Some(DataRef::Json(br#"{"a" : [1]}"#)),
            reference: borrowed("a1"),
            key: borrowed("k"),
            from_offset: Some(Offset::new(17, 3)),
            limit: Some(10),
            after: borrowed("c"),
            token: Some(crate::protocol::Credential::new("t")),
        };
        assert_eq!(request, expected);
        assert!(matches!(request.room, Some(Cow::Borrowed(_))));
    }

    #[test]
    fn null_means_absent_except_as_data() {
        let request = decode(br#"{"message_id":1,"room":null,"limit":null,"from_offset":null,"data":null}"#).unwrap();
        assert_eq!(request, Request { id: 1, data: Some(DataRef::Json(b"null")), ..Request::default() });
    }

    #[test]
    fn escapes_are_undone_in_names_and_texts() {
        let request = decode(br#"{"message\u005fid":1,"room":"a\n\ud83d\ude00"}"#).unwrap();
        assert_eq!((request.id, request.room.as_deref()), (1, Some("a\n\u{1f600}")));
    }

    #[test]
    fn bytes_may_come_as_base64() {
        let request = decode(br#"{"encoding":"base64","message_id":20,"data":"AP8="}"#).unwrap();
        assert_eq!(request.data, Some(DataRef::Binary(Cow::Borrowed(b"\0\xff"))));
        for (text, message) in [
            (r#"{"message_id":20,"data":"AP8=","encoding":"gzip"}"#, "encoding must be \"base64\""),
            (
                r#"{"message_id":20,"data":"AP8","encoding":"base64"}"#,
                "data must be a text of standard, padded base64, as encoding says",
            ),
            (
                r#"{"message_id":20,"data":1,"encoding":"base64"}"#,
                "data must be a text of standard, padded base64, as encoding says",
            ),
            (
                r#"{"message_id":20,"encoding":"base64"}"#,
                "data must be a text of standard, padded base64, as encoding says",
            ),
        ] {
            assert_eq!(refusal(text).0, message, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let number = "must be an integer from 0 to 4294967295";
        for (text, message) in [
            ("[]", "the message must be one JSON object".to_owned()),
            ("17", "the message must be one JSON object".to_owned()),
            ("{}", "message_id is missing".to_owned()),
            (r#"{"message_id":-1}"#, format!("message_id {number}")),
            (r#"{"message_id":4294967296}"#, format!("message_id {number}")),
            (r#"{"message_id":99999999999999999999}"#, format!("message_id {number}")),
            (r#"{"message_id":1.5}"#, format!("message_id {number}")),
            (r#"{"message_id":"1"}"#, format!("message_id {number}")),
            (r#"{"message_id":null}"#, format!("message_id {number}")),
            (r#"{"message_id":1,"limit":-1}"#, format!("limit {number}")),
            (r#"{"message_id":1,"room":5}"#, "room must be text".to_owned()),
            (r#"{"message_id":1,"to":["a"]}"#, "to must be text".to_owned()),
            (r#"{"message_id":1,"from_offset":"x"}"#, "from_offset must be an offset like \"17-0\"".to_owned()),
            (r#"{"message_id":1,"from_offset":17}"#, "from_offset must be an offset like \"17-0\"".to_owned()),
            (r#"{"message_id":1,"key":""}"#, "key is empty".to_owned()),
            (r#"{"message_id":1,"message_id":1}"#, "message_id is there twice".to_owned()),
            (r#"{"message_id":1,"ts":1,"ts":1}"#, "ts is there twice".to_owned()),
            (r#"{"message_id":1,"data":1,"d\u0061ta":1}"#, "data is there twice".to_owned()),
            (r#"{"message_id":1,"new":1,"new":1}"#, "an unknown field is there twice".to_owned()),
            (r#"{"message_id":1} x"#, "something follows the message".to_owned()),
            (r#"{"message_id":1}{"message_id":1}"#, "something follows the message".to_owned()),
            (r#"{"message_id":1,"data":"\ud800"}"#, "data contains a lone surrogate escape".to_owned()),
            (r#"{"message_id":1,"data":[1e400]}"#, "data contains a number beyond the range of a double".to_owned()),
        ] {
            assert_eq!(refusal(text), (message, None), "{text}");
        }
    }

    #[test]
    fn broken_json_says_where() {
        for (text, start) in [
            ("", "the message is not valid JSON: EOF"),
            ("{", "the message is not valid JSON: EOF"),
            (r#"{"message_id":1,}"#, "the message is not valid JSON: trailing comma"),
            (r#"{"message_id":1e400}"#, "message_id: number out of range"),
            (r#"{"message_id":1,"room":"\udc00"}"#, "room: lone leading surrogate"),
            (r#"{"message_id":1,"room":"a"#, "room: EOF"),
            (r#"{"message_id":1,"data":{"a"}}"#, "data: expected `:`"),
            ("{\"message_id\":1,\"ref\":\"\n\"}", "ref: control character"),
        ] {
            let (message, reference) = refusal(text);
            assert!(message.starts_with(start), "{text}: {message}");
            assert_eq!(reference, None);
        }
        assert_eq!(
            decode(b"{\"message_id\":1,\"room\":\"\xff\"}").unwrap_err().message,
            "the message is not valid UTF-8"
        );
    }

    #[test]
    fn a_depth_bomb_is_refused_without_a_deep_stack() {
        let bomb = "[".repeat(100_000) + &"]".repeat(100_000);
        let message = refusal(&format!(r#"{{"ref":"a1","message_id":20,"data":{bomb}}}"#));
        assert_eq!(message, ("data is nested deeper than 100 levels".to_owned(), Some("a1".to_owned())));
        assert!(decode(format!(r#"{{"message_id":20,"new":{bomb}}}"#).as_bytes()).is_ok());
        refusal(&"[".repeat(100_000));
        refusal(&r#"{"data":"#.repeat(100_000));
    }

    #[test]
    fn the_ref_is_found_before_and_behind_the_fault() {
        for text in [
            r#"{"ref":"a1","message_id":-1}"#,
            r#"{"message_id":-1,"data":{"ref":"no"},"ref":"a1"}"#,
            r#"{"message_id":-1,"r\u0065f":"\u00611","room":}"#,
            r#"{"ref":"a1","room":"a","#,
            r#"{"message_id":1,"ref":"a1"}x"#,
        ] {
            assert_eq!(refusal(text).1.as_deref(), Some("a1"), "{text}");
        }
        let long = "x".repeat(129);
        for text in [
            r#"{"message_id":-1,"ref":5}"#.to_owned(),
            r#"{"message_id":-1,"room":{"#.to_owned(),
            format!(r#"{{"message_id":-1,"ref":"{long}"}}"#),
        ] {
            assert_eq!(refusal(&text).1, None, "{text}");
        }
        assert_eq!(
            refusal(&format!(r#"{{"message_id":1,"ref":"{long}"}}"#)),
            ("ref is longer than 128 bytes".to_owned(), None)
        );
    }

    #[test]
    fn unknown_fields_are_bounded_and_nothing_is_quoted_back() {
        let fields: String = (0..=MAX_UNKNOWN_FIELDS).map(|field| format!(r#","f{field}":0"#)).collect();
        assert_eq!(refusal(&format!(r#"{{"message_id":1{fields}}}"#)).0, "there are more than 32 unknown fields");
        for text in [r#"{"message_id":"<script>"}"#, r#"{"<script>":1,"<script>":1,"message_id":1}"#] {
            assert!(!refusal(text).0.contains("script"));
        }
    }
}
