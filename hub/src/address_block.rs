//! Whom a connection counts for by its address: an IPv4 address alone, or the /64 of an IPv6 one, because that is what one host is given.

use std::net::{IpAddr, Ipv6Addr};

/// The addresses that are counted as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressBlock(IpAddr);

impl AddressBlock {
    /// The block that `ip` is in. An IPv4 address in the form of IPv6 is that IPv4 address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl From<IpAddr> for AddressBlock {
    fn from(ip: IpAddr) -> Self {
        Self::of(ip)
    }
}

impl std::fmt::Display for AddressBlock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => write!(formatter, "{v4}"),
            IpAddr::V6(v6) => write!(formatter, "{v6}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_one_ipv4_address_or_one_ipv6_network() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let [a, b] = [one, other].map(|text| AddressBlock::of(text.parse().expect("an address")));
            assert_eq!(a == b, is_same, "{one} {other}");
        }
        let shown = |text: &str| AddressBlock::of(text.parse().expect("an address")).to_string();
        assert_eq!((shown("192.0.2.1").as_str(), shown("2001:db8::7").as_str()), ("192.0.2.1", "2001:db8::/64"));
    }
}
