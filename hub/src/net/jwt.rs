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
        let client = match claims.get(&self.claim) {
            None => None,
            Some(claim) => Some(claim.as_str().and_then(|name| ClientId::parse(name).ok()).ok_or(Denied::Wrong)?),
        };
        let ends = expires + self.validation.leeway;
        Ok(Proof { client, expires: self.close_on_expiry.then_some(ends) })
    }
}
