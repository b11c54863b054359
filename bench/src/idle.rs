//! Memory of connections that do nothing, also after each has once sent something large.

use crate::args::IdleArgs;
use crate::campaign::Window;
use crate::report::{Report, round};
use crate::session::Session;
use crate::wire::{Request, id};
use anyhow::bail;
use std::time::Duration;

/// Large messages under way at once: their buffers are what must not stay.
const SENDING: usize = 16;
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// The measurement.
///
/// # Errors
/// When the hub cannot be reached or does not answer.
pub(crate) fn run(args: &IdleArgs) -> anyhow::Result<Report> {
    let mut session = Session::open(&args.target, &args.common, args.connections)?;
    if args.message_bytes > 0 {
        send_large(&mut session, args.message_bytes)?;
    }
    rest(&mut session, args.rest)?;
    session.rss_connected = session.server.rss_kib()?;
    let mut refused = std::mem::take(&mut session.receipts.notes);
    refused.truncate(1);
    let report = Report::of("idle", serde_json::to_value(args)?, &session, &Window::default(), (0, 0), |_| 0)?;
    let report = report.with("connected_per_second", round(args.connections as f64 / session.dialled.seconds, 0));
    Ok(if args.message_bytes > 0 {
        report.with("message_bytes", args.message_bytes).with("answer", refused)
    } else {
        report
    })
}

/// Each connection sends one message with an id that nobody handles: read and judged by the hub, refused, and kept nowhere. (A room nobody is in
/// would do for delivery, but its messages stay in the log for who joins later, and the log is not what is measured here.)
fn send_large(session: &mut Session, bytes: usize) -> anyhow::Result<()> {
    let data = "x".repeat(bytes);
    let request = Request { message_id: id::UNHANDLED, room: None, reference: Some("1"), to: None, data: Some(&data) };
    let payload = request.encode(session.format);
    for connection in 0..session.fleet.len() {
        session.fleet.send(connection, session.format, &payload);
        let wanted = (connection + 1).saturating_sub(SENDING) as u64;
        wait(session, wanted)?;
    }
    wait(session, session.fleet.len() as u64)
}

fn wait(session: &mut Session, answers: u64) -> anyhow::Result<()> {
    if session.until(ANSWER_DEADLINE, |session| session.receipts.acks + session.receipts.errors >= answers)? {
        return Ok(());
    }
    bail!(
        "only {} of {answers} large messages were answered, {:?}",
        session.receipts.acks + session.receipts.errors,
        session.receipts.notes
    )
}

fn rest(session: &mut Session, seconds: f64) -> anyhow::Result<()> {
    session.until(Duration::from_secs_f64(seconds), |_| false).map(drop)
}
