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
        let kind = match draft.begin(field)? {
            // Bytes are bytes in this form.
            _ if field == Field::Encoding => Kind::Skipped,
            kind => kind,
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ErrorCode;

    fn refusal(bytes: &[u8]) -> (String, Option<String>) {
        let refused = decode(bytes).unwrap_err();
        assert_eq!(refused.code, ErrorCode::BadRequest);
        (refused.message, refused.reference)
    }

    /// `{0: 22, 2: "a", 4: 262(h'31'), 5: "r", 10: [17, 3], 40: {"x": [1, -1, true, h'00', 0("t")]}}`
    const WHOLE: &[u8] =
        b"\xa6\x00\x16\x02\x61a\x04\xd9\x01\x06\x411\x05\x61r\x0a\x82\x11\x03\x18\x28\xa1\x61x\x85\x01\x20\xf5\x41\x00\xc0\x61t";

    #[test]
    fn a_whole_message_is_read_and_unknown_keys_are_skipped() {
        let expected = Request {
            id: 22,
            room: Some(Cow::Borrowed("a")),
            data: Some(DataRef::Json(b"1")),
            reference: Some(Cow::Borrowed("r")),
            from_offset: Some(Offset::new(17, 3)),
            ..Request::default()
        };
        assert_eq!(decode(WHOLE), Ok(expected));
    }

    #[test]
    fn a_message_cut_short_is_refused_at_every_byte() {
        for length in 0..WHOLE.len() {
            refusal(&WHOLE[..length]);
        }
    }

    #[test]
    fn null_means_absent_and_plain_bytes_are_opaque() {
        let request = decode(b"\xa4\x00\x01\x02\xf6\x0b\xf6\x04\x42\x00\xff").unwrap();
        let data = Some(DataRef::Binary(Cow::Borrowed(b"\0\xff")));
        assert_eq!(request, Request { id: 1, data, ..Request::default() });
    }

    #[test]
    fn encoding_is_skipped_because_bytes_need_none() {
        let request = decode(b"\xa3\x00\x01\x04\x41\x00\x0d\x66base64").unwrap();
        assert_eq!(request.data, Some(DataRef::Binary(Cow::Borrowed(b"\0"))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let number = "must be an integer from 0 to 4294967295";
        let map = "the message must be one CBOR map of definite length";
        let data = "data must be a byte string, or one with tag 262";
        for (bytes, message) in [
            (&b""[..], map),
            (b"\x80", map),
            (b"\xbf\x00\x01\xff", map),
            (b"\xa0", "message_id is missing"),
            (b"\xa1\x00\x20", &format!("message_id {number}")),
            (b"\xa1\x00\x1b\x00\x00\x00\x01\x00\x00\x00\x00", &format!("message_id {number}")),
            (b"\xa1\x00\xf6", &format!("message_id {number}")),
            (b"\xa1\x00\xf9\x3c\x00", &format!("message_id {number}")),
            (b"\xa2\x00\x01\x00\x01", "message_id is there twice"),
            (b"\xa3\x00\x01\x18\x63\x01\x18\x63\x01", "an unknown field is there twice"),
            (b"\xa1\x00\x01\x00", "something follows the message"),
            (b"\xa1\x20\x01", "the message is not valid CBOR at byte 1"),
            (b"\xa1\x61a\x01", "the message is not valid CBOR at byte 1"),
            (b"\xa2\x00\x01\x02\x01", "room must be text of definite length"),
            (b"\xa2\x00\x01\x02\x7f\x61a\xff", "room must be text of definite length"),
            (b"\xa2\x00\x01\x02\x61\xff", "room must be text of definite length"),
            (b"\xa2\x00\x01\x02\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "room must be text of definite length"),
            (b"\xa2\x00\x01\x06\x60", "key is empty"),
            (b"\xa2\x00\x01\x0a\x81\x01", "from_offset must be an array [major, minor]"),
            (b"\xa2\x00\x01\x0a\x8217", "from_offset must be an array [major, minor]"),
            (b"\xa2\x00\x01\x04\x61a", data),
            (b"\xa2\x00\x01\x04\xf6", data),
            (b"\xa2\x00\x01\x04\xc1\x411", data),
            (b"\xa2\x00\x01\x04\xd9\x01\x06\x611", data),
            (b"\xa2\x00\x01\x04\x5f\x411\xff", data),
            (b"\xa2\x00\x01\x04\xd9\x01\x06\x41{", "data is not one valid JSON value"),
            (b"\xa2\x00\x01\x04\xd9\x01\x06\x451,\"a\"", "data is not one valid JSON value"),
            (b"\xa2\x00\x01\x04\xd9\x01\x06\x451e400", "data contains a number beyond the range of a double"),
        ] {
            assert_eq!(refusal(bytes), (message.to_owned(), None), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_skipped_is_bounded_in_depth_and_of_definite_length() {
        let nested = |depth| [&b"\xa2\x00\x01\x07"[..], &vec![0x81; depth], b"\x01"].concat();
        assert!(decode(&nested(16)).is_ok());
        assert!(decode(b"\xa2\x00\x01\x07\xa1\x01\xc1\x02").is_ok());
        for bytes in [
            nested(17),
            nested(100_000),
            b"\xa2\x00\x01\x07\x9f\xff".to_vec(),
            b"\xa2\x00\x01\x07\x5f\x41a\xff".to_vec(),
            b"\xa2\x00\x01\x07\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            b"\xa2\x00\x01\x07\xff".to_vec(),
            b"\xa2\x00\x01\x07\x61\xff".to_vec(),
        ] {
            assert_eq!(refusal(&bytes).0, "the message is not valid CBOR at byte 3");
        }
    }

    #[test]
    fn unknown_keys_are_bounded() {
        let mut bytes = vec![0xb8, 34, 0, 1];
        (100..133).for_each(|key| bytes.extend([0x18, key, 0]));
        assert_eq!(refusal(&bytes).0, "there are more than 32 unknown fields");
    }

    #[test]
    fn the_ref_is_found_before_and_behind_the_fault() {
        assert_eq!(refusal(b"\xa2\x05\x62a1\x00\x20").1.as_deref(), Some("a1"));
        assert_eq!(refusal(b"\xa3\x00\x20\x07\x81\x01\x05\x62a1").1.as_deref(), Some("a1"));
        assert_eq!(refusal(b"\xa2\x00\x20\x05\x01").1, None);
        assert_eq!(refusal(b"\xa2\x00\x20\x61a\x01").1, None);
    }
}
