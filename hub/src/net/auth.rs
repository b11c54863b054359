//! Tokens: who a peer is. Static tokens and HMAC JWTs; compared in constant time, never logged.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use gohub_settings::Settings;

use super::jwt::JwtRule;
use crate::protocol::ClientId;

/// Why a token does not open the door. The peer hears the same words for every wrong token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// None was given, and one is required.
    #[error("a token is required")]
    Missing,
    /// It is not one of ours, or not valid now.
    #[error("the token is not valid")]
    Wrong,
}

/// What a token proves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Proof {
    /// The client it belongs to; `None`: any.
    pub(super) client: Option<ClientId>,
    /// When it ends, in seconds since 1970.
    pub(super) expires: Option<u64>,
}

struct StaticToken {
    token: Vec<u8>,
    client: Option<ClientId>,
}

/// The token rules of the settings, compiled.
pub struct Authenticator {
    required: bool,
    tokens: Vec<StaticToken>,
    jwt: Option<JwtRule>,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("required", &self.required)
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Authenticator {
    /// The rules of these settings.
    pub fn new(settings: &Settings) -> Self {
        let tokens = settings.auth.tokens.iter().map(|token| StaticToken {
            token: token.token.expose().as_bytes().to_vec(),
            client: ClientId::parse(&token.client_id).ok(),
        });
        Self { required: settings.auth.required, tokens: tokens.collect(), jwt: JwtRule::new(&settings.auth.jwt) }
    }

    pub(super) fn judge(&self, token: Option<&str>) -> Result<Proof, Denied> {
        let Some(token) = token else {
            return if self.required { Err(Denied::Missing) } else { Ok(Proof::default()) };
        };
        // Every token is compared, found or not: the time says nothing about which one was close.
        let mut found = None;
        for known in &self.tokens {
            if verify_slices_are_equal(&known.token, token.as_bytes()).is_ok() {
                found = Some(Proof { client: known.client.clone(), expires: None });
            }
        }
        if let Some(proof) = found {
            return Ok(proof);
        }
        match &self.jwt {
            Some(jwt) => jwt.judge(token),
            None => Err(Denied::Wrong),
        }
    }
}
