//! Broadcasts: every connection receives every message.

use crate::args::FanoutArgs;
use crate::campaign;
use crate::load::{Lane, Load};
use crate::report::Report;
use crate::session::Session;
use crate::wire::{Request, id};

/// The measurement.
///
/// # Errors
/// When the hub cannot be reached or is gone.
pub(crate) fn run(args: &FanoutArgs) -> anyhow::Result<Report> {
    let mut session = Session::open(&args.target, &args.common, args.connections)?;
    let mut load = Load::new(broadcasters(&mut session, args.publishers, args.common.payload, false), args.pace.pace());
    let window = campaign::run(&mut session, &mut load, args.common.timing())?;
    let totals = (load.published(), load.expected());
    Report::of("fanout", serde_json::to_value(args)?, &session, &window, totals, |stream| load.sent(stream))
}

/// Lanes of `publishers` connections spread evenly, whose messages everybody must receive.
pub(crate) fn broadcasters(session: &mut Session, publishers: usize, payload: usize, acked: bool) -> Vec<Lane> {
    let connections = session.fleet.len();
    let publishers = publishers.clamp(1, connections);
    let request = Request { message_id: id::BROADCAST, ..Request::default() };
    let lane = |stream: usize| {
        let publisher = stream * connections / publishers;
        Lane::new(session.format, publisher, publisher, connections as u64, request, payload, acked)
    };
    let lanes = (0..publishers).map(lane).collect();
    for connection in 0..connections {
        (0..publishers).for_each(|stream| session.receipts.expect(connection, stream as u32));
    }
    lanes
}
