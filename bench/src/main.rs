//! `gohub-bench`: a load generator that counts every delivery and measures the kernel's own limit beside it.
//!
//! ```text
//! args -> one of limit, fanout, idle, unicast, rooms, cluster, storm (compare runs several)
//!           session: server (child or URL) + fleet (sockets, frames) + receipts (ledgers, latency)
//!           campaign: warm-up, window, settle  ->  report: one JSON line
//! ```
#![forbid(unsafe_code)]

mod args;
mod campaign;
mod clock;
mod cluster;
mod compare;
mod connection;
mod endpoint;
mod fanout;
mod fleet;
mod frame;
mod idle;
mod latency;
mod ledger;
mod limit;
mod load;
mod machine;
mod metrics;
mod process;
mod receipts;
mod report;
mod rooms;
mod server;
mod session;
mod stamp;
mod storm;
mod unicast;
mod wire;

use args::{Cli, Command};
use clap::Parser;

fn main() -> anyhow::Result<()> {
    let report = match Cli::parse().command {
        Command::Limit(args) => limit::run(&args)?,
        Command::Fanout(args) => fanout::run(&args)?,
        Command::Idle(args) => idle::run(&args)?,
        Command::Unicast(args) => unicast::run(&args)?,
        Command::Rooms(args) => rooms::run(&args)?,
        Command::Cluster(args) => cluster::run(&args)?,
        Command::Storm(args) => storm::run(&args)?,
        Command::Compare(args) => return compare::run(&args),
        Command::LimitServer(args) => return limit::server::run(&args),
    };
    report::print(&report)
}
