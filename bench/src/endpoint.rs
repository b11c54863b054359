//! Where a hub listens: the parts of a `ws://` URL a raw handshake needs.

use anyhow::{Context, bail};
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A parsed and resolved hub URL. There is no TLS here: it would measure the generator's cryptography.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// Value of the `Host` header.
    pub(crate) host: String,
    /// Path and query as given; `/ws` when the URL has none.
    pub(crate) path: String,
}

impl Endpoint {
    /// A hub (or a raw server, which ignores the path) at an address.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, host: address.to_string(), path: "/ws".to_owned() }
    }
}

impl FromStr for Endpoint {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> anyhow::Result<Self> {
        let Some(rest) = url.strip_prefix("ws://") else { bail!("{url:?} does not begin with ws://") };
        let (host, path) = rest.find('/').map_or((rest, "/ws"), |slash| rest.split_at(slash));
        let with_port = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let address = with_port.to_socket_addrs().with_context(|| format!("resolve {host:?}"))?.next();
        let address = address.with_context(|| format!("{host:?} has no address"))?;
        Ok(Self { address, host: host.to_owned(), path: if path == "/" { "/ws".to_owned() } else { path.to_owned() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let endpoint: Endpoint = "ws://127.0.0.1:8080/chat?x=1".parse().unwrap();
        assert_eq!(
            (endpoint.address.port(), endpoint.host.as_str(), endpoint.path.as_str()),
            (8080, "127.0.0.1:8080", "/chat?x=1")
        );
        let endpoint: Endpoint = "ws://127.0.0.1".parse().unwrap();
        assert_eq!((endpoint.address.port(), endpoint.path.as_str()), (80, "/ws"));
    }

    #[test]
    fn another_scheme_is_refused_by_name() {
        let error = "wss://127.0.0.1/ws".parse::<Endpoint>().unwrap_err().to_string();
        assert!(error.contains("wss://127.0.0.1/ws"), "{error}");
    }
}
