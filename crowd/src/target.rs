//! Where the clients connect: a `ws://` URL.

use std::str::FromStr;

use thiserror::Error;

/// A hub, or a Service in front of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host name or address. It is looked up for every connection: which hubs there are changes.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path of the upgrade.
    pub path: String,
}

/// The URL is none that the crowd can use.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not of the form ws://host[:port][/path]")]
pub struct NotATarget(String);

impl FromStr for Target {
    type Err = NotATarget;

    fn from_str(url: &str) -> Result<Self, NotATarget> {
        let refused = || NotATarget(url.to_owned());
        let rest = url.strip_prefix("ws://").ok_or_else(refused)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, "ws"));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| refused())?),
            None => (authority, 80),
        };
        if host.is_empty() {
            return Err(refused());
        }
        Ok(Self { host: host.to_owned(), port, path: format!("/{path}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_path_have_defaults() {
        let of = |host: &str, port, path: &str| Ok(Target { host: host.to_owned(), port, path: path.to_owned() });
        assert_eq!("ws://chat.demo.svc".parse(), of("chat.demo.svc", 80, "/ws"));
        assert_eq!("ws://10.0.0.7:8080/hub".parse(), of("10.0.0.7", 8080, "/hub"));
        assert_eq!("http://chat".parse::<Target>(), Err(NotATarget("http://chat".to_owned())));
        assert_eq!("ws://:80".parse::<Target>(), Err(NotATarget("ws://:80".to_owned())));
    }
}
