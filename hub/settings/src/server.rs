//! `server`: the public listener and the timeouts of one connection.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ByteSize, Duration, SettingsError,
    bounds::{self, TICK, refuse},
};

/// The public listener, where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on. `0.0.0.0` is every IPv4 interface, `[::]:8080` every interface of both kinds. A change opens
    /// the new listener before the old one closes, unless both want the same port; connections stay. Default `0.0.0.0:8080`.
    #[schemars(extend("format" = "ip-port"))]
    pub addr: SocketAddr,
    /// Path of the WebSocket; every other path is answered 404. Default `/ws`.
    #[schemars(length(min = 1, max = 256))]
    pub path: String,
    /// Number of shards, the threads that own the client sockets; 0 is one for each core. More than the cores only adds switching.
    /// The one setting that needs a restart. Default `0`.
    #[schemars(range(max = 1024))]
    pub shards: u32,
    /// Connections the kernel holds for us before they are accepted; the kernel's own limit (`net.core.somaxconn`) also counts.
    /// A low number drops connections in a reconnect storm. Default `4096`.
    #[schemars(range(min = 1, max = 65535))]
    pub backlog: u32,
    /// Time from the TCP connection to the finished WebSocket handshake, TLS included. A short time frees slots that silent peers
    /// hold, a long one is kind to very slow networks. Default `10s`.
    pub handshake_timeout: Duration,
    /// Time a peer has to finish a message it has begun to send, or a read that has begun. It is not the idle timeout: a silent
    /// peer is the heartbeat's business. Default `30s`.
    pub read_timeout: Duration,
    /// Time a peer may take nothing at all of what waits for it before it is disconnected. Shorter frees memory sooner, longer is
    /// kind to mobile networks. Default `10s`.
    pub write_timeout: Duration,
    /// Time a peer has to answer our close frame before the TCP connection is cut. Default `5s`.
    pub close_timeout: Duration,
    /// Largest request head (request line and headers) of a handshake, in bytes; a longer one is answered 431. Room for a large
    /// cookie or token costs memory only while the handshake lasts. Default `16KiB`.
    pub max_header_bytes: ByteSize,
    /// Size of the one buffer each shard reads into. Connections have none of their own while they are idle; a larger one means
    /// fewer system calls for large messages. Default `64KiB`.
    pub read_buffer: ByteSize,
    /// Kernel send buffer of each connection (`SO_SNDBUF`); `0B` lets the kernel tune it. A fixed small one bounds kernel memory with
    /// many slow clients and lowers their throughput. Default `0B`.
    pub send_buffer: ByteSize,
    /// TLS of this listener; without it connections are plain `ws://`, for use behind a proxy that ends TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ServerTls")]
    pub tls: Option<ServerTls>,
}

/// The certificate of the public listener. The files are read again when they change, and a pair that does not fit is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// PEM file with the certificate and its intermediates, leaf first.
    #[schemars(length(min = 1), example = &"/etc/gohub/tls/tls.crt")]
    pub cert: String,
    /// PEM file with the private key of the certificate.
    #[schemars(length(min = 1), example = &"/etc/gohub/tls/tls.key")]
    pub key: String,
    /// PEM file with the authorities of clients' certificates. With it every client has to show one of them (mutual TLS), beside
    /// whatever `auth` asks for. Default `""`: clients need no certificate.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub client_ca: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            path: "/ws".to_owned(),
            shards: 0,
            backlog: 4096,
            handshake_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            max_header_bytes: ByteSize::from_kib(16),
            read_buffer: ByteSize::from_kib(64),
            send_buffer: ByteSize::ZERO,
            tls: None,
        }
    }
}

impl Server {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let minute = Duration::from_mins(1);
        let hour = Duration::from_mins(60);
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%' | '\\' | '"');
        if !self.path.starts_with('/') || !self.path.chars().all(is_plain) {
            return refuse("server.path", format!("must be a path such as \"/ws\", got {:?}", self.path));
        }
        if self.path == "/echo" {
            return refuse("server.path", "must not be \"/echo\", which debug.echo serves");
        }
        bounds::duration("server.handshake_timeout", self.handshake_timeout, TICK, minute)?;
        bounds::duration("server.read_timeout", self.read_timeout, TICK, hour)?;
        bounds::duration("server.write_timeout", self.write_timeout, TICK, hour)?;
        bounds::duration("server.close_timeout", self.close_timeout, TICK, minute)?;
        let (kib, mib) = (ByteSize::from_kib, ByteSize::from_mib);
        bounds::size("server.max_header_bytes", self.max_header_bytes, kib(1), mib(1))?;
        bounds::size("server.read_buffer", self.read_buffer, kib(4), mib(16))?;
        bounds::size_or_off("server.send_buffer", self.send_buffer, kib(4), mib(64))
    }
}
