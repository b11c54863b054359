//! The door: decides on a valid upgrade request. Everything it knows comes from the settings, so a reload is a new door.

use std::sync::Arc;
use std::time::Duration;

use gohub_settings::Settings;

use super::origin::OriginRule;
use super::proxies::Proxies;
use super::response::Rejection;
use super::upgrade::Upgrade;
use crate::address_block::AddressBlock;
use crate::auth::{Auth, Denied, Judged, Pass, Proof, Rights};
use crate::protocol::{ClientId, Format, Handshake};
use crate::shard::Resume;

/// The path of the echo, open only with `debug.echo`.
const ECHO: &str = "/echo";

/// The client that the delivery canary flies to; nobody else is called so.
pub(crate) const CANARY: &str = "gohub-canary";

/// Who came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its client.
    pub client: ClientId,
    /// Its wire format, and whether it was negotiated by name.
    pub format: Format,
    /// The subprotocol of the answer.
    pub subprotocol: Option<&'static str>,
    /// The cursor it brought.
    pub resume: Option<Resume>,
    /// Rooms to join.
    pub rooms: Vec<crate::protocol::RoomName>,
    /// Whether it is the echo.
    pub echo: bool,
    /// When its token ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// What it may do.
    pub rights: Rights,
    /// By what its token can be revoked.
    pub pass: Option<Pass>,
    /// When its token was judged, and the token's own end.
    pub judged: Judged,
}

/// The rules of one set of settings.
#[derive(Debug)]
pub struct Door {
    path: String,
    echo: bool,
    origins: OriginRule,
    auth: Arc<Auth>,
    anonymous: bool,
    proxies: Proxies,
    retry_after: Duration,
}

impl Door {
    /// The door these settings describe; `auth` judges the tokens.
    pub fn new(settings: &Settings, auth: Arc<Auth>) -> Self {
        Self {
            path: settings.server.path.clone(),
            echo: settings.debug.echo,
            origins: OriginRule::new(&settings.origins.allow, settings.origins.allow_missing),
            auth,
            anonymous: settings.clients.anonymous,
            proxies: Proxies::new(settings),
            retry_after: settings.limits.retry_after.as_std(),
        }
    }

    /// Who may stand between the clients and this hub.
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether there is anything at `path`.
    pub fn has_path(&self, path: &str) -> bool {
        path == self.path || (self.echo && path == ECHO)
    }

    fn denied(&self, denied: Denied) -> Rejection {
        match denied {
            Denied::Missing | Denied::Wrong => Rejection::unauthorized(denied.to_string()),
            Denied::Unclear => Rejection::unavailable(denied.to_string(), self.retry_after),
            Denied::LockedOut(left) => Rejection::too_many(denied.to_string(), left),
        }
    }

    /// Lets the request of this peer in or not.
    ///
    /// # Errors
    /// The answer the peer gets: 400, 401 or 403, 429 for who sends too many wrong tokens, or 503 while nobody can say.
    pub async fn judge(&self, upgrade: &Upgrade, from: AddressBlock) -> Result<Admitted, Rejection> {
        if !self.origins.allows(upgrade.origin.as_deref()) {
            return Err(Rejection::new(403, "this Origin may not connect (origins.allow)"));
        }
        let format = Format::negotiate(upgrade.protocols.iter().map(String::as_str));
        let format = format.map_err(|error| Rejection::bad_request(format!("Sec-WebSocket-Protocol: {error}")))?;
        let query = Handshake::parse(&upgrade.query).map_err(|error| Rejection::bad_request(error.to_string()))?;
        let token = match (&query.token, &upgrade.bearer) {
            (Some(one), Some(other)) if one != other => {
                return Err(Rejection::bad_request("token and Authorization disagree"));
            }
            (one, other) => one.as_deref().or(other.as_deref()),
        };
        let proof = self.proof(&query, token, from).await?;
        let client = match (proof.client, query.client_id) {
            (Some(proved), Some(said)) if proved != said => {
                return Err(Rejection::new(403, "client_id is not the token's"));
            }
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) if self.anonymous => anonymous(),
            (None, None) => return Err(Rejection::bad_request("client_id is required (clients.anonymous is off)")),
        };
        if client.as_str() == CANARY {
            return Err(Rejection::new(403, "this client_id is the hub's own"));
        }
        let rooms = self.auth.may_join(&client, &proof.rights, query.rooms).await;
        let rooms = rooms.map_err(|denied| self.denied(denied))?;
        let resume = query.resume.map(|token| Resume { epoch: token.epoch.as_str().to_owned(), offset: token.offset });
        Ok(Admitted {
            client,
            format: format.unwrap_or(Format::Json),
            subprotocol: format.map(Format::subprotocol),
            resume,
            rooms,
            echo: self.echo && upgrade.path == ECHO,
            expires: proof.expires,
            rights: proof.rights,
            pass: proof.pass,
            judged: proof.judged,
        })
    }

    /// By its ticket, or else by its token: a ticket that is no good makes nothing worse and nothing better.
    async fn proof(&self, query: &Handshake, token: Option<&str>, from: AddressBlock) -> Result<Proof, Rejection> {
        if let Some(ticket) = &query.ticket
            && let Some(proof) = self.auth.redeem(ticket, query.client_id.as_ref()).await
        {
            return Ok(proof);
        }
        self.auth.judge(token, from).await.map_err(|denied| self.denied(denied))
    }
}

/// A name nobody else has: 80 random bits.
fn anonymous() -> ClientId {
    let name = format!("anon-{:020x}", fastrand::u128(..1 << 80));
    ClientId::parse(&name).expect("letters, digits and a hyphen are a valid name")
}
