//! What one connection must receive and what it did: exact counts of lost, duplicated and out-of-order messages.
//!
//! For every stream a connection subscribes to, the ledger knows the next number and the ranges skipped so far. In
//! order costs one comparison; only an anomaly touches the map of ranges.

use std::collections::BTreeMap;

/// What a received number means for its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The next one.
    InOrder,
    /// Some before it have not come; lost unless they come late.
    Ahead,
    /// One that had been skipped: delivered, but out of order.
    Late,
    /// Delivered before.
    Duplicate,
    /// A stream this connection is not subscribed to.
    Stray,
}

#[derive(Debug, Default)]
struct Stream {
    id: u32,
    next: u32,
    /// Ranges `start..end` below `next` that have not come.
    missing: BTreeMap<u32, u32>,
}

/// The streams of one connection.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    streams: Vec<Stream>,
    last: usize,
}

impl Ledger {
    /// Expects stream `id` from its number 0 on.
    pub(crate) fn expect(&mut self, id: u32) {
        self.streams.push(Stream { id, ..Stream::default() });
    }

    /// Enters a received number.
    #[inline]
    pub(crate) fn enter(&mut self, id: u32, sequence: u32) -> Verdict {
        if let Some(stream) = self.streams.get_mut(self.last)
            && stream.id == id
            && stream.next == sequence
        {
            stream.next += 1;
            return Verdict::InOrder;
        }
        self.enter_slowly(id, sequence)
    }

    fn enter_slowly(&mut self, id: u32, sequence: u32) -> Verdict {
        let Some(at) = self.streams.iter().position(|stream| stream.id == id) else { return Verdict::Stray };
        self.last = at;
        let stream = &mut self.streams[at];
        if sequence == stream.next {
            stream.next += 1;
            return Verdict::InOrder;
        }
        if sequence > stream.next {
            stream.missing.insert(stream.next, sequence);
            stream.next = sequence + 1;
            return Verdict::Ahead;
        }
        let Some((&start, &end)) = stream.missing.range(..=sequence).next_back() else { return Verdict::Duplicate };
        if sequence >= end {
            return Verdict::Duplicate;
        }
        stream.missing.remove(&start);
        if start < sequence {
            stream.missing.insert(start, sequence);
        }
        if sequence + 1 < end {
            stream.missing.insert(sequence + 1, end);
        }
        Verdict::Late
    }

    /// One more than the highest number received of stream `id`; 0 when none was or it is not expected.
    pub(crate) fn seen(&self, id: u32) -> u32 {
        self.streams.iter().find(|stream| stream.id == id).map_or(0, |stream| stream.next)
    }

    /// How many of the numbers below `sent(stream)` have not come.
    pub(crate) fn lost(&self, sent: impl Fn(u32) -> u32) -> u64 {
        let lost = |stream: &Stream| {
            let holes: u64 = stream.missing.iter().map(|(start, end)| u64::from(end - start)).sum();
            holes + u64::from(sent(stream.id).saturating_sub(stream.next))
        };
        self.streams.iter().map(lost).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Ahead, Duplicate, InOrder, Late, Stray};

    fn verdicts(numbers: &[u32]) -> (Vec<Verdict>, u64) {
        let mut ledger = Ledger::default();
        ledger.expect(3);
        let verdicts = numbers.iter().map(|&number| ledger.enter(3, number)).collect();
        (verdicts, ledger.lost(|_| 6))
    }

    #[test]
    fn everything_in_order_loses_nothing() {
        assert_eq!(verdicts(&[0, 1, 2, 3, 4, 5]), (vec![InOrder; 6], 0));
    }

    #[test]
    fn a_lost_message_is_found_in_the_middle_and_at_the_end() {
        assert_eq!(verdicts(&[0, 1, 3, 4, 5]), (vec![InOrder, InOrder, Ahead, InOrder, InOrder], 1));
        assert_eq!(verdicts(&[0, 1, 2, 3]), (vec![InOrder; 4], 2));
        assert_eq!(verdicts(&[]), (vec![], 6));
    }

    #[test]
    fn a_duplicate_is_found() {
        assert_eq!(
            verdicts(&[0, 1, 1, 0, 2, 3, 4, 5]),
            (vec![InOrder, InOrder, Duplicate, Duplicate, InOrder, InOrder, InOrder, InOrder], 0)
        );
    }

    #[test]
    fn a_swap_is_out_of_order_but_not_lost() {
        assert_eq!(verdicts(&[0, 2, 1, 3, 4, 5]), (vec![InOrder, Ahead, Late, InOrder, InOrder, InOrder], 0));
    }

    #[test]
    fn a_hole_filled_from_within_is_late_once_and_duplicate_after() {
        assert_eq!(verdicts(&[5, 2, 2, 0, 4]), (vec![Ahead, Late, Duplicate, Late, Late], 2));
    }

    #[test]
    fn streams_are_independent_and_a_foreign_one_is_a_stray() {
        let mut ledger = Ledger::default();
        ledger.expect(1);
        ledger.expect(2);
        assert_eq!(
            [ledger.enter(1, 0), ledger.enter(2, 0), ledger.enter(1, 1), ledger.enter(9, 0)],
            [InOrder, InOrder, InOrder, Stray]
        );
        assert_eq!((ledger.seen(1), ledger.seen(2), ledger.seen(9)), (2, 1, 0));
        assert_eq!(ledger.lost(|stream| if stream == 1 { 2 } else { 4 }), 3);
    }
}
