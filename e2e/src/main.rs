//! `crowd`: clients and a publisher against a running hub; the last line it prints is its report.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use gohub_crowd::report::Verdict;
use gohub_crowd::target::Target;
use gohub_crowd::{Event, Gathering, Plan};
use gohub_e2e::killer;
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A crowd of WebSocket clients that keeps books of what it gets.
#[derive(Debug, Parser)]
#[command(name = "crowd", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Gather, until SIGTERM or for the given time; prints a JSON line a second, the report last
    Gather {
        /// Where the hubs are: `ws://host:port/path`, port and path optional
        #[arg(long)]
        url: Target,
        /// How many clients
        #[arg(long, default_value_t = 100)]
        clients: usize,
        /// What their names begin with
        #[arg(long, default_value = "crowd")]
        name: String,
        /// The room that all are in
        #[arg(long, default_value = "crowd")]
        room: String,
        /// Publications per second
        #[arg(long, default_value_t = 20)]
        rate: u32,
        /// Seconds to publish; without it until SIGTERM
        #[arg(long)]
        seconds: Option<u64>,
        /// Seconds to wait at the end for who has not got everything
        #[arg(long, default_value_t = 45)]
        settle: u64,
    },
    /// Tell the crowd that is process 1 of this container to come to its end
    Finish,
    /// Kill a program of another pod of this node; only in a pod with hostPID
    Kill {
        /// The pod's uid
        #[arg(long)]
        pod: String,
        /// The program's name
        #[arg(long)]
        program: String,
    },
    /// Stand this node still: kubelet and some pods; only in a pod with hostPID
    Hold {
        /// The pods' uids
        #[arg(long)]
        pod: Vec<String>,
        /// For how long
        #[arg(long)]
        seconds: u64,
    },
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Gather { url, clients, name, room, rate, seconds, settle } => {
            let settle = Duration::from_secs(settle);
            let (targets, rooms) = (vec![url], vec![room]);
            let plan = Plan { targets, clients, name, rooms, publishers: 1, rate, padding: 0, settle };
            gather(plan, seconds.map(Duration::from_secs))
        }
        Command::Finish => {
            kill_process(Pid::INIT, Signal::TERM).context("telling process 1").map(|()| Verdict::Complete)
        }
        Command::Kill { pod, program } => killer::kill(&pod, &program).context("killing").map(|()| Verdict::Complete),
        Command::Hold { pod, seconds } => {
            let held = killer::hold(&pod, Duration::from_secs(seconds));
            held.context("standing the node still").map(|()| Verdict::Complete)
        }
    };
    match ended {
        Ok(Verdict::Complete | Verdict::Told) => ExitCode::SUCCESS,
        Ok(Verdict::UnreportedLoss) => ExitCode::from(3),
        Err(error) => {
            // Nothing is left to do if standard error is closed as well.
            drop(writeln!(std::io::stderr(), "crowd: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn gather(plan: Plan, limit: Option<Duration>) -> anyhow::Result<Verdict> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let (end, ended) = watch::channel(false);
    let tell = |event: &Event| {
        let Ok(line) = serde_json::to_string(event) else { return };
        // Whoever started it may have gone; the exit code still tells.
        drop(writeln!(std::io::stdout(), "{line}"));
    };
    let running = Gathering::begin(plan).run(ended, tell);
    let ending = async {
        tokio::select! {
            _ = terminate.recv() => {}
            () = async { tokio::time::sleep(limit.unwrap_or_default()).await }, if limit.is_some() => {}
        }
        end.send_replace(true);
        std::future::pending::<()>().await;
    };
    let report = tokio::select! {
        books = running => books.judge(),
        () = ending => anyhow::bail!("ended before it began"),
    };
    let verdict = report.verdict;
    tell(&Event::Report(Box::new(report)));
    Ok(verdict)
}
