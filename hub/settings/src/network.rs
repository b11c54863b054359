//! A network of addresses, or a single one: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// Addresses that share a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A text that is not a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not an address or network such as \"10.0.0.0/8\" or \"::1\"")]
pub struct NetworkError(String);

impl Network {
    /// Whether the address is one of it. An IPv4 address in its IPv6 form is that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let one = |address: IpAddr| IpNet::from(address.to_canonical());
        let parsed = text.parse::<IpAddr>().map(one).or_else(|_| text.parse::<IpNet>());
        // Bits behind the prefix are a slip of the pen: was it the host that was meant, or the network?
        parsed
            .ok()
            .filter(|net| net.addr() == net.network())
            .map(Self)
            .ok_or_else(|| NetworkError(text.chars().take(60).collect()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => self.0.addr().fmt(f),
            false => self.0.fmt(f),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "ip-network", "minLength": 2, "maxLength": 49 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_network_in_either_form() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("::/0", "10.0.0.1", false),
            ("0.0.0.0/0", "10.0.0.1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network} {address}");
            assert_eq!(network.to_string().parse::<Network>().unwrap(), network);
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.1/8", "10.0.0.0/33", "example.com", "10.0.0", "::1/129", " 10.0.0.1"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError(text.to_owned())), "{text}");
        }
    }
}
