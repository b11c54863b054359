//! Payloads of tests: short texts that are recognised again.

use bytes::Bytes;
use gohub::protocol::{Payload, Publication};

/// `text` as JSON data, which it must be.
///
/// # Panics
/// When it is not.
pub fn json(text: impl Into<String>) -> Payload {
    Payload::json(text.into()).expect("the test's data is JSON")
}

/// A JSON string that begins with `label` and is about `size` bytes long.
pub fn padded(label: &str, size: usize) -> Payload {
    let padding = "x".repeat(size.saturating_sub(label.len() + 3));
    Payload::Json(Bytes::from(format!("\"{label} {padding}\"")))
}

/// The data of a publication as text: JSON as it stands, [`padded`] ones as their label.
///
/// # Panics
/// When it has none, or opaque bytes.
pub fn text_of(publication: &Publication) -> String {
    let Some(Payload::Json(bytes)) = &publication.data else { panic!("no JSON data: {publication:?}") };
    let text = String::from_utf8_lossy(bytes).into_owned();
    match text.strip_prefix('"').and_then(|rest| rest.split_once(' ')) {
        Some((label, padding)) if padding.trim_end_matches('"').bytes().all(|byte| byte == b'x') => label.to_owned(),
        _ => text,
    }
}
