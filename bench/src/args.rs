//! The command line.

use crate::campaign::Timing;
use crate::load::Pace;
use crate::wire::Format;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Load generator for gohub. Every measurement prints one line of JSON; bench/README.md says how to read it.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The kernel's own limit: pre-encoded frames to N sockets, one write per socket and batch
    Limit(LimitArgs),
    /// Broadcasts: every connection receives every message
    Fanout(FanoutArgs),
    /// Memory of idle connections
    Idle(IdleArgs),
    /// Messages from one client to another
    Unicast(UnicastArgs),
    /// Rooms of members, each connection in one or several
    Rooms(RoomsArgs),
    /// Several hubs: publishers and receivers spread over them, acks counted, one order for all checked
    Cluster(ClusterArgs),
    /// Everybody disconnects and comes back at once
    Storm(StormArgs),
    /// The hub beside the kernel's limit, in one run: a table and the ratios
    Compare(CompareArgs),
    /// The raw server behind `limit`, started by it
    #[command(hide = true)]
    LimitServer(LimitServerArgs),
}

/// The hub under measure.
#[derive(Debug, Clone, Default, Args, Serialize)]
pub(crate) struct Target {
    /// URLs of running hubs (ws://host:port/path); without one, a hub is started
    #[arg(long, value_delimiter = ',')]
    pub(crate) url: Vec<String>,
    /// The hub to start [default: `gohub` beside this program]
    #[arg(long)]
    #[serde(skip)]
    pub(crate) hub: Option<PathBuf>,
    /// A setting of the started hub, as NAME=VALUE; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) hub_env: Vec<String>,
    /// An argument of the started hub; repeatable
    #[arg(long, allow_hyphen_values = true)]
    #[serde(skip)]
    pub(crate) hub_arg: Vec<String>,
    /// Processes of running hubs, for their CPU and memory
    #[arg(long, value_delimiter = ',')]
    #[serde(skip)]
    pub(crate) pid: Vec<u32>,
    /// The core a started server is pinned to
    #[arg(long)]
    pub(crate) server_cpu: Option<usize>,
    /// Sent as Authorization: Bearer
    #[arg(long)]
    #[serde(skip)]
    pub(crate) token: Option<String>,
}

/// The load generator itself.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Common {
    /// The core this program is pinned to
    #[arg(long)]
    pub(crate) client_cpu: Option<usize>,
    /// Number of 127.0.0.x source addresses (loopback only)
    #[arg(long, default_value_t = 16)]
    pub(crate) sources: u8,
    /// New connections per second; 0 = as fast as they are answered
    #[arg(long, default_value_t = 0)]
    pub(crate) connect_rate: u32,
    /// Bytes of `data` in each message (at least 40)
    #[arg(long, default_value_t = 128)]
    pub(crate) payload: usize,
    /// The wire variant
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: Format,
    /// Length of the measured window
    #[arg(long, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// Load before the window
    #[arg(long, default_value_t = 1.0)]
    pub(crate) warmup: f64,
    /// Longest wait for the last deliveries
    #[arg(long, default_value_t = 10.0)]
    pub(crate) settle: f64,
    /// Let the reader sleep so many microseconds between polls (capacity: 1000); 0 = woken by every delivery (latency)
    #[arg(long, default_value_t = 0)]
    pub(crate) lazy_us: u64,
}

impl Common {
    /// The parts of a run.
    pub(crate) fn timing(&self) -> Timing {
        Timing {
            warmup: Duration::from_secs_f64(self.warmup),
            window: Duration::from_secs_f64(self.seconds),
            settle: Duration::from_secs_f64(self.settle),
            lazy: Duration::from_micros(self.lazy_us),
        }
    }
}

/// A closed or an open loop.
#[derive(Debug, Clone, Copy, Args, Serialize)]
#[group(multiple = false)]
pub(crate) struct PaceArgs {
    /// Closed loop: so many messages under way [default: 512]
    #[arg(long)]
    pub(crate) outstanding: Option<u32>,
    /// Open loop: so many messages per second
    #[arg(long)]
    pub(crate) rate: Option<f64>,
}

impl PaceArgs {
    pub(crate) fn pace(self) -> Pace {
        match self.rate {
            Some(per_second) => Pace::Open { per_second: per_second.max(0.001) },
            None => Pace::Closed { outstanding: self.outstanding.unwrap_or(512).max(1) },
        }
    }
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct LimitArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArgs,
    /// Number of connections
    #[arg(long, short = 'n', default_value_t = 1000)]
    pub(crate) connections: usize,
    /// Messages in one write
    #[arg(long, default_value_t = 256)]
    pub(crate) batch: u32,
    /// Bytes in front of the payload in each frame, to stand for an envelope
    #[arg(long, default_value_t = 0)]
    pub(crate) envelope: usize,
    /// The core the raw server is pinned to
    #[arg(long)]
    pub(crate) server_cpu: Option<usize>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct LimitServerArgs {
    #[arg(long)]
    pub(crate) connections: usize,
    #[arg(long)]
    pub(crate) batch: u32,
    /// Bytes of a frame's payload, and where in it the stamp is.
    #[arg(long)]
    pub(crate) length: usize,
    #[arg(long)]
    pub(crate) stamp_at: usize,
    #[arg(long)]
    pub(crate) outstanding: u32,
    #[arg(long)]
    pub(crate) rate: Option<f64>,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct FanoutArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArgs,
    /// Number of connections
    #[arg(long, short = 'n', default_value_t = 1000)]
    pub(crate) connections: usize,
    /// How many of them publish
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct IdleArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Number of connections
    #[arg(long, short = 'n', default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Each connection first sends one message of so many bytes to a room it is not in, and gets its answer
    #[arg(long, default_value_t = 0)]
    pub(crate) message_bytes: usize,
    /// Seconds of silence before the memory is read
    #[arg(long, default_value_t = 3.0)]
    pub(crate) rest: f64,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct UnicastArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArgs,
    /// Number of connections
    #[arg(long, short = 'n', default_value_t = 1000)]
    pub(crate) connections: usize,
    /// How many of them send, each to its own receiver half a turn away
    #[arg(long, default_value_t = 100)]
    pub(crate) senders: usize,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct RoomsArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArgs,
    /// Number of rooms
    #[arg(long, default_value_t = 1000)]
    pub(crate) rooms: usize,
    /// Members of each room
    #[arg(long, default_value_t = 10)]
    pub(crate) members: usize,
    /// Rooms each connection is in; there are rooms x members / joined connections
    #[arg(long, default_value_t = 1)]
    pub(crate) joined: usize,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) pace: PaceArgs,
    /// Number of connections over all hubs
    #[arg(long, short = 'n', default_value_t = 999)]
    pub(crate) connections: usize,
    /// How many of them publish, spread over the hubs
    #[arg(long, default_value_t = 30)]
    pub(crate) publishers: usize,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct StormArgs {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Number of connections
    #[arg(long, short = 'n', default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Disconnects and reconnects in a row
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Connection counts of the closed loop
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 10_000])]
    pub(crate) connections: Vec<usize>,
    /// Alternations of limit and hub per connection count; the median ratio counts
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Wire variants of the closed loop
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["json", "cbor"])]
    pub(crate) formats: Vec<Format>,
    /// A smoke test: few connections, low rates, short windows, no claims
    #[arg(long)]
    pub(crate) quick: bool,
}
