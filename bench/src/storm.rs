//! Everybody is cut off and comes back at once: how long until all are served again.

use crate::args::StormArgs;
use crate::campaign::Window;
use crate::report::{Report, round};
use crate::session::Session;
use anyhow::bail;
use serde_json::json;
use std::time::{Duration, Instant};

const WELCOME_DEADLINE: Duration = Duration::from_secs(60);

/// The measurement.
///
/// # Errors
/// When the hub cannot be reached, or not everybody gets back in.
pub(crate) fn run(args: &StormArgs) -> anyhow::Result<Report> {
    let mut session = Session::open(&args.target, &args.common, args.connections)?;
    let mut rounds = Vec::new();
    for _ in 0..args.rounds {
        let welcomed = session.receipts.welcomed;
        session.fleet.drop_all();
        let started = Instant::now();
        let cpu = session.server.cpu_seconds()?;
        let dialled = session.fleet.dial(args.connections, true, &mut session.receipts)?;
        let all = welcomed + args.connections as u64;
        if !session.until(WELCOME_DEADLINE, |session| session.receipts.welcomed >= all)? {
            bail!("{} of {} were welcomed back", session.receipts.welcomed - welcomed, args.connections);
        }
        let seconds = started.elapsed().as_secs_f64();
        let cpu = session
            .server
            .cpu_seconds()?
            .zip(cpu)
            .map(|(end, start)| round((end - start) / args.connections as f64 * 1e6, 1));
        rounds.push(json!({
            "seconds_to_all_welcomed": round(seconds, 3),
            "connections_per_second": round(args.connections as f64 / seconds, 0),
            "server_cpu_us_per_connection": cpu,
            "refused": dialled.refused,
            "reasons": dialled.reasons,
        }));
    }
    let report = Report::of("storm", serde_json::to_value(args)?, &session, &Window::default(), (0, 0), |_| 0)?;
    Ok(report.with("rounds", rounds))
}
