//! `auth`: which tokens open the door.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Duration, Secret, SettingsError,
    bounds::{self, refuse},
};

/// Tokens, judged at the handshake. A token that is sent is always judged; a wrong one is refused even where none is required.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether a connection must bring a token. With false everybody who reaches the port may connect: for trials and for private
    /// networks. Default `false`.
    pub required: bool,
    /// Static tokens, for servers and devices. Default `[]`.
    pub tokens: Vec<Token>,
    /// Signed tokens (JWT), for people.
    pub jwt: Jwt,
}

/// One static token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token, at least 16 characters.
    #[schemars(example = &"a-long-random-token-0001")]
    pub token: Secret,
    /// The client id its bearer has; empty lets the bearer choose with `?client_id=`. Default `""`.
    #[serde(default)]
    #[schemars(length(max = 128))]
    pub client_id: String,
}

/// JWT signed with a shared secret (HS256, HS384, HS512). `exp` is required.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// Secrets that tokens may be signed with, each of at least 32 characters; several, so that one can be rotated. None refuses
    /// every JWT. Default `[]`.
    pub hmac_secrets: Vec<Secret>,
    /// The `iss` a token must have; empty accepts any. Default `""`.
    pub issuer: String,
    /// An `aud` a token must have; empty accepts any. Default `""`.
    pub audience: String,
    /// Claim that holds the client id; a token without it is refused. Default `sub`.
    #[schemars(length(min = 1))]
    pub client_id_claim: String,
    /// Difference between clocks that `exp` and `nbf` forgive; at most 60s. Default `30s`.
    pub leeway: Duration,
    /// Whether a connection is closed when its token expires; false lets it live until it ends by itself. Default `true`.
    pub close_on_expiry: bool,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            hmac_secrets: Vec::new(),
            issuer: String::new(),
            audience: String::new(),
            client_id_claim: "sub".to_owned(),
            leeway: Duration::from_secs(30),
            close_on_expiry: true,
        }
    }
}

impl Auth {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        for (i, token) in self.tokens.iter().enumerate() {
            let path = format!("auth.tokens[{i}]");
            bounds::secret(&format!("{path}.token"), &token.token, 16)?;
            bounds::name(&format!("{path}.client_id"), &token.client_id)?;
            if let Some(first) = self.tokens[..i].iter().position(|other| other.token == token.token) {
                return refuse(format!("{path}.token"), format!("is the same as auth.tokens[{first}].token"));
            }
        }
        bounds::secrets("auth.jwt.hmac_secrets", &self.jwt.hmac_secrets, 32)?;
        bounds::duration("auth.jwt.leeway", self.jwt.leeway, Duration::ZERO, Duration::from_secs(60))?;
        if self.required && self.tokens.is_empty() && self.jwt.hmac_secrets.is_empty() {
            return refuse("auth.required", "needs auth.tokens or auth.jwt.hmac_secrets, or nobody can connect");
        }
        Ok(())
    }
}
