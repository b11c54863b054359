//! `gohub-operator crd`: prints the custom resource definition, for `kubectl apply --server-side -f -`.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    let Arguments { command: Command::Crd } = Arguments::parse();
    let written = gohub_operator::generate::crd()
        .map_err(std::io::Error::other)
        .and_then(|text| std::io::stdout().write_all(text.as_bytes()));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed as well.
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}
