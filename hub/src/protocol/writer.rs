//! Appends one envelope, field by field, in either form: the only place that knows both
//! encodings, without an intermediate value or allocation.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{DataRef, Field, Format, Offset};

/// The CBOR tag of "embedded JSON object" (RFC 8949 tag 262 of the IANA registry).
pub(super) const EMBEDDED_JSON: u64 = 262;

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;

/// An envelope that is being appended to `out`. Call [`Writer::finish`], or it stays open.
#[derive(Debug)]
#[must_use = "an envelope must be finished"]
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    format: Format,
    /// Where the CBOR map's head is, to be given its count.
    head: usize,
    count: u8,
}

impl<'o> Writer<'o> {
    /// Opens an envelope with its `message_id`.
    pub(super) fn open(format: Format, id: u32, out: &'o mut Vec<u8>) -> Self {
        let head = out.len();
        match format {
            Format::Json => {
                out.extend_from_slice(b"{\"message_id\":");
                decimal(out, u64::from(id));
            }
            Format::Cbor => {
                out.extend_from_slice(&[MAP << 5, Field::MessageId.key()]);
                cbor_head(out, UNSIGNED, u64::from(id));
            }
        }
        Self { out, format, head, count: 1 }
    }

    pub(super) fn finish(self) {
        match self.format {
            Format::Json => self.out.push(b'}'),
            // No envelope has more than 23 fields, so the head is one byte.
            Format::Cbor => self.out[self.head] = MAP << 5 | self.count.min(23),
        }
    }

    fn field(&mut self, field: Field) {
        match self.format {
            Format::Json => self.out.extend_from_slice(field.json_prefix().as_bytes()),
            Format::Cbor => {
                cbor_head(self.out, UNSIGNED, u64::from(field.key()));
                self.count += 1;
            }
        }
    }

    pub(super) fn uint(&mut self, field: Field, number: u64) {
        self.field(field);
        match self.format {
            Format::Json => decimal(self.out, number),
            Format::Cbor => cbor_head(self.out, UNSIGNED, number),
        }
    }

    pub(super) fn boolean(&mut self, field: Field, value: bool) {
        self.field(field);
        match (self.format, value) {
            (Format::Json, true) => self.out.extend_from_slice(b"true"),
            (Format::Json, false) => self.out.extend_from_slice(b"false"),
            (Format::Cbor, true) => self.out.push(TRUE),
            (Format::Cbor, false) => self.out.push(FALSE),
        }
    }

    pub(super) fn text(&mut self, field: Field, text: &str) {
        self.field(field);
        self.string(text);
    }

    pub(super) fn optional_text(&mut self, field: Field, text: Option<&str>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    pub(super) fn optional_offset(&mut self, field: Field, offset: Option<Offset>) {
        if let Some(offset) = offset {
            self.offset(field, offset);
        }
    }

    pub(super) fn offset(&mut self, field: Field, offset: Offset) {
        self.field(field);
        match self.format {
            Format::Json => {
                self.out.push(b'"');
                decimal(self.out, offset.major);
                self.out.push(b'-');
                decimal(self.out, u64::from(offset.minor));
                self.out.push(b'"');
            }
            Format::Cbor => {
                cbor_head(self.out, ARRAY, 2);
                cbor_head(self.out, UNSIGNED, offset.major);
                cbor_head(self.out, UNSIGNED, u64::from(offset.minor));
            }
        }
    }

    pub(super) fn data(&mut self, data: &DataRef<'_>) {
        self.field(Field::Data);
        match (self.format, data) {
            (Format::Json, DataRef::Json(json)) => self.out.extend_from_slice(json),
            (Format::Json, DataRef::Binary(bytes)) => {
                self.out.push(b'"');
                base64(self.out, bytes);
                self.out.push(b'"');
                self.text(Field::Encoding, "base64");
            }
            (Format::Cbor, DataRef::Json(json)) => {
                cbor_head(self.out, TAG, EMBEDDED_JSON);
                cbor_string(self.out, BYTES, json);
            }
            (Format::Cbor, DataRef::Binary(bytes)) => cbor_string(self.out, BYTES, bytes),
        }
    }

    pub(super) fn texts<'t>(&mut self, field: Field, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.array(field, texts, Self::string);
    }

    /// Values that are already encoded in this form.
    pub(super) fn encoded(&mut self, field: Field, values: &[&[u8]]) {
        self.array(field, values.iter(), |writer, value| writer.out.extend_from_slice(value));
    }

    fn array<T>(&mut self, field: Field, values: impl ExactSizeIterator<Item = T>, write: impl Fn(&mut Self, T)) {
        self.field(field);
        match self.format {
            Format::Json => {
                self.out.push(b'[');
                for (index, value) in values.enumerate() {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    write(self, value);
                }
                self.out.push(b']');
            }
            Format::Cbor => {
                cbor_head(self.out, ARRAY, values.len() as u64);
                values.for_each(|value| write(self, value));
            }
        }
    }

    fn string(&mut self, text: &str) {
        match self.format {
            Format::Json => json_string(self.out, text),
            Format::Cbor => cbor_string(self.out, TEXT, text.as_bytes()),
        }
    }
}

/// Appends a number in decimal digits.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Appends a quoted JSON string. Runs without anything to escape are copied whole.
fn json_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, 0..0x20 | b'"' | b'\\') {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let [high, low] = [control >> 4, control & 15].map(|digit| HEX[usize::from(digit)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends padded standard base64, encoded in place.
fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The space is exactly what the encoding takes, so it cannot fail.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

fn cbor_string(out: &mut Vec<u8>, major: u8, bytes: &[u8]) {
    cbor_head(out, major, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends the head of a CBOR item: major type and number in the shortest form.
fn cbor_head(out: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    if number < 24 {
        out.push(major | number as u8);
    } else if let Ok(number) = u8::try_from(number) {
        out.extend_from_slice(&[major | 24, number]);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(major | 25);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(major | 26);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(major | 27);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_writes_them(number: u64) {
            let mut out = Vec::new();
            decimal(&mut out, number);
            prop_assert_eq!(out, number.to_string().into_bytes());
        }

        #[test]
        fn strings_read_back_as_they_were(text in "(?s).{0,80}") {
            let mut out = Vec::new();
            json_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn base64_is_appended_after_what_is_there(bytes: Vec<u8>) {
            let mut out = b"x".to_vec();
            base64(&mut out, &bytes);
            prop_assert_eq!(&out[1..], STANDARD.encode(&bytes).into_bytes());
        }

        #[test]
        fn cbor_numbers_take_the_shortest_form(number: u64) {
            let mut out = Vec::new();
            cbor_head(&mut out, UNSIGNED, number);
            prop_assert_eq!(minicbor::to_vec(number).unwrap(), out);
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0..0x20_u8).map(char::from).chain(['"', '\\', '\u{7f}']).collect();
        let mut out = Vec::new();
        json_string(&mut out, &text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        assert!(out.starts_with(b"\"\\u0000\\u0001"));
        for number in [0, 9, 10, 99, 100, u64::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
