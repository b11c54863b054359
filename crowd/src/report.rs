//! The judgement: what each client should have got, beside what it got and what it was told.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ledger::{Acked, Ledger};
use super::member::Journey;

/// What the whole comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everybody got everything, once and in order.
    Complete,
    /// Somebody did not get everything, and was told so.
    Told,
    /// Somebody misses a message that nobody told it of, got one twice, or got them out of order.
    UnreportedLoss,
}

/// What one client comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Its name.
    pub client: String,
    /// Publications of the crowd's publishers that came.
    pub received: u64,
    /// Acked publications that neither came nor lie in a gap it was told of.
    pub missing: u64,
    /// The first of them by its number, for whoever looks for the cause.
    pub first_missing: Option<u64>,
    /// Acked publications that did not come and lie in a gap it was told of.
    pub told: u64,
    /// Publications that came twice.
    pub duplicates: u64,
    /// Publications that came after a later one.
    pub out_of_order: u64,
    /// Publications that came at another place than their ack says, or to somebody they were not for.
    pub misplaced: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// The longest time without a publication, in milliseconds, reconnects included.
    pub longest_silence_ms: u64,
    /// Hubs it was connected to, in order.
    pub nodes: Vec<String>,
    /// Why it stopped before the end, if it did.
    pub stopped: Option<String>,
}

impl MemberReport {
    /// Whether something is wrong that nobody told of.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.missing + self.duplicates + self.out_of_order + self.misplaced > 0
    }
}

/// The whole report: one JSON line on standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// What it comes to.
    pub verdict: Verdict,
    /// Publications that were acked.
    pub acked: u64,
    /// Refusals, repeats and waits of the publisher.
    pub publisher: serde_json::Value,
    /// Sums over all clients, and the greatest of silences and of reconnects.
    pub all: MemberReport,
    /// Each client.
    pub members: Vec<MemberReport>,
}

/// Judges the crowd.
#[must_use]
pub fn judge(ledger: &Ledger, journeys: &[Journey]) -> Report {
    let numbered: HashMap<u64, &Acked> = ledger.acked.iter().map(|acked| (acked.number, acked)).collect();
    let members: Vec<MemberReport> = journeys.iter().map(|journey| member(&ledger.acked, &numbered, journey)).collect();
    let mut all = MemberReport { client: "all".to_owned(), ..MemberReport::default() };
    for member in &members {
        all.received += member.received;
        all.missing += member.missing;
        all.first_missing = [all.first_missing, member.first_missing].into_iter().flatten().min();
        all.told += member.told;
        all.duplicates += member.duplicates;
        all.out_of_order += member.out_of_order;
        all.misplaced += member.misplaced;
        all.reconnects += member.reconnects;
        all.longest_silence_ms = all.longest_silence_ms.max(member.longest_silence_ms);
        if all.stopped.is_none() {
            all.stopped.clone_from(&member.stopped);
        }
    }
    let verdict = if all.is_faulty() {
        Verdict::UnreportedLoss
    } else if all.told > 0 {
        Verdict::Told
    } else {
        Verdict::Complete
    };
    let publisher = serde_json::to_value(ledger).unwrap_or_default();
    Report { verdict, acked: ledger.acked.len() as u64, publisher, all, members }
}

fn member(acked: &[Acked], numbered: &HashMap<u64, &Acked>, journey: &Journey) -> MemberReport {
    let record = &journey.record;
    let mut report = MemberReport {
        client: journey.client.clone(),
        received: record.count() as u64,
        duplicates: record.duplicates,
        out_of_order: record.out_of_order,
        misplaced: misplaced(numbered, journey),
        reconnects: journey.visits.len().saturating_sub(1) as u64,
        longest_silence_ms: u64::try_from(journey.longest_silence.as_millis()).unwrap_or(u64::MAX),
        nodes: journey.visits.iter().map(|visit| visit.node.clone()).collect(),
        stopped: journey.stopped.clone(),
        ..MemberReport::default()
    };
    for one in acked.iter().filter(|one| is_owed(journey, one) && !record.has(&one.epoch, one.offset)) {
        if record.was_told(&one.epoch, one.offset) {
            report.told += 1;
        } else {
            report.missing += 1;
            report.first_missing = report.first_missing.into_iter().chain([one.number]).min();
        }
    }
    report
}

/// A client is owed what was for it and acked in an epoch it was in, behind where it came in. In an epoch that began and ended while
/// it was away it was never promised anything, and the new epoch of its welcome tells it so.
pub(super) fn is_owed(journey: &Journey, acked: &Acked) -> bool {
    let was_there =
        |acked: &Acked| journey.record.eras.iter().any(|era| era.epoch == acked.epoch && acked.offset > era.since);
    acked.to.has(&journey.client, &journey.room) && was_there(acked)
}

/// The order is everybody's: what came to a client stands where the publisher's ack says. What was never acked is nobody's word.
fn misplaced(numbered: &HashMap<u64, &Acked>, journey: &Journey) -> u64 {
    let mut misplaced = 0;
    for era in &journey.record.eras {
        for (offset, number) in &era.received {
            let Some(acked) = number.and_then(|number| numbered.get(&number)) else { continue };
            let is_there = acked.epoch == era.epoch && acked.offset == *offset;
            misplaced += u64::from(!is_there || !acked.to.has(&journey.client, &journey.room));
        }
    }
    misplaced
}

#[cfg(test)]
mod tests {
    use gohub::protocol::{Epoch, Offset};

    use super::super::ledger::Audience;
    use super::super::record::Record;
    use super::*;

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).unwrap()
    }

    fn ledger(epochs: &str) -> Ledger {
        let acked = epochs.char_indices().map(|(index, name)| Acked {
            epoch: epoch(&name.to_string()),
            offset: Offset::new(index as u64 + 1, 0),
            number: index as u64,
            to: Audience::Everybody,
        });
        Ledger { acked: acked.collect(), ..Ledger::default() }
    }

    fn journey(does: impl FnOnce(&mut Record)) -> Journey {
        let mut journey = Journey::default();
        does(&mut journey.record);
        journey
    }

    fn get(record: &mut Record, offsets: impl IntoIterator<Item = u64>) {
        for offset in offsets {
            record.publication(Offset::new(offset, 0), Some(offset - 1));
        }
    }

    #[test]
    fn who_got_all_since_its_welcome_is_complete() {
        let early = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, 1..=4);
        });
        let late = journey(|record| {
            record.welcome(&epoch("a"), Offset::new(2, 0));
            get(record, 3..=4);
        });
        let report = judge(&ledger("aaaa"), &[early, late]);
        assert_eq!((report.verdict, report.all.received, report.acked), (Verdict::Complete, 6, 4));
    }

    #[test]
    fn a_message_that_neither_came_nor_was_told_of_is_an_unreported_loss() {
        let unlucky = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, [1, 2, 4]);
        });
        let report = judge(&ledger("aaaa"), &[unlucky]);
        assert_eq!((report.verdict, report.all.missing), (Verdict::UnreportedLoss, 1));
        assert_eq!(report.all.first_missing, Some(2));
    }

    #[test]
    fn a_gap_makes_it_a_loss_that_was_told_of() {
        let slow = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, [1]);
            record.gap(Offset::new(2, 0), Offset::new(3, 0), Some(Offset::new(3, 0)));
            get(record, [4]);
        });
        let report = judge(&ledger("aaaa"), &[slow]);
        assert_eq!((report.verdict, report.all.missing, report.all.told), (Verdict::Told, 0, 2));
    }

    #[test]
    fn the_end_of_a_stream_that_never_came_is_missing_too() {
        let deaf = journey(|record| record.welcome(&epoch("a"), Offset::ZERO));
        assert_eq!(judge(&ledger("aa"), &[deaf]).all.missing, 2);
    }

    #[test]
    fn a_new_epoch_tells_of_the_rest_of_the_old_one_and_of_nothing_in_its_own() {
        let resumed = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, [1]);
            record.welcome(&epoch("b"), Offset::new(2, 0));
            get(record, [4]);
        });
        let report = judge(&ledger("aabb"), &[resumed]);
        assert_eq!((report.all.told, report.all.missing), (1, 1), "{report:?}");
    }

    #[test]
    fn a_message_after_a_later_one_is_out_of_order_even_though_it_came() {
        let swapped = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, [1, 3, 2, 4]);
        });
        let report = judge(&ledger("aaaa"), &[swapped]);
        assert_eq!((report.verdict, report.all.missing, report.all.out_of_order), (Verdict::UnreportedLoss, 0, 1));
    }

    #[test]
    fn a_room_and_a_client_are_owed_their_own_and_nobody_gets_what_is_anothers() {
        let mut ledger = ledger("aaa");
        ledger.acked[0].to = Audience::Room("red".to_owned());
        ledger.acked[1].to = Audience::Client("ann".to_owned());
        let of = |client: &str, room: &str, offsets: &[u64]| {
            let mut journey = journey(|record| {
                record.welcome(&epoch("a"), Offset::ZERO);
                get(record, offsets.iter().copied());
            });
            (journey.client, journey.room) = (client.to_owned(), room.to_owned());
            journey
        };
        let right = judge(&ledger, &[of("ann", "red", &[1, 2, 3]), of("bob", "red", &[1, 3]), of("cat", "blue", &[3])]);
        assert_eq!(right.verdict, Verdict::Complete, "{right:?}");
        let wrong = judge(&ledger, &[of("ann", "red", &[2, 3]), of("bob", "blue", &[1, 2, 3])]);
        let faults: Vec<_> = wrong.members.iter().map(|member| (member.missing, member.misplaced)).collect();
        assert_eq!((wrong.verdict, faults), (Verdict::UnreportedLoss, vec![(1, 0), (0, 2)]));
    }

    #[test]
    fn a_message_that_stands_elsewhere_than_its_ack_says_is_misplaced() {
        let unlike = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            record.publication(Offset::new(1, 0), Some(1));
            record.publication(Offset::new(2, 0), Some(0));
        });
        let report = judge(&ledger("aa"), &[unlike]);
        assert_eq!((report.verdict, report.all.missing, report.all.misplaced), (Verdict::UnreportedLoss, 0, 2));
    }

    #[test]
    fn what_comes_twice_is_no_better_than_what_does_not_come() {
        let echo = journey(|record| {
            record.welcome(&epoch("a"), Offset::ZERO);
            get(record, [1, 2, 2]);
        });
        assert_eq!(judge(&ledger("aa"), &[echo]).verdict, Verdict::UnreportedLoss);
    }
}
