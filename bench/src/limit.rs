//! The kernel's own limit: what one thread can write to N sockets when nothing is left of a hub but the `write`.
//!
//! The child (`limit/server.rs`) writes pre-encoded frames; they are read, checked and timed by the same reader as
//! the hub's. In the closed loop, connection 0 reports what it received, as a publisher would.

pub(crate) mod server;

use crate::args::LimitArgs;
use crate::campaign::{self, Publish};
use crate::load::Pace;
use crate::machine::on_cpu;
use crate::report::Report;
use crate::server::Server;
use crate::session::Session;
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

/// Tells the raw server to stop; smaller numbers say how many messages connection 0 has.
const STOP: u64 = u64::MAX;

/// The measurement.
///
/// # Errors
/// When the child cannot be started or is gone.
pub(crate) fn run(args: &LimitArgs) -> anyhow::Result<Report> {
    let (server, lines) = start(args)?;
    let mut session = Session::open_raw(server, &args.common, args.connections)?;
    let pace = args.pace.pace();
    let mut source = RawServer { lines, pace, connections: args.connections as u64, told: 0, published: 0 };
    let window = campaign::run(&mut session, &mut source, args.common.timing())?;
    let published = source.published;
    let totals = (published, published * args.connections as u64);
    let report = Report::of("limit", serde_json::to_value(args)?, &session, &window, totals, |_| published as u32)?;
    Ok(report.with("batch", args.batch))
}

fn start(args: &LimitArgs) -> anyhow::Result<(Server, Receiver<String>)> {
    crate::machine::allow_descriptors(args.connections)?;
    let length = args.envelope + args.common.payload.max(crate::stamp::WIDTH);
    let mut command = Command::new(std::env::current_exe().context("find the own executable")?);
    command.arg("limit-server");
    let outstanding = if let Pace::Closed { outstanding } = args.pace.pace() { outstanding } else { u32::MAX };
    let options = [
        ("--connections", args.connections.to_string()),
        ("--batch", args.batch.max(1).to_string()),
        ("--length", length.to_string()),
        ("--stamp-at", args.envelope.to_string()),
        ("--outstanding", outstanding.to_string()),
    ];
    for (name, value) in options {
        command.arg(name).arg(value);
    }
    if let Some(rate) = args.pace.rate {
        command.arg("--rate").arg(rate.to_string());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = on_cpu(args.server_cpu, || command.spawn().context("start the raw server"))?;
    let output = child.stdout.take().context("read from the raw server")?;
    let (sender, lines) = sync_channel(2);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let address = lines.recv_timeout(Duration::from_secs(10)).context("hear where the raw server listens")?;
    Ok((Server::child(address.parse().context("understand where the raw server listens")?, child), lines))
}

/// The raw server as a source of messages: it publishes by itself, within the credit it is given.
struct RawServer {
    lines: Receiver<String>,
    pace: Pace,
    connections: u64,
    told: u32,
    published: u64,
}

impl Publish for RawServer {
    fn publish(&mut self, _: u64, session: &mut Session) {
        let seen = session.receipts.seen(0, 0);
        if matches!(self.pace, Pace::Closed { .. }) && seen != self.told {
            self.told = seen;
            session.fleet.queue(0).extend_from_slice(&u64::from(seen).to_le_bytes());
            session.fleet.flush(0);
        }
    }

    fn due(&self) -> Option<u64> {
        None
    }

    fn published(&self, session: &Session) -> u64 {
        u64::from(session.receipts.seen(0, 0))
    }

    fn stop(&mut self, session: &mut Session) -> anyhow::Result<()> {
        session.fleet.queue(0).extend_from_slice(&STOP.to_le_bytes());
        session.fleet.flush(0);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            match self.lines.try_recv() {
                Ok(line) => {
                    self.published = line.parse().context("understand how much the raw server published")?;
                    return Ok(());
                }
                Err(TryRecvError::Empty) if std::time::Instant::now() < deadline => {
                    session.turn(Duration::from_millis(5))?
                }
                Err(_) => bail!("the raw server does not say how much it published"),
            }
        }
    }

    fn expected(&self) -> u64 {
        self.published * self.connections
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
