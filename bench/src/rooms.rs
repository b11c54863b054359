//! Rooms: R rooms of M members, each connection in one of them or in several.

use crate::args::RoomsArgs;
use crate::campaign;
use crate::load::{Lane, Load};
use crate::report::{Report, round};
use crate::session::Session;
use crate::wire::{Request, id};
use anyhow::bail;
use std::time::{Duration, Instant};

/// Joins whose acks may be missing at once.
const JOINING: u64 = 256;
const JOIN_DEADLINE: Duration = Duration::from_secs(60);

/// The measurement.
///
/// # Errors
/// When the hub cannot be reached or is gone, or joins are not acked.
pub(crate) fn run(args: &RoomsArgs) -> anyhow::Result<Report> {
    let RoomsArgs { rooms, members, joined, .. } = *args;
    if rooms == 0 || members == 0 || joined == 0 || joined > rooms || !(rooms * members).is_multiple_of(joined) {
        bail!("rooms x members must be a multiple of joined, and joined at most rooms");
    }
    let connections = rooms * members / joined;
    let mut session = Session::open(&args.target, &args.common, connections)?;
    let started = Instant::now();
    let mut first_member = vec![None; rooms];
    let mut asked = 0;
    for connection in 0..connections {
        for nth in 0..joined {
            let room = (connection * joined + nth) % rooms;
            first_member[room].get_or_insert(connection);
            session.receipts.expect(connection, room as u32);
            let name = room_name(room);
            let reference = asked.to_string();
            let join =
                Request { message_id: id::JOIN, room: Some(&name), reference: Some(&reference), ..Request::default() };
            session.fleet.send(connection, session.format, &join.encode(session.format));
            asked += 1;
            answered(&mut session, asked - JOINING.min(asked))?;
        }
    }
    answered(&mut session, asked)?;
    let join_seconds = started.elapsed().as_secs_f64();
    let lanes = first_member.iter().flatten().enumerate().map(|(room, &publisher)| {
        let name = room_name(room);
        let request = Request { message_id: id::ROOM, room: Some(&name), ..Request::default() };
        Lane::new(session.format, publisher, publisher, members as u64, request, args.common.payload, false)
    });
    let mut load = Load::new(lanes.collect(), args.pace.pace());
    let window = campaign::run(&mut session, &mut load, args.common.timing())?;
    let totals = (load.published(), load.expected());
    let report =
        Report::of("rooms", serde_json::to_value(args)?, &session, &window, totals, |stream| load.sent(stream))?;
    Ok(report.with("joins_per_second", round(asked as f64 / join_seconds, 0)))
}

fn answered(session: &mut Session, count: u64) -> anyhow::Result<()> {
    let done = |session: &Session| session.receipts.acks + session.receipts.errors >= count;
    if !session.until(JOIN_DEADLINE, done)? || session.receipts.errors > 0 {
        bail!(
            "joins were not acked: {} of {count} acks, {} errors {:?}",
            session.receipts.acks,
            session.receipts.errors,
            session.receipts.notes
        );
    }
    Ok(())
}

fn room_name(room: usize) -> String {
    format!("room-{room}")
}
