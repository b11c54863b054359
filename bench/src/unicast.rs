//! Messages from one client to another: a delivery is one message, one receiver.

use crate::args::UnicastArgs;
use crate::campaign;
use crate::fleet::client_id;
use crate::load::{Lane, Load};
use crate::report::Report;
use crate::session::Session;
use crate::wire::{Request, id};

/// The measurement.
///
/// # Errors
/// When the hub cannot be reached or is gone.
pub(crate) fn run(args: &UnicastArgs) -> anyhow::Result<Report> {
    let mut session = Session::open(&args.target, &args.common, args.connections)?;
    let senders = args.senders.clamp(1, args.connections);
    let mut lanes = Vec::with_capacity(senders);
    for stream in 0..senders {
        let sender = stream * args.connections / senders;
        let receiver = (sender + args.connections / 2) % args.connections;
        let to = client_id(receiver);
        let request = Request { message_id: id::UNICAST, to: Some(&to), ..Request::default() };
        lanes.push(Lane::new(session.format, sender, receiver, 1, request, args.common.payload, false));
        session.receipts.expect(receiver, stream as u32);
    }
    let mut load = Load::new(lanes, args.pace.pace());
    let window = campaign::run(&mut session, &mut load, args.common.timing())?;
    let totals = (load.published(), load.expected());
    Report::of("unicast", serde_json::to_value(args)?, &session, &window, totals, |stream| load.sent(stream))
}
