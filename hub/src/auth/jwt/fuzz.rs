//! A token as a stranger shows it, and as an issuer who has the key, and no sense, signs it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gohub_settings::{Jwt, Secret};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::Value;

use super::JwtRule;
use crate::auth::Rights;
use crate::clock;
use crate::protocol::{Handshake, MAX_TOKEN_BYTES};

const SECRET: &str = "a secret of the fuzzer, which it does not know";

/// Unsigned it is never good. Behind a line end: head and claims, signed, which are good only for whom they name and while they last.
pub fn tokens(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let settings = Jwt { hmac_secrets: vec![Secret::new(SECRET)], ..Jwt::default() };
    let rule = JwtRule::new(&settings, Rights::ALL).expect("there is a key");
    if let Ok(handshake) = Handshake::parse(text) {
        let token = handshake.token.as_deref().unwrap_or_default();
        assert!(rule.judge(token, &[]).is_err(), "forged");
    }
    assert!(rule.judge(text, &[]).is_err(), "forged");
    let Some((head, claims)) = text.split_once('\n') else { return };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let Ok(signature) = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256) else { return };
    let token = format!("{signed}.{signature}");
    let Ok(proof) = rule.judge(&token, &[]) else { return };
    assert!(token.len() <= MAX_TOKEN_BYTES);
    let claims: Value = serde_json::from_str(claims).expect("good claims are JSON");
    assert_eq!(proof.client.as_ref().map(|client| client.as_str()), claims["sub"].as_str());
    let expires = claims["exp"].as_u64().expect("an end");
    assert!(expires.saturating_add(settings.leeway.as_secs()) >= clock::unix_millis() / 1000, "expired");
    assert!(proof.expires.is_some_and(|ends| ends >= expires));
}
