//! Limits of JSON `data`, which the hub does not interpret but every receiver must parse: what
//! one hostile sender puts there must not break or blow up the parsers of thousands of others.
//!
//! One pass, no recursion, no allocation; the text is known to be JSON.

use serde_json::value::RawValue;
use thiserror::Error;

/// The deepest nesting of arrays and objects in `data`. With the envelope around it, also inside
/// a history reply, that stays under the 128 levels at which common parsers stop.
pub const MAX_DATA_DEPTH: usize = 100;

/// Longer numbers are looked at even without an exponent: 10^309 is no double.
const LONG_NUMBER: usize = 300;

/// Why a text cannot be `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DataError {
    /// Not one JSON value in UTF-8.
    #[error("is not one valid JSON value")]
    Syntax,
    /// Nested deeper than [`MAX_DATA_DEPTH`].
    #[error("is nested deeper than {MAX_DATA_DEPTH} levels")]
    TooDeep,
    /// `\ud800` without its other half: not a Unicode text, and many parsers fail on it.
    #[error("contains a lone surrogate escape")]
    LoneSurrogate,
    /// A number like `1e400`: an error to some parsers, infinity to others.
    #[error("contains a number beyond the range of a double")]
    NumberRange,
}

/// Checks bytes that nobody has looked at.
pub(super) fn check_text(bytes: &[u8]) -> Result<(), DataError> {
    let text = std::str::from_utf8(bytes).map_err(|_| DataError::Syntax)?;
    let _: &RawValue = serde_json::from_str(text).map_err(|_| DataError::Syntax)?;
    check(text)
}

/// Checks text that a JSON parser has skipped over, and so is known to be well-formed.
pub(super) fn check(text: &str) -> Result<(), DataError> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => after_string(bytes, at + 1)?,
            b'-' | b'0'..=b'9' => after_number(text, at)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DATA_DEPTH {
                    return Err(DataError::TooDeep);
                }
                at + 1
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
    }
    Ok(())
}

/// Where the string that was opened before `at` has ended.
fn after_string(bytes: &[u8], mut at: usize) -> Result<usize, DataError> {
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => return Ok(at + 1),
            b'\\' if bytes.get(at + 1) == Some(&b'u') => match unit(bytes, at) {
                0xd800..=0xdbff if matches!(unit(bytes, at + 6), 0xdc00..=0xdfff) => at + 12,
                0xd800..=0xdfff => return Err(DataError::LoneSurrogate),
                _ => at + 6,
            },
            b'\\' => at + 2,
            _ => at + 1,
        };
    }
    Ok(at)
}

/// The UTF-16 unit escaped at `at`, 0 when there is no such escape.
fn unit(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 6) {
        Some([b'\\', b'u', digits @ ..]) => {
            digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
        }
        _ => 0,
    }
}

/// Where the number at `from` has ended.
fn after_number(text: &str, from: usize) -> Result<usize, DataError> {
    let rest = &text[from..];
    let length = rest
        .bytes()
        .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .unwrap_or(rest.len());
    let number = &rest[..length];
    let suspect = length > LONG_NUMBER || number.bytes().any(|byte| matches!(byte, b'e' | b'E'));
    if suspect && !number.parse::<f64>().is_ok_and(f64::is_finite) {
        return Err(DataError::NumberRange);
    }
    Ok(from + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_break_other_peoples_parsers_is_found() {
        let deep = format!("{}1{}", "[".repeat(MAX_DATA_DEPTH + 1), "]".repeat(MAX_DATA_DEPTH + 1));
        let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let long = "9".repeat(400);
        for (text, error) in [
            (deep.as_str(), DataError::TooDeep),
            (bomb.as_str(), DataError::TooDeep),
            (long.as_str(), DataError::NumberRange),
            ("[1e400]", DataError::NumberRange),
            ("-1E+999", DataError::NumberRange),
            (r#""\ud800""#, DataError::LoneSurrogate),
            (r#""\udc00\ud800""#, DataError::LoneSurrogate),
            (r#"{"\uD800\u0041":1}"#, DataError::LoneSurrogate),
            (r#""\ud83d\n""#, DataError::LoneSurrogate),
        ] {
            assert_eq!(check_text(text.as_bytes()), Err(error), "{}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn ordinary_data_passes() {
        let deep = format!("{}1{}", "[".repeat(MAX_DATA_DEPTH), "]".repeat(MAX_DATA_DEPTH));
        let digits = format!("0.{}", "3".repeat(400));
        for text in [
            deep.as_str(),
            digits.as_str(),
            "null",
            " {\"a\": [1, -2.5e3, 1e308, 1e-400]} ",
            r#""\ud83d\ude00 \\u \\ud800 \"[[[ 1e999""#,
            r#"[[],[],{"]":"}"}]"#,
            r#""\u0041\u00e9x""#,
            "\"\u{1f600}\"",
        ] {
            assert_eq!(check_text(text.as_bytes()), Ok(()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_is_read_by_a_full_parser(text in r#"[\[\]{}",:0-9eE\\ud8c.+ -]{0,40}"#) {
            if check_text(text.as_bytes()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }

        #[test]
        fn text_that_is_no_json_never_panics(text in ".{0,60}") {
            let _outcome = check(&text);
        }
    }
}
