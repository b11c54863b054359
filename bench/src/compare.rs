//! The hub beside the kernel's limit, in one run on one machine: ratios hold where absolute figures move.

mod plan;
mod table;

use crate::args::CompareArgs;
use crate::report::{self, Report};
use anyhow::bail;
use plan::Plan;
use serde::Serialize;
use table::Table;

/// What `compare` prints.
#[derive(Debug, Serialize)]
struct Comparison {
    bench: &'static str,
    quick: bool,
    /// The figures of DESIGN's targets, ready to be judged.
    ratios: Vec<Ratio>,
    measurements: Vec<Measured>,
}

/// One figure of the hub over the same of the limit (or of a target).
#[derive(Debug, Serialize)]
struct Ratio {
    what: String,
    hub: f64,
    limit: f64,
    ratio: f64,
}

/// A report with its place in the comparison.
#[derive(Debug, Serialize)]
struct Measured {
    label: String,
    #[serde(flatten)]
    report: Report,
}

/// The measurement.
///
/// # Errors
/// When a server cannot be started, or when the hub lost, doubled or reordered a message.
pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let mut plan = Plan::of(args);
    plan.closed_loops(&args.connections, args.rounds.max(1))?;
    plan.open_loops()?;
    plan.one_at_a_time()?;
    plan.idle()?;
    let comparison = plan.finish();
    Table::of(&comparison).print()?;
    report::print(&comparison)?;
    let unclean: Vec<&str> = comparison
        .measurements
        .iter()
        .filter(|measured| !measured.report.is_clean())
        .map(|measured| measured.label.as_str())
        .collect();
    if !unclean.is_empty() {
        bail!("deliveries were lost, doubled or out of order in: {}", unclean.join(", "));
    }
    Ok(())
}
