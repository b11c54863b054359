//! Who a connection is from when proxies stand before the hub. Only what a trusted proxy says counts.

use std::io;
use std::net::{IpAddr, SocketAddr};

use gohub_settings::{Network, Settings};
use ppp::{HeaderResult, PartialResult, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::response::Rejection;

/// No header of version 1 is longer, its CRLF included (PROXY protocol, section 2.1).
const MAX_V1: usize = 107;
/// A header of version 2 without its addresses and extensions (section 2.2).
const V2_START: usize = 16;
/// Addresses and extensions of version 2 that are read; a client's certificate does not come this way.
const MAX_V2: usize = 4 << 10;

/// The proxies of one set of settings.
#[derive(Debug, Default)]
pub struct Proxies {
    trusted: Vec<Network>,
    protocol: bool,
    header: String,
}

impl Proxies {
    /// The proxies these settings name.
    pub fn new(settings: &Settings) -> Self {
        let gohub_settings::Proxies { trusted, proxy_protocol, address_header } = &settings.proxies;
        Self { trusted: trusted.clone(), protocol: *proxy_protocol, header: address_header.clone() }
    }

    /// Whether a connection from there may be somebody else's: its own address is not to be judged by.
    pub fn relays(&self, ip: IpAddr) -> bool {
        (self.protocol || !self.header.is_empty()) && self.is_trusted(ip)
    }

    fn is_trusted(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(ip))
    }

    /// Whether a connection from there begins with a PROXY protocol header.
    pub fn speaks_protocol(&self, ip: IpAddr) -> bool {
        self.protocol && self.is_trusted(ip)
    }

    /// The header that is to be read of a request from there.
    pub fn header(&self, ip: IpAddr) -> Option<&str> {
        (!self.header.is_empty() && self.is_trusted(ip)).then_some(self.header.as_str())
    }

    /// Whom a trusted proxy speaks for, by the values of its header: the last address that is no trusted proxy's. `None`: nobody is named.
    ///
    /// # Errors
    /// 400 if there is something else before such an address is found: a proxy that is trusted writes addresses.
    pub fn client<'a>(&self, values: impl DoubleEndedIterator<Item = &'a str>) -> Result<Option<IpAddr>, Rejection> {
        let mut farthest = None;
        for part in values.rev().flat_map(|value| value.rsplit(',')).map(str::trim) {
            let no_address = || Rejection::bad_request(format!("{} of a trusted proxy holds no address", self.header));
            let address = parse_address(part).ok_or_else(no_address)?;
            farthest = Some(address);
            if !self.is_trusted(address) {
                break;
            }
        }
        Ok(farthest)
    }
}

/// An address alone, or with a port as some proxies write it.
fn parse_address(text: &str) -> Option<IpAddr> {
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(in_brackets);
    address.map(|address| address.to_canonical())
}

/// Reads a PROXY protocol header and not a byte more. `None`: the proxy speaks for itself (a health check, or a client it does not know).
pub(super) async fn read_header<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; V2_START];
    // The shortest of version 1 is `PROXY UNKNOWN` and its CRLF: 15 bytes.
    stream.read_exact(&mut header[..V2_START - 1]).await?;
    if header.starts_with(b"PROXY ") {
        header.truncate(V2_START - 1);
        while !header.ends_with(b"\r\n") {
            if header.len() >= MAX_V1 {
                return Err(broken("its line does not end"));
            }
            header.push(stream.read_u8().await?);
        }
    } else if header.starts_with(v2::PROTOCOL_PREFIX) {
        header[V2_START - 1] = stream.read_u8().await?;
        let length = usize::from(u16::from_be_bytes([header[V2_START - 2], header[V2_START - 1]]));
        if length > MAX_V2 {
            return Err(broken("it is too long"));
        }
        header.resize(V2_START + length, 0);
        stream.read_exact(&mut header[V2_START..]).await?;
    } else {
        return Err(broken("there is none"));
    }
    source(&header)
}

fn source(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let parsed = HeaderResult::parse(header);
    if !parsed.is_complete() {
        return Err(broken("it is cut off"));
    }
    match parsed {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v1::Addresses::Tcp6(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) if header.command == v2::Command::Local => Ok(None),
        HeaderResult::V2(Ok(header)) => Ok(match header.addresses {
            v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
            v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
            v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
        }),
        HeaderResult::V1(Err(error)) => Err(broken(&error.to_string())),
        HeaderResult::V2(Err(error)) => Err(broken(&error.to_string())),
    }
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("PROXY protocol header of a trusted proxy: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(trusted: &[&str], header: &str) -> Proxies {
        let trusted = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        Proxies { trusted, protocol: header.is_empty(), header: header.to_owned() }
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxys() {
        let proxies = proxies(&["10.0.0.0/8", "::1"], "X-Forwarded-For");
        for (values, expected) in [
            (&["192.0.2.1"][..], Some("192.0.2.1")),
            (&["6.6.6.6, 192.0.2.1, 10.0.0.9"], Some("192.0.2.1")),
            (&["6.6.6.6", "192.0.2.1,10.1.1.1", "::1"], Some("192.0.2.1")),
            (&["192.0.2.1:4711"], Some("192.0.2.1")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["::ffff:192.0.2.1"], Some("192.0.2.1")),
            // What a client wrote before the proxy's own word is not even looked at.
            (&["nonsense, 192.0.2.1"], Some("192.0.2.1")),
            (&["10.0.0.1, 10.0.0.2"], Some("10.0.0.1")),
            (&[], None),
        ] {
            let expected: Option<IpAddr> = expected.map(|text| text.parse().expect("an address"));
            assert_eq!(proxies.client(values.iter().copied()).expect("addresses"), expected, "{values:?}");
        }
        for bad in ["", "unknown", "192.0.2.1, ", "_hidden", "example.com"] {
            assert_eq!(proxies.client([bad].into_iter()).expect_err(bad).status, 400);
        }
    }

    #[test]
    fn only_the_trusted_are_believed() {
        let (header, protocol) = (proxies(&["10.0.0.0/8"], "X-Real-IP"), proxies(&["10.0.0.0/8"], ""));
        let [proxy, other]: [IpAddr; 2] = [[10, 0, 0, 1].into(), [11, 0, 0, 1].into()];
        assert_eq!((header.header(proxy), header.header(other)), (Some("X-Real-IP"), None));
        assert_eq!((protocol.speaks_protocol(proxy), protocol.speaks_protocol(other)), (true, false));
        assert!(header.relays(proxy) && protocol.relays(proxy) && !header.relays(other));
        assert!(!header.speaks_protocol(proxy) && protocol.header(proxy).is_none());
        assert!(!Proxies::new(&Settings::default()).relays(proxy));
    }

    async fn read(bytes: &[u8]) -> io::Result<(Option<SocketAddr>, Vec<u8>)> {
        let mut stream = bytes;
        let source = read_header(&mut stream).await?;
        Ok((source, stream.to_vec()))
    }

    fn v2_header(command: v2::Command, addresses: impl Into<v2::Addresses>) -> Vec<u8> {
        v2::Builder::with_addresses(v2::Version::Two | command, v2::Protocol::Stream, addresses)
            .build()
            .expect("a header")
    }

    #[tokio::test]
    async fn headers_of_both_versions_are_read_to_their_last_byte() {
        let (from, to): (SocketAddr, SocketAddr) = (([192, 0, 2, 1], 4711).into(), ([10, 0, 0, 1], 443).into());
        let v2 = v2_header(v2::Command::Proxy, (from, to));
        let cases: [(&[u8], Option<&str>); 5] = [
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n", Some("192.0.2.1:4711")),
            (b"PROXY TCP6 2001:db8::1 ::1 4711 443\r\n", Some("[2001:db8::1]:4711")),
            (b"PROXY UNKNOWN\r\n", None),
            (&v2, Some("192.0.2.1:4711")),
            (&v2_header(v2::Command::Local, (from, to)), None),
        ];
        for (header, expected) in cases {
            let bytes = [header, b"GET /ws"].concat();
            let (source, rest) = read(&bytes).await.expect("a header");
            assert_eq!(source.map(|source| source.to_string()).as_deref(), expected);
            assert_eq!(rest, b"GET /ws");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let mut too_long = v2_header(v2::Command::Proxy, v2::Addresses::Unspecified);
        too_long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        for bytes in [
            &b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"PROXY TCP4 192.0.2.1 10.0.0.1 99999 443\r\n",
            b"PROXY TCP9 192.0.2.1 10.0.0.1 4711 443\r\n",
            b"PROXY",
            &endless,
            &too_long,
        ] {
            assert!(read(bytes).await.is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
