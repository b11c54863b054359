//! JSON Web Tokens (RFC 7519): which key a token may have been signed with, and what its claims prove. Pure; keys that are fetched are handed in.
//!
//! A token is tried with the keys that take its algorithm and may have its key id. `exp` is required. What a header offers as a key, or as an
//! address of one (`jwk`, `jku`, `x5c`, `x5u`), is not looked at.

use gohub_settings::{Grant, Jwt};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::key::{Key, KeyError};
use super::revoked::{Pass, TokenId};
use super::rights::Rights;
use super::{Judged, Proof};
use crate::protocol::{ClientId, MAX_TOKEN_BYTES};

/// The claims of a token.
type Claims = Map<String, Value>;

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Whatever keys there are.
    Wrong,
    /// It may be good by a key that was not fetched yet.
    UnknownKey,
}

pub(super) struct JwtRule {
    keys: Vec<Key>,
    validation: Validation,
    claim: String,
    rights_claim: String,
    /// Of a token that says nothing about them.
    rights: Rights,
    close_on_expiry: bool,
    fetches: bool,
}

/// The public keys of the settings, each with its place in the list.
pub(super) fn public_keys(settings: &Jwt) -> impl Iterator<Item = (usize, Result<Key, KeyError>)> {
    settings.public_keys.iter().map(|pem| Key::from_pem(pem)).enumerate()
}

/// Whether a token is one of this kind at all, good or not.
pub(super) fn is_jwt(token: &str) -> bool {
    token.len() <= MAX_TOKEN_BYTES && decode_header(token).is_ok()
}

impl JwtRule {
    /// `None` without a key: no JWT is accepted. `rights` are those of a token that names none.
    pub(super) fn new(settings: &Jwt, rights: Rights) -> Option<Self> {
        if !settings.has_keys() {
            return None;
        }
        let secrets = settings.hmac_secrets.iter().map(|secret| Key::from_secret(secret.expose()));
        let public = public_keys(settings).filter_map(|(at, key)| {
            // The settings were refused for it, unless a program has put them in force unjudged.
            key.inspect_err(|error| tracing::error!("auth.jwt.public_keys[{at}] {error}")).ok()
        });
        Some(Self {
            keys: secrets.chain(public).collect(),
            validation: validation(settings),
            claim: settings.client_id_claim.clone(),
            rights_claim: settings.capabilities_claim.clone(),
            rights,
            close_on_expiry: settings.close_on_expiry,
            fetches: !settings.jwks.url.is_empty(),
        })
    }

    /// What the token proves, by the keys of the settings and those that were fetched.
    pub(super) fn judge(&self, token: &str, fetched: &[Key]) -> Result<Proof, Flaw> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Flaw::Wrong);
        }
        let header = decode_header(token).map_err(|_| Flaw::Wrong)?;
        // An extension that must be understood, and none is here (RFC 7515 section 4.1.11).
        if header.crit.is_some() {
            return Err(Flaw::Wrong);
        }
        let id = header.kid.as_deref();
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        for key in self.keys.iter().chain(fetched).filter(|key| key.takes(header.alg) && key.may_be(id)) {
            match decode::<Claims>(token, key.decoding(), &validation) {
                Ok(decoded) => return self.proof(&decoded.claims).ok_or(Flaw::Wrong),
                // Somebody else's signature.
                Err(error) if is_signature(error.kind()) => {}
                Err(_) => return Err(Flaw::Wrong),
            }
        }
        Err(if self.may_be_unknown(&header, fetched) { Flaw::UnknownKey } else { Flaw::Wrong })
    }

    /// Whether another look at the set of keys could change the verdict.
    fn may_be_unknown(&self, header: &Header, fetched: &[Key]) -> bool {
        let is_known = |id| fetched.iter().any(|key| key.is_called(id) && key.takes(header.alg));
        let is_shared = matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
        self.fetches && !is_shared && !header.kid.as_deref().is_some_and(is_known)
    }

    fn proof(&self, claims: &Claims) -> Option<Proof> {
        let expires = claims.get("exp").and_then(Value::as_u64)?;
        // A token without the claim would let its bearer be anybody.
        let name = claims.get(&self.claim).and_then(Value::as_str)?;
        let client = ClientId::parse(name).ok()?;
        let ends = expires.saturating_add(self.validation.leeway);
        let rights = self.rights(claims)?;
        let pass = Some(pass(claims)?);
        let judged = Judged::now(Some(ends));
        Some(Proof { client: Some(client), expires: self.close_on_expiry.then_some(ends), rights, pass, judged })
    }

    /// `None`: the claim cannot be understood, and half of it would be a guess.
    fn rights(&self, claims: &Claims) -> Option<Rights> {
        match claims.get(&self.rights_claim) {
            None => Some(self.rights.clone()),
            Some(claim) => {
                let grant = Grant::deserialize(claim).ok().filter(|grant| !grant.is_too_large())?;
                Some(Rights::of(Some(&grant)))
            }
        }
    }
}

/// By what the token can be revoked. `None`: its id is no text, so nobody could name it.
fn pass(claims: &Claims) -> Option<Pass> {
    let id = match claims.get("jti") {
        None => None,
        Some(id) => Some(TokenId::of(id.as_str()?)),
    };
    // Some issuers write it with a fraction.
    let issued = claims.get("iat").and_then(|time| time.as_u64().or_else(|| time.as_f64().map(|time| time as u64)));
    Some(Pass { id, issued })
}

fn validation(settings: &Jwt) -> Validation {
    let leeway = settings.leeway.as_secs();
    let mut validation = Validation { leeway, validate_nbf: true, ..Validation::default() };
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
    validation
}

fn is_signature(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidSignature)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use gohub_settings::{Duration, Secret};
    use jsonwebtoken::{EncodingKey, encode};
    use serde_json::json;

    use super::*;
    use crate::auth::jwks;
    use crate::auth::samples::{Kind, Sample};

    const SECRET: &str = "a secret of at least thirty-two characters";
    const OTHER: &str = "another secret of more than thirty-two chars";

    fn settings() -> Jwt {
        Jwt {
            hmac_secrets: vec![Secret::new(OTHER), Secret::new(SECRET)],
            leeway: Duration::from_secs(30),
            ..Jwt::default()
        }
    }

    fn judged(settings: &Jwt, algorithm: Algorithm, claims: &Value) -> Result<Proof, Flaw> {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = encode(&Header::new(algorithm), claims, &key).expect("a token");
        JwtRule::new(settings, Rights::ALL).expect("a rule").judge(&token, &[])
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
            assert_eq!(judged(&settings, Algorithm::HS256, &claims), Err(Flaw::Wrong), "{what}");
        }
        assert!(
            judged(&strict, Algorithm::HS256, &json!({"sub": "a", "exp": later, "aud": "hub", "iss": "me"})).is_ok()
        );
        let rule = JwtRule::new(&settings(), Rights::ALL).expect("a rule");
        // {"alg":"none"} with an empty signature, spelt three ways; not base64; longer than any token of ours.
        for token in [
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
            "eyJhbGciOiJOb25lIn0.eyJzdWIiOiJhIn0.",
            "a.b.c",
            "",
            &"x".repeat(1 << 20),
        ] {
            assert_eq!(rule.judge(token, &[]), Err(Flaw::Wrong));
        }
        assert!(JwtRule::new(&Jwt::default(), Rights::ALL).is_none(), "without a secret there is no rule");
    }

    fn claims() -> Value {
        json!({"sub": "alice", "exp": in_seconds(60)})
    }

    fn with_public(keys: &[&Sample]) -> JwtRule {
        let public_keys = keys.iter().map(|sample| sample.public.clone()).collect();
        JwtRule::new(&Jwt { public_keys, ..settings() }, Rights::ALL).expect("a rule")
    }

    #[test]
    fn tokens_of_every_kind_of_key_are_good_with_their_own_key_alone() {
        let samples = Kind::ALL.map(Sample::new);
        let algorithms: [&[Algorithm]; 4] = [
            &[Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS512],
            &[Algorithm::ES256],
            &[Algorithm::ES384],
            &[Algorithm::EdDSA],
        ];
        let everybody = with_public(&samples.each_ref());
        for (sample, algorithms) in samples.iter().zip(algorithms) {
            let own = with_public(&[sample]);
            let others: Vec<&Sample> = samples.iter().filter(|other| other.public != sample.public).collect();
            let others = with_public(&others);
            for algorithm in algorithms {
                let token = sample.sign(*algorithm, Some("any"), &claims());
                assert!(own.judge(&token, &[]).is_ok() && everybody.judge(&token, &[]).is_ok(), "{algorithm:?}");
                assert_eq!(others.judge(&token, &[]), Err(Flaw::Wrong), "{algorithm:?}");
                let (signed, _) = token.rsplit_once('.').expect("three parts");
                assert_eq!(own.judge(&format!("{signed}."), &[]), Err(Flaw::Wrong), "no signature");
                let zeros = "A".repeat(86);
                assert_eq!(own.judge(&format!("{signed}.{zeros}"), &[]), Err(Flaw::Wrong), "r = s = 0");
            }
        }
    }

    #[test]
    fn s30_a_public_key_is_no_secret() {
        let sample = Sample::new(Kind::Rsa);
        let rule = with_public(&[&sample]);
        for secret in [sample.public.as_bytes(), sample.public.trim().as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            let token = encode(&Header::new(Algorithm::HS256), &claims(), &key).expect("a token");
            assert_eq!(rule.judge(&token, &[]), Err(Flaw::Wrong));
        }
    }

    #[test]
    fn s33_a_key_that_comes_with_the_token_is_not_looked_at() {
        let (known, forger) = (Sample::new(Kind::P256), Sample::new(Kind::P256));
        let rule = with_public(&[&known]);
        let key = EncodingKey::from_ec_pem(forger.private.as_bytes()).expect("a key");
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        let header = Header {
            jwk: Some(jwk),
            jku: Some("https://forger.example/jwks".to_owned()),
            x5u: Some("https://forger.example/x5u".to_owned()),
            kid: Some("../../dev/null".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let token = encode(&header, &claims(), &key).expect("a token");
        assert_eq!(rule.judge(&token, &[]), Err(Flaw::Wrong));
        let critical = Header { crit: Some(vec!["new".to_owned()]), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_pem(known.private.as_bytes()).expect("a key");
        let token = encode(&critical, &claims(), &key).expect("a token");
        assert_eq!(rule.judge(&token, &[]), Err(Flaw::Wrong), "an extension nobody here understands");
    }

    /// Head and claims as they are, signed with a key that is in force.
    fn signed(head: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(head), part(claims));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).expect("a signature");
        format!("{signed}.{signature}")
    }

    #[test]
    fn s34_a_good_token_is_refused_for_its_length_before_anything_of_it_is_decoded() {
        let rule = JwtRule::new(&settings(), Rights::ALL).expect("a rule");
        let of_length = |length: usize| {
            let token = |padding: usize| {
                let claims = json!({"sub": "alice", "exp": in_seconds(60), "x": "x".repeat(padding)}).to_string();
                signed(r#"{"alg":"HS256"}"#, &claims)
            };
            let mut tokens = (0..length).rev().map(token);
            tokens.find(|token| token.len() <= length).expect("a token of about that length")
        };
        let longest = of_length(MAX_TOKEN_BYTES);
        assert!(longest.len() > MAX_TOKEN_BYTES - 2 && is_jwt(&longest));
        assert!(rule.judge(&longest, &[]).is_ok(), "padding is no flaw");
        // Every byte of it is right but for their number: had anything else been asked, it would be good.
        let longer = of_length(MAX_TOKEN_BYTES + 2);
        assert!(longer.len() > MAX_TOKEN_BYTES && !is_jwt(&longer));
        assert_eq!(rule.judge(&longer, &[]), Err(Flaw::Wrong));
    }

    #[test]
    fn s34_nesting_ends_long_before_a_stack_does() {
        // A token has no room for ten thousand levels.
        assert!(signed("{}", &"[".repeat(10_000)).len() > MAX_TOKEN_BYTES);
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"sub":"alice","exp":{},"x":{open}{close}}}"#, in_seconds(60))
        };
        let judge = move || {
            let rule = JwtRule::new(&settings(), Rights::ALL).expect("a rule");
            let head = r#"{"alg":"HS256"}"#;
            assert!(rule.judge(&signed(head, &nested(100)), &[]).is_ok());
            for token in [
                signed(head, &nested(130)),
                signed(head, &nested(2900)),
                signed(&nested(2900), "{}"),
                signed(head, &r#"{"a":"#.repeat(1100)),
            ] {
                assert!(token.len() <= MAX_TOKEN_BYTES, "{}", token.len());
                assert_eq!(rule.judge(&token, &[]), Err(Flaw::Wrong));
            }
        };
        // A quarter of what threads have; a level of what is sent is no level of ours.
        let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(judge).expect("a thread");
        thread.join().expect("no overflow");
    }

    #[test]
    fn only_a_key_id_that_nobody_knows_is_worth_another_look() {
        let sample = Sample::new(Kind::P256);
        let key = EncodingKey::from_ec_pem(sample.private.as_bytes()).expect("a key");
        let mut jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).expect("its public half");
        jwk.common.key_id = Some("a".to_owned());
        let document = json!({"keys": [jwk]}).to_string();
        let fetched = jwks::parse(document.as_bytes()).expect("a set");
        let mut settings = settings();
        settings.jwks.url = "https://issuer.example/jwks".to_owned();
        let rule = JwtRule::new(&settings, Rights::ALL).expect("a rule");
        let token = |id| sample.sign(Algorithm::ES256, id, &claims());
        assert!(rule.judge(&token(Some("a")), &fetched).is_ok() && rule.judge(&token(None), &fetched).is_ok());
        assert_eq!(rule.judge(&token(Some("b")), &fetched), Err(Flaw::UnknownKey));
        assert_eq!(rule.judge(&token(None), &[]), Err(Flaw::UnknownKey));
        let other = Sample::new(Kind::P256);
        assert_eq!(rule.judge(&other.sign(Algorithm::ES256, Some("a"), &claims()), &fetched), Err(Flaw::Wrong));
        let forged =
            encode(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"x")).expect("a token");
        assert_eq!(rule.judge(&forged, &[]), Err(Flaw::Wrong), "a secret is never in a set");
        assert_eq!(with_public(&[]).judge(&token(Some("b")), &[]), Err(Flaw::Wrong), "there is no set to look at");
    }

    #[test]
    fn a_token_names_its_rights_or_has_those_of_the_settings() {
        let own = json!({"rooms": [{"pattern": "chat:*", "allow": ["join"]}], "broadcast": true});
        let other = json!({"clients": ["bob"]});
        let grant = |value: &Value| Rights::of(Some(&Grant::deserialize(value).expect("a grant")));
        let judged = |claim: Option<&Value>| {
            let mut claims = claims();
            if let Some(claim) = claim {
                claims["capabilities"] = claim.clone();
            }
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            let token = encode(&Header::default(), &claims, &key).expect("a token");
            JwtRule::new(&settings(), grant(&other)).expect("a rule").judge(&token, &[]).map(|proof| proof.rights)
        };
        assert_eq!(judged(None), Ok(grant(&other)));
        assert_eq!(judged(Some(&own)), Ok(grant(&own)));
        assert_eq!(judged(Some(&json!({}))), Ok(Rights::of(Some(&Grant::default()))));
        let rule = json!({"pattern": "a", "allow": []});
        for broken in [
            json!(null),
            json!("all"),
            json!({"rooms": {"chat:*": ["join"]}}),
            json!({"rooms": [{"pattern": "a/b", "allow": []}]}),
            json!({"rooms": [{"pattern": "a", "allow": ["fly"]}]}),
            json!({"admin": true}),
            json!({"rooms": vec![rule; 65]}),
        ] {
            assert_eq!(judged(Some(&broken)), Err(Flaw::Wrong), "{broken}");
        }
    }

    #[test]
    fn a_token_says_by_what_it_can_be_revoked() {
        let judged = |more: Value| {
            let mut claims = claims();
            claims.as_object_mut().expect("claims").extend(more.as_object().expect("more").clone());
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            let token = encode(&Header::default(), &claims, &key).expect("a token");
            let rule = JwtRule::new(&settings(), Rights::ALL).expect("a rule");
            rule.judge(&token, &[]).map(|proof| proof.pass.expect("a token has one"))
        };
        assert_eq!(judged(json!({})), Ok(Pass::default()));
        let both = Pass { id: Some(TokenId::of("a")), issued: Some(7) };
        assert_eq!(judged(json!({"jti": "a", "iat": 7})), Ok(both));
        assert_eq!(judged(json!({"jti": "a", "iat": 7.9})), Ok(both));
        for iat in [json!("7"), json!(null), json!([7])] {
            assert_eq!(judged(json!({"iat": iat})), Ok(Pass::default()), "older than anything");
        }
        assert_eq!(judged(json!({"jti": 7})), Err(Flaw::Wrong));
    }
}
