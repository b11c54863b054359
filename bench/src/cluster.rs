//! Several hubs: publishers and receivers spread over them, every publish acked, one order for everybody.
//!
//! Connection `i` is on hub `i mod hubs`. Publish-to-receive is measured on one clock, so all hubs are on this machine
//! or the figures are of the publisher's machine only.

use crate::args::ClusterArgs;
use crate::campaign;
use crate::fanout::broadcasters;
use crate::load::Load;
use crate::report::Report;
use crate::session::Session;
use std::time::Duration;

/// The measurement.
///
/// # Errors
/// When a hub cannot be reached or is gone.
pub(crate) fn run(args: &ClusterArgs) -> anyhow::Result<Report> {
    let mut session = Session::open(&args.target, &args.common, args.connections)?;
    session.receipts.check_order();
    let mut load = Load::new(broadcasters(&mut session, args.publishers, args.common.payload, true), args.pace.pace());
    let window = campaign::run(&mut session, &mut load, args.common.timing())?;
    let published = load.published();
    session.until(Duration::from_secs_f64(args.common.settle), |session| {
        session.receipts.acks + session.receipts.errors >= published
    })?;
    let totals = (published, load.expected());
    let report =
        Report::of("cluster", serde_json::to_value(args)?, &session, &window, totals, |stream| load.sent(stream))?;
    let orders = session.receipts.orders().unwrap_or_default();
    Ok(report
        .with("hubs", session.server.endpoints.len())
        .with("acked", session.receipts.acks)
        .with("unacked", published.saturating_sub(session.receipts.acks))
        .with("orders_seen", orders)
        .with("same_order", orders == 1))
}
