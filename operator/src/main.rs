//! The `gohub-operator` binary: `run` is what the Deployment starts, `crd` prints the definition for `kubectl apply --server-side -f -`.
#![forbid(unsafe_code)]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use gohub_operator::operator::{self, Options};
use gohub_operator::reconcile::observed::Family;
use gohub_operator::telemetry::{self, Format};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Port of the admin listener.
const ADMIN_PORT: u16 = 8080;

/// The Kubernetes operator of gohub.
#[derive(Debug, Parser)]
#[command(name = "gohub-operator", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the custom resource definition
    Crd,
    /// Look after GoHubs until told to stop (SIGTERM)
    Run(Run),
}

#[derive(Debug, Args)]
struct Run {
    /// Namespaces to look after, with commas between; without one every namespace
    #[arg(long, env = "GOHUB_OPERATOR_NAMESPACES", value_delimiter = ',', value_name = "NAMES")]
    namespaces: Vec<String>,
    /// Name of the Lease whose holder acts; an empty one only where there can be one operator at most
    #[arg(long, env = "GOHUB_OPERATOR_LEASE", default_value = "gohub-operator", value_name = "NAME")]
    lease: String,
    /// Namespace of the operator itself, where its Lease is; without one that of its service account
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    own_namespace: Option<String>,
    /// Name of this operator among others, in its Lease and in events
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    identity: Option<String>,
    /// Address of the operator's own pod: the pods it makes have addresses of the same family
    #[arg(long, env = "POD_IP", value_name = "IP")]
    pod_ip: Option<IpAddr>,
    /// Address of /livez, /readyz and /metrics; without one port 8080 of every address
    #[arg(long, env = "GOHUB_OPERATOR_ADMIN_ADDR", value_name = "ADDR")]
    admin_addr: Option<SocketAddr>,
    /// Level of the log, or levels per module as in info,gohub_operator=debug
    #[arg(long, env = "GOHUB_OPERATOR_LOG", default_value = "info", value_name = "LEVEL")]
    log: String,
    /// Form of the log's lines
    #[arg(long, env = "GOHUB_OPERATOR_LOG_FORMAT", value_enum, default_value_t = Format::Json)]
    log_format: Format,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Crd => crd(),
        Command::Run(arguments) => run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed as well.
            drop(writeln!(std::io::stderr(), "gohub-operator: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn crd() -> anyhow::Result<()> {
    let text = gohub_operator::generate::crd()?;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn run(arguments: Run) -> anyhow::Result<()> {
    let Run { namespaces, lease, own_namespace, identity, pod_ip, admin_addr, log, log_format } = arguments;
    telemetry::install(&log, log_format)?;
    // An empty variable of a manifest is no name.
    let named = |name: Option<String>| name.filter(|name| !name.is_empty());
    let (family, every) = match pod_ip {
        Some(IpAddr::V6(_)) => (Family::V6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        Some(IpAddr::V4(_)) | None => (Family::V4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    let options = Options {
        namespaces: namespaces.into_iter().filter(|name| !name.is_empty()).collect(),
        own_namespace: named(own_namespace),
        identity: named(identity),
        lease: named(Some(lease)),
        admin_addr: admin_addr.unwrap_or(SocketAddr::new(every, ADMIN_PORT)),
        family,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        let stop = CancellationToken::new();
        let running = operator::run(options, stop.clone());
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("told to stop");
            stop.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            done = running => done.map_err(anyhow::Error::from),
            () = told => Ok(()),
        }
    });
    if let Err(error) = &done {
        tracing::error!(error = format!("{error:#}"), "stopped");
    }
    done
}
