//! Makes text harmless in a log line: bounded, without control characters, without what looks like a credential.

use std::borrow::Cow;
use std::fmt::Write;

/// Longest text of one field, in bytes; the rest is cut.
const LONGEST: usize = 4096;

/// What stands before a credential in a URL, a header or a message. Lower case; the comparison ignores case.
const BEFORE_SECRET: [&str; 6] = ["token=", "api_key=", "apikey=", "password=", "secret=", "bearer "];

/// Strikes out what follows `token=` and its like, up to the next separator. The settings' own secrets cannot be printed in the first
/// place; this is for URLs and headers that a peer made.
pub(super) fn redact(text: &str) -> Cow<'_, str> {
    let text = cut(text);
    let lower = text.to_ascii_lowercase();
    let mut redacted = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some((start, marker)) =
        BEFORE_SECRET.iter().filter_map(|marker| Some((lower[at..].find(marker)? + at, marker))).min()
    {
        let from = start + marker.len();
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "&\"',;)}#\\".contains(c);
        let to = text[from..].find(is_end).map_or(text.len(), |length| from + length);
        redacted.push_str(&text[copied..from]);
        if to > from {
            redacted.push_str("***");
        }
        (copied, at) = (to, to);
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(&text[copied..]);
    Cow::Owned(redacted)
}

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Appends `text` as a JSON string. Beyond what JSON asks for, no control character of any kind and no `${` (a lookup in some log
/// processors) stands there as itself; a JSON parser gives the text back unchanged.
pub(super) fn quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if rest.peek() == Some(&'{') => out.push_str("\\u0024"),
            c if steers(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _infallible = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends `text` for a person: as it is when that cannot be misread, else quoted.
pub(super) fn readable(out: &mut String, text: &str, may_have_spaces: bool) {
    let plain = |c: char| c != '"' && c != '\\' && !steers(c) && (may_have_spaces || !(c.is_whitespace() || c == '='));
    if !text.is_empty() && text.chars().all(plain) && !text.contains("${") {
        out.push_str(text);
    } else {
        quoted(out, text);
    }
}

/// Control characters, and the invisible ones that turn the reading direction or break lines.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_struck_out_wherever_they_stand() {
        for (text, expected) in [
            ("/ws?client_id=a&token=abc.def-g&x=1", "/ws?client_id=a&token=***&x=1"),
            ("Authorization: Bearer abc", "Authorization: Bearer ***"),
            ("access_token=1 and password=2;api_key=\"\"", "access_token=*** and password=***;api_key=\"\""),
            ("TOKEN=", "TOKEN="),
            ("a token of trust", "a token of trust"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn a_quoted_text_parses_back_to_itself() {
        let text = "a\r\n\t\u{1b}[0m\u{85}\u{202e}\u{e0001} ${jndi} \"\\ é 🦀 \0";
        let mut out = String::new();
        quoted(&mut out, text);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        assert!(out.chars().all(|c| !steers(c)) && !out.contains("${"), "{out}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "é".repeat(LONGEST);
        assert_eq!(redact(&text).len(), LONGEST);
        assert_eq!(redact(&format!("a{text}")).len(), LONGEST - 1);
    }
}
