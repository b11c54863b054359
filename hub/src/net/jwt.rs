//! JSON Web Tokens (RFC 7519) signed with HMAC (HS256, HS384, HS512). `exp` is required; every secret of the list is tried, so one can be rotated.

use gohub_settings::Jwt;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

use super::auth::{Denied, Proof};
use crate::protocol::ClientId;

/// Longer ones are no tokens of ours.
const MAX_TOKEN: usize = 8 << 10;

pub(super) struct JwtRule {
    keys: Vec<DecodingKey>,
    validation: Validation,
    claim: String,
    close_on_expiry: bool,
}

impl JwtRule {
    /// `None` without a secret: no JWT is accepted.
    pub(super) fn new(settings: &Jwt) -> Option<Self> {
        if settings.hmac_secrets.is_empty() {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        validation.leeway = settings.leeway.as_secs();
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if settings.audience.is_empty() {
            validation.validate_aud = false;
        } else {
            validation.set_audience(&[&settings.audience]);
            required.push("aud");
        }
        if !settings.issuer.is_empty() {
            validation.set_issuer(&[&settings.issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        Some(Self {
            keys: settings
                .hmac_secrets
                .iter()
                .map(|secret| DecodingKey::from_secret(secret.expose().as_bytes()))
                .collect(),
            validation,
            claim: settings.client_id_claim.clone(),
            close_on_expiry: settings.close_on_expiry,
        })
    }

    pub(super) fn judge(&self, token: &str) -> Result<Proof, Denied> {
        if token.len() > MAX_TOKEN {
            return Err(Denied::Wrong);
        }
        let mut decoded =
            self.keys.iter().filter_map(|key| decode::<Map<String, Value>>(token, key, &self.validation).ok());
        let claims = decoded.next().ok_or(Denied::Wrong)?.claims;
        let expires = claims.get("exp").and_then(Value::as_u64).ok_or(Denied::Wrong)?;
        // A token without the claim would let its bearer be anybody.
        let name = claims.get(&self.claim).and_then(Value::as_str).ok_or(Denied::Wrong)?;
        let client = ClientId::parse(name).map_err(|_| Denied::Wrong)?;
        let ends = expires.saturating_add(self.validation.leeway);
        Ok(Proof { client: Some(client), expires: self.close_on_expiry.then_some(ends) })
    }
}

#[cfg(test)]
mod tests {
    use gohub_settings::{Duration, Secret};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret of at least thirty-two characters";
    const OTHER: &str = "another secret of more than thirty-two chars";

    fn settings() -> Jwt {
        Jwt {
            hmac_secrets: vec![Secret::new(OTHER), Secret::new(SECRET)],
            leeway: Duration::from_secs(30),
            ..Jwt::default()
        }
    }

    fn judged(settings: &Jwt, algorithm: Algorithm, claims: &Value) -> Result<Proof, Denied> {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = encode(&Header::new(algorithm), claims, &key).expect("a token");
        JwtRule::new(settings).expect("a rule").judge(&token)
    }

    fn in_seconds(offset: i64) -> i64 {
        crate::clock::unix_millis() as i64 / 1000 + offset
    }

    #[test]
    fn a_good_token_says_who_it_is_and_when_it_ends() {
        let exp = in_seconds(60);
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let proof = judged(&settings(), algorithm, &json!({"sub": "alice", "exp": exp})).expect("a good token");
            assert_eq!(proof.client.as_ref().map(ClientId::as_str), Some("alice"));
            assert_eq!(proof.expires, Some(exp as u64 + 30));
        }
        let endless = Jwt { close_on_expiry: false, ..settings() };
        assert_eq!(
            judged(&endless, Algorithm::HS256, &json!({"sub": "alice", "exp": exp})).expect("good").expires,
            None
        );
        let last = judged(&settings(), Algorithm::HS256, &json!({"sub": "alice", "exp": u64::MAX})).expect("a far end");
        assert_eq!(last.expires, Some(u64::MAX), "no overflow");
    }

    #[test]
    fn s29_s31_s32_what_is_wrong_is_denied() {
        let (later, before) = (in_seconds(60), in_seconds(-120));
        let strict = Jwt { issuer: "me".to_owned(), audience: "hub".to_owned(), ..settings() };
        let cases = [
            ("no client", settings(), json!({"exp": later})),
            ("a client that is no name", settings(), json!({"sub": "a/b", "exp": later})),
            ("a client that is no text", settings(), json!({"sub": 7, "exp": later})),
            ("expired", settings(), json!({"sub": "a", "exp": before})),
            ("no expiry", settings(), json!({"sub": "a"})),
            ("expiry as text", settings(), json!({"sub": "a", "exp": later.to_string()})),
            ("expiry in an array", settings(), json!({"sub": "a", "exp": [later]})),
            ("not yet valid", settings(), json!({"sub": "a", "exp": later, "nbf": later})),
            ("no issuer", strict.clone(), json!({"sub": "a", "exp": later, "aud": "hub"})),
            ("other issuer", strict.clone(), json!({"sub": "a", "exp": later, "aud": "hub", "iss": "you"})),
            ("other audience", strict.clone(), json!({"sub": "a", "exp": later, "aud": "x", "iss": "me"})),
        ];
        for (what, settings, claims) in cases {
            assert_eq!(judged(&settings, Algorithm::HS256, &claims), Err(Denied::Wrong), "{what}");
        }
        assert!(
            judged(&strict, Algorithm::HS256, &json!({"sub": "a", "exp": later, "aud": "hub", "iss": "me"})).is_ok()
        );
        let rule = JwtRule::new(&settings()).expect("a rule");
        // {"alg":"none"} with an empty signature, spelt three ways; not base64; longer than any token of ours.
        for token in [
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
            "eyJhbGciOiJOb25lIn0.eyJzdWIiOiJhIn0.",
            "a.b.c",
            "",
            &"x".repeat(1 << 20),
        ] {
            assert_eq!(rule.judge(token), Err(Denied::Wrong));
        }
        assert!(JwtRule::new(&Jwt::default()).is_none(), "without a secret there is no rule");
    }
}
