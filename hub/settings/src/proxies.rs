//! `proxies`: who stands between the clients and this hub, and how the hub learns whom they speak for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Network, SettingsError, bounds::refuse};

/// Load balancers and reverse proxies. Limits by address, lists and logs are about the client behind them, if they are named here; what anybody else
/// says about addresses is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Proxies {
    /// Addresses and networks of proxies, such as `10.0.0.0/8` or `::1`. Empty: there is none, the peer is the client.
    /// Default `[]`.
    #[schemars(length(max = 256))]
    pub trusted: Vec<Network>,
    /// Connections of these proxies begin with a PROXY protocol header, version 1 or 2 (HAProxy `send-proxy-v2`, Nginx
    /// `proxy_protocol on`, network load balancers); without one they are refused. Default `false`.
    pub proxy_protocol: bool,
    /// Request header in which these proxies list the client's address, such as `X-Forwarded-For`: the last address in it that is not
    /// a trusted proxy's. Without the header the proxy itself counts as the client. Empty: no header is believed. Default `""`.
    #[schemars(length(max = 64))]
    pub address_header: String,
}

impl Proxies {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        if let Some(bad) = self.address_header.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return refuse("proxies.address_header", format!("must be a header's name, which has no {bad:?}"));
        }
        let (both, one) =
            (self.proxy_protocol && !self.address_header.is_empty(), "the address comes from one of them");
        if both {
            return refuse("proxies.address_header", format!("must be empty with proxies.proxy_protocol: {one}"));
        }
        if self.trusted.is_empty() && (self.proxy_protocol || !self.address_header.is_empty()) {
            return refuse("proxies.trusted", "must name the proxies whose word about addresses counts");
        }
        Ok(())
    }
}
