//! The record of one client as text, for whoever looks for the cause of what the report says.

use std::time::Instant;

use super::ledger::Ledger;
use super::member::Journey;
use super::report::is_owed;

/// All that is known of a client: its connections with seconds since `began`, what it was told, what it misses, and everything it got.
#[must_use]
pub fn transcript(journey: &Journey, ledger: &Ledger, began: Instant) -> String {
    let record = &journey.record;
    let seconds = |at: Instant| at.saturating_duration_since(began).as_secs_f64();
    let mut text = format!("client {} in room {}\n", journey.client, journey.room);
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    for visit in &journey.visits {
        let left = visit.left.map_or_else(|| "the end".to_owned(), |left| format!("{:.3}", seconds(left)));
        let (from, node, recovered) = (seconds(visit.welcomed), &visit.node, visit.recovered);
        line(format!("connected {from:.3} to {left} on {node}, recovered {recovered}"));
    }
    if let Some(why) = &journey.stopped {
        line(format!("stopped: {why}"));
    }
    for told in &record.told {
        line(format!("told {} to {} of {}", told.from, told.to, told.epoch));
    }
    for acked in ledger.acked.iter().filter(|acked| is_owed(journey, acked)) {
        if !record.has(&acked.epoch, acked.offset) {
            let word = if record.was_told(&acked.epoch, acked.offset) { "told of" } else { "MISSING" };
            line(format!("{word} {} at {} of {}", acked.number, acked.offset, acked.epoch));
        }
    }
    for era in &record.eras {
        line(format!("received of {} after {}:", era.epoch, era.since));
        let mut received: Vec<_> = era.received.iter().collect();
        received.sort();
        for (offset, number) in received {
            line(number.map_or_else(|| format!("{offset}"), |number| format!("{offset} {number}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use gohub::protocol::{Epoch, Offset};

    use super::super::ledger::{Acked, Audience};
    use super::*;

    #[test]
    fn a_hole_stands_out_in_it() {
        let epoch = Epoch::parse("a").unwrap();
        let mut journey = Journey { client: "ann".to_owned(), room: "red".to_owned(), ..Journey::default() };
        journey.record.welcome(&epoch, Offset::ZERO);
        journey.record.publication(Offset::new(2, 0), Some(7));
        let acked = |major, number| Acked {
            epoch: epoch.clone(),
            offset: Offset::new(major, 0),
            number,
            to: Audience::Everybody,
        };
        let ledger = Ledger { acked: vec![acked(1, 6), acked(2, 7)], ..Ledger::default() };
        let text = transcript(&journey, &ledger, Instant::now());
        assert_eq!(text, "client ann in room red\nMISSING 6 at 1-0 of a\nreceived of a after 0-0:\n2-0 7\n");
    }
}
