//! `limits`: what one process, one address and one connection may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Duration, SettingsError, bounds};

/// Limits. Where 0 means "no limit" the field says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most connections of this process; one more is answered 503 with `Retry-After`. An idle connection takes a few KiB, and one
    /// file descriptor. Default `100000`.
    #[schemars(range(min = 1))]
    pub max_connections: u32,
    /// Limits of the whole cluster.
    pub cluster: ClusterLimits,
    /// Most connections from one IP address (the socket's, not a header's), handshakes included; 0 is no limit. Behind a proxy every
    /// client has the proxy's address. Default `10000`.
    pub max_connections_per_ip: u32,
    /// Most connections of one client id on this hub; 0 is no limit. Default `0`.
    pub max_connections_per_client: u32,
    /// New connections accepted a second; more are answered 503 with `Retry-After`; 0 is no limit. With TLS a core does about 1,000
    /// handshakes a second, which is a sensible limit for it. Default `0`.
    pub accept_rate: u32,
    /// New connections a second from one IP address; 0 is no limit. Default `0`.
    pub accept_rate_per_ip: u32,
    /// Memory of the process, as the kernel counts it (RSS), above which new connections are answered 503; looked at every second. `0B` is no
    /// limit. About 80 % of the container's limit is sensible. Default `0B`.
    pub memory: ByteSize,
    /// Shortest wait told to a refused client in `Retry-After`. Each gets a slot of its own behind the one before, as many a second as `accept_rate` lets in
    /// (1,000 without one), so that they do not come back together. Default `5s`.
    pub retry_after: Duration,
    /// Largest message a client may send, in bytes, all fragments together; at most 64MiB, and 1MiB in cluster mode, because etcd
    /// takes no more. Default `64KiB`.
    pub max_message: ByteSize,
    /// Most fragments of one message. Default `1024`.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_fragments: u32,
    /// Most rooms one connection is in. Each costs about 100 bytes. Default `128`.
    #[schemars(range(min = 1))]
    pub max_rooms_per_connection: u32,
    /// Most rooms with a member on this hub; an empty room is freed. Default `100000`.
    #[schemars(range(min = 1))]
    pub max_rooms: u32,
    /// Messages a second one connection may send; above it the hub stops reading from it until it is back within the rate, so
    /// nothing is lost and TCP slows the peer; 0 is no limit. Default `5000`.
    pub message_rate: u32,
    /// Messages one connection may send at once before `message_rate` counts. Default `10000`.
    #[schemars(range(min = 1))]
    pub message_burst: u32,
    /// Bytes a second one connection may send, treated like `message_rate`; `0B` is no limit. It bounds how much one sender can
    /// multiply through a broadcast. Default `16MiB`.
    pub byte_rate: ByteSize,
    /// Messages a second all connections of one client id on this hub may send together; above it none of them is read from until the client is back
    /// within the rate. Two seconds' worth may come at once. 0 is no limit. Default `0`.
    pub message_rate_per_client: u32,
    /// Bytes a second all connections of one client id on this hub may send together, treated like `message_rate_per_client`; `0B` is no limit.
    /// Default `0B`.
    pub byte_rate_per_client: ByteSize,
    /// The same for messages from one address (an IPv6 network of 64 bits is one); behind a proxy see `proxies.trusted`. 0 is no limit. Default `0`.
    pub message_rate_per_ip: u32,
    /// The same for bytes from one address; `0B` is no limit. Default `0B`.
    pub byte_rate_per_ip: ByteSize,
    /// Control frames (ping, pong) a second from one connection; above it the connection is closed with 1008; 0 is no limit. `MsgPing`
    /// is a message like any other: see `message_rate`. Default `100`.
    pub control_rate: u32,
    /// Bytes of answers (acks, errors, pages of history) that wait for one connection; a peer that asks and does not read is itself
    /// not read from, and after `server.write_timeout` closed. Publications are not copied, so they do not count. Default `64KiB`.
    pub out_buffer: ByteSize,
    /// Publications of one connection that wait for the bus; above it the hub stops reading from it. Default `256`.
    #[schemars(range(min = 1))]
    pub max_inflight_publishes: u32,
    /// Messages in error after which a connection is closed; 0 never closes. Default `100`.
    pub errors_before_close: u32,
    /// Most messages in one answer to a history request, or entries in one page of a list. Default `500`.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_page: u32,
}

/// What all hubs of a cluster may use together. Each holds a share, leased through etcd and moved to where it is wanted; the shares are never more than the
/// limit, so a hub that cannot reach etcd for most of `cluster.etcd.lease_ttl` admits nobody until it can. Without a cluster the hub has it all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterLimits {
    /// Most connections of all hubs; one more is answered 503 with `Retry-After`. Those of a hub that is cut off do not count after its lease.
    /// 0 is no limit. Default `0`.
    pub max_connections: u32,
    /// New connections a second of all hubs: the budget for those who reconnect after hubs were lost. More are answered 503 and a slot of their own in
    /// `Retry-After`. 0 is no limit. Default `0`.
    pub accept_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 100_000,
            cluster: ClusterLimits::default(),
            max_connections_per_ip: 10_000,
            max_connections_per_client: 0,
            accept_rate: 0,
            accept_rate_per_ip: 0,
            memory: ByteSize::ZERO,
            retry_after: Duration::from_secs(5),
            max_message: ByteSize::from_kib(64),
            max_fragments: 1024,
            max_rooms_per_connection: 128,
            max_rooms: 100_000,
            message_rate: 5_000,
            message_burst: 10_000,
            byte_rate: ByteSize::from_mib(16),
            message_rate_per_client: 0,
            byte_rate_per_client: ByteSize::ZERO,
            message_rate_per_ip: 0,
            byte_rate_per_ip: ByteSize::ZERO,
            control_rate: 100,
            out_buffer: ByteSize::from_kib(64),
            max_inflight_publishes: 256,
            errors_before_close: 100,
            max_page: 500,
        }
    }
}

impl Limits {
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        let (bytes, kib, mib) = (ByteSize::from_bytes, ByteSize::from_kib, ByteSize::from_mib);
        bounds::size_or_off("limits.memory", self.memory, mib(16), ByteSize::MAX)?;
        bounds::duration("limits.retry_after", self.retry_after, Duration::ZERO, Duration::from_mins(10))?;
        bounds::size("limits.max_message", self.max_message, bytes(64), mib(64))?;
        bounds::size_or_off("limits.byte_rate", self.byte_rate, kib(1), ByteSize::MAX)?;
        bounds::size_or_off("limits.byte_rate_per_client", self.byte_rate_per_client, kib(1), ByteSize::MAX)?;
        bounds::size_or_off("limits.byte_rate_per_ip", self.byte_rate_per_ip, kib(1), ByteSize::MAX)?;
        bounds::size("limits.out_buffer", self.out_buffer, kib(4), mib(64))
    }
}
