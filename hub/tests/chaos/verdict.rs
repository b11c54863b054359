//! What a run comes to: the crowd's own report, and whether everybody of a killed hub was back in time with nothing missing.

use std::time::{Duration, Instant};

use gohub_crowd::member::Journey;
use gohub_crowd::report::Report;
use serde::Serialize;

use crate::plan::Fault;
use crate::scene::{Strike, node};

/// The clients of a killed hub are on another one by then.
pub(crate) const BACK: Duration = Duration::from_secs(10);

/// How the clients of one killed hub came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Return {
    pub(crate) node: String,
    /// How many it had.
    pub(crate) clients: usize,
    pub(crate) p50_ms: u64,
    pub(crate) p99_ms: u64,
    pub(crate) max_ms: u64,
    /// Those that were late, told that something may be missing, or never came back, with the reason.
    pub(crate) faults: Vec<(String, String)>,
}

/// Looks for everybody who was on this hub then.
pub(crate) fn returned(node: &str, killed: Instant, journeys: &[Journey]) -> Return {
    let mut times = Vec::new();
    let mut faults = Vec::new();
    let mut clients = 0;
    for journey in journeys {
        let is_hit = |visit: &gohub_crowd::member::Visit| {
            visit.node == node && visit.welcomed <= killed && visit.left.is_none_or(|left| left >= killed)
        };
        let Some(at) = journey.visits.iter().position(is_hit) else { continue };
        clients += 1;
        let fault = match journey.visits.get(at + 1) {
            None => Some("never came back".to_owned()),
            Some(next) => {
                let time = next.welcomed.saturating_duration_since(killed);
                times.push(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
                let late = (time > BACK).then(|| format!("was back after {time:?}"));
                let unsure = (!next.recovered).then(|| "was told recovered: false".to_owned());
                late.or(unsure).or_else(|| (next.node == node).then(|| "was back on the same hub".to_owned()))
            }
        };
        faults.extend(fault.map(|fault| (journey.client.clone(), fault)));
    }
    times.sort_unstable();
    let percentile = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    let of = |part| percentile(part).copied().unwrap_or_default();
    Return { node: node.to_owned(), clients, p50_ms: of(50), p99_ms: of(99), max_ms: of(100), faults }
}

/// The line of JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) clients: usize,
    pub(crate) passed: bool,
    /// What is wrong; empty when it passed.
    pub(crate) failures: Vec<String>,
    pub(crate) faults: usize,
    pub(crate) acked: u64,
    pub(crate) received: u64,
    /// Acked messages that somebody did not get, and was told so.
    pub(crate) told: u64,
    pub(crate) reconnects: u64,
    pub(crate) longest_silence_ms: u64,
    pub(crate) publisher: serde_json::Value,
    pub(crate) returns: Vec<Return>,
}

/// What was asked of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) seed: u64,
    pub(crate) seconds: u64,
    pub(crate) clients: usize,
    pub(crate) rate: u32,
}

/// Judges, and names the clients whose records are worth keeping.
pub(crate) fn outcome(
    asked: Asked,
    report: &Report,
    journeys: &[Journey],
    strikes: &[Strike],
) -> (Outcome, Vec<String>) {
    let killed = strikes.iter().filter(|strike| strike.event.fault == Fault::KillHub);
    let returns: Vec<Return> = killed.map(|strike| returned(&node(strike.event.target), strike.at, journeys)).collect();
    let mut failures = Vec::new();
    let mut offenders = Vec::new();
    for (member, journey) in report.members.iter().zip(journeys) {
        if let Some(left) = journey.visits.last().and_then(|visit| visit.left) {
            let silent = left.elapsed().as_secs();
            failures.push(format!("{}: was not connected at the end, and had not been for {silent} s", member.client));
            offenders.push(member.client.clone());
        } else if member.is_faulty() || member.stopped.is_some() {
            let counts = (member.missing, member.duplicates, member.out_of_order, member.misplaced);
            let stopped = member.stopped.as_deref().unwrap_or("no");
            failures.push(format!(
                "{}: missing, twice, out of order, misplaced {counts:?}, stopped: {stopped}",
                member.client
            ));
            offenders.push(member.client.clone());
        }
    }
    for back in &returns {
        for (client, fault) in &back.faults {
            failures.push(format!("{client} of {}, which was killed, {fault}", back.node));
            offenders.push(client.clone());
        }
    }
    // A killed hub may have lost its clients before; all of them may not.
    if returns.iter().all(|back| back.clients == 0) {
        failures.push("no hub was killed that had clients".to_owned());
    }
    if report.members.len() != asked.clients {
        failures.push(format!("{} of {} clients have a record", report.members.len(), asked.clients));
    }
    if let Some(why) = report.publisher["gave_up"].as_str() {
        failures.push(format!("a publisher gave up: {why}"));
    }
    // A run in which nothing was said shows nothing.
    let least = asked.seconds * u64::from(asked.rate) / 4;
    if report.acked < least {
        failures.push(format!("only {} publications were acked, not {least}", report.acked));
    }
    let outcome = Outcome {
        seed: asked.seed,
        seconds: asked.seconds,
        clients: asked.clients,
        passed: failures.is_empty(),
        failures,
        faults: strikes.len(),
        acked: report.acked,
        received: report.all.received,
        told: report.all.told,
        reconnects: report.all.reconnects,
        longest_silence_ms: report.all.longest_silence_ms,
        publisher: report.publisher.clone(),
        returns,
    };
    (outcome, offenders)
}

#[cfg(test)]
mod tests {
    use gohub::protocol::{Epoch, Offset};
    use gohub_crowd::ledger::{Acked, Audience, Ledger};
    use gohub_crowd::member::Visit;
    use gohub_crowd::report::judge;

    use super::*;
    use crate::plan::Event;

    const ASKED: Asked = Asked { seed: 1, seconds: 4, clients: 1, rate: 1 };

    /// A client that was on a killed hub and came back so much later, and got these offsets of four.
    fn judged(back: Option<(u64, &str, bool)>, offsets: &[u64]) -> Outcome {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let epoch = Epoch::parse("a").unwrap();
        let mut journey = Journey { client: "ann".to_owned(), ..Journey::default() };
        let visit = |node: &str, welcomed, left, recovered| Visit { node: node.to_owned(), welcomed, left, recovered };
        journey.visits.push(visit("hub-0", began, Some(at(1001)), false));
        journey.visits.extend(back.map(|(millis, node, recovered)| visit(node, at(1000 + millis), None, recovered)));
        journey.record.welcome(&epoch, Offset::ZERO);
        for offset in offsets {
            journey.record.publication(Offset::new(*offset, 0), Some(*offset));
        }
        let acked = (1..=4).map(|number| Acked {
            epoch: epoch.clone(),
            offset: Offset::new(number, 0),
            number,
            to: Audience::Everybody,
        });
        let ledger = Ledger { acked: acked.collect(), ..Ledger::default() };
        let event = Event { at: Duration::ZERO, fault: Fault::KillHub, target: 0, lasts: Duration::ZERO };
        let journeys = [journey];
        outcome(ASKED, &judge(&ledger, &journeys), &journeys, &[Strike { event, at: at(1000) }]).0
    }

    #[test]
    fn who_is_back_elsewhere_in_time_with_everything_passes() {
        let outcome = judged(Some((700, "hub-1", true)), &[1, 2, 3, 4]);
        assert!(outcome.passed, "{outcome:?}");
        assert_eq!((outcome.returns[0].clients, outcome.returns[0].max_ms), (1, 700));
    }

    #[test]
    fn a_hole_a_duplicate_or_another_order_fails() {
        for offsets in [&[1, 2, 4][..], &[1, 2, 2, 3, 4], &[1, 3, 2, 4], &[]] {
            let outcome = judged(Some((700, "hub-1", true)), offsets);
            assert!(!outcome.passed && outcome.failures.len() == 1, "{offsets:?}: {outcome:?}");
        }
    }

    #[test]
    fn who_is_late_or_unsure_or_back_on_the_same_hub_or_not_at_all_fails() {
        let late = Some((10_001, "hub-1", true));
        for (back, failures) in
            [(late, 1), (Some((700, "hub-1", false)), 1), (Some((700, "hub-0", true)), 1), (None, 2)]
        {
            let outcome = judged(back, &[1, 2, 3, 4]);
            assert!(!outcome.passed && outcome.failures.len() == failures, "{back:?}: {outcome:?}");
        }
    }
}
