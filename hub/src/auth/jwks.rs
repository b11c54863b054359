//! The document of a JSON Web Key Set (RFC 7517), read key by key: one that we cannot use does not spoil the others. Pure.

use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::key::Key;

/// Keys that are looked at: a token without a key id is tried with each of them.
const MAX_KEYS: usize = 32;

/// Why a document is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JwksError {
    #[error("the answer is no JSON Web Key Set")]
    NoSet,
    #[error("no key of the set verifies tokens")]
    NoKeys,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The keys that can verify tokens; those beyond the first 32 are left out.
pub(super) fn parse(document: &[u8]) -> Result<Vec<Key>, JwksError> {
    let Document { keys } = serde_json::from_slice(document).map_err(|_| JwksError::NoSet)?;
    let keys = keys.iter().filter_map(|key| serde_json::from_str::<Jwk>(key.get()).ok());
    let keys: Vec<Key> = keys.filter_map(|key| Key::from_jwk(&key).ok()).take(MAX_KEYS).collect();
    if keys.is_empty() { Err(JwksError::NoKeys) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#;

    #[test]
    fn keys_that_are_unknown_broken_or_secret_do_not_spoil_the_others() {
        let document = format!(r#"{{"keys":[{{"kty":"new"}},7,{{"kty":"oct","k":"AA"}},{GOOD},{{}}],"more":[]}}"#);
        let keys = parse(document.as_bytes()).expect("one key");
        assert!(keys.len() == 1 && keys[0].is_called("a"));
    }

    #[test]
    fn a_document_without_a_key_that_can_be_used_is_none() {
        for (document, error) in [
            ("", JwksError::NoSet),
            ("[]", JwksError::NoSet),
            ("{}", JwksError::NoSet),
            (r#"{"keys":{}}"#, JwksError::NoSet),
            (r#"{"keys":[]}"#, JwksError::NoKeys),
            (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, JwksError::NoKeys),
        ] {
            assert_eq!(parse(document.as_bytes()).err(), Some(error), "{document}");
        }
        let deep = format!(r#"{{"keys":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse(deep.as_bytes()).err(), Some(JwksError::NoKeys));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let document = format!(r#"{{"keys":[{}]}}"#, vec![GOOD; 100].join(","));
        assert_eq!(parse(document.as_bytes()).map(|keys| keys.len()), Ok(MAX_KEYS));
    }
}
