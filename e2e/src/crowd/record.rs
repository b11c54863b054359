//! What one client saw, kept as an SDK keeps its position and as an auditor keeps books. No socket here.

use std::collections::HashSet;

use gohub::protocol::{Epoch, Offset};

/// A range of offsets, both ends included, that the client was told it does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The life of the log that the offsets belong to.
    pub epoch: Epoch,
    /// The first.
    pub from: Offset,
    /// The last.
    pub to: Offset,
}

/// From where on a client has a right to everything of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The epoch.
    pub epoch: Epoch,
    /// What comes after it.
    pub offset: Offset,
}

/// The books of one client.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every epoch it was welcomed into, in order, with where delivery began.
    pub since: Vec<Since>,
    /// What came, by epoch and offset.
    pub received: HashSet<(Epoch, Offset)>,
    /// What it was told it does not get.
    pub told: Vec<Told>,
    /// Publications that came twice: at the same offset, or with the same number of the publisher.
    pub duplicates: u64,
    /// Publications that came after a later one.
    pub out_of_order: u64,
    numbers: HashSet<u64>,
    position: Offset,
}

impl Record {
    /// Where a resume goes on: epoch and the greatest offset seen. `None` before the first welcome.
    #[must_use]
    pub fn position(&self) -> Option<(&Epoch, Offset)> {
        self.since.last().map(|since| (&since.epoch, self.position))
    }

    /// A welcome came, the first one, after a resume, or on a live connection.
    pub fn welcome(&mut self, epoch: &Epoch, offset: Offset) {
        if let Some(current) = self.since.last()
            && current.epoch == *epoch
        {
            // What lies between is delivered or told of in a gap; nothing is taken on trust.
            self.position = self.position.max(offset);
            return;
        }
        if let Some(old) = self.since.last() {
            // A new life of the log: the client sees that by the epoch, and knows that the rest of the old one does not come.
            let rest = Told { epoch: old.epoch.clone(), from: self.position, to: Offset::MAX };
            self.told.push(rest);
        }
        self.since.push(Since { epoch: epoch.clone(), offset });
        self.position = offset;
    }

    /// A publication came; `number` is the publisher's, when it is one of the crowd's.
    pub fn publication(&mut self, offset: Offset, number: Option<u64>) {
        let Some(epoch) = self.since.last().map(|since| since.epoch.clone()) else { return };
        if offset <= self.position {
            self.out_of_order += 1;
        }
        let again = !self.received.insert((epoch, offset));
        let repeated = number.is_some_and(|number| !self.numbers.insert(number));
        self.duplicates += u64::from(again || repeated);
        self.position = self.position.max(offset);
    }

    /// A gap came. One about a room does not move the position.
    pub fn gap(&mut self, from: Offset, to: Offset, about_a_room: bool) {
        let Some(epoch) = self.since.last().map(|since| since.epoch.clone()) else { return };
        self.told.push(Told { epoch, from, to });
        if !about_a_room {
            self.position = self.position.max(to);
        }
    }

    /// How many publications of the crowd's publisher came.
    #[must_use]
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Whether this place was reached: received, told of, or passed.
    #[must_use]
    pub fn has_reached(&self, epoch: &Epoch, offset: Offset) -> bool {
        self.since.last().is_some_and(|since| since.epoch != *epoch || self.position >= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(text: &str) -> Epoch {
        Epoch::parse(text).unwrap()
    }

    fn at(major: u64) -> Offset {
        Offset::new(major, 0)
    }

    #[test]
    fn the_position_is_the_greatest_of_welcome_publications_and_gaps_that_are_not_about_a_room() {
        let mut record = Record::default();
        assert_eq!(record.position(), None);
        record.welcome(&epoch("a"), at(5));
        record.publication(at(7), Some(0));
        record.gap(at(8), at(20), true);
        assert_eq!(record.position(), Some((&epoch("a"), at(7))));
        record.gap(at(8), at(9), false);
        assert_eq!(record.position(), Some((&epoch("a"), at(9))));
        record.welcome(&epoch("b"), at(1));
        assert_eq!(record.position(), Some((&epoch("b"), at(1))));
    }

    #[test]
    fn a_number_at_a_second_offset_is_a_duplicate_as_much_as_an_offset_that_comes_twice() {
        let mut record = Record::default();
        record.welcome(&epoch("a"), at(0));
        record.publication(at(1), Some(0));
        record.publication(at(2), Some(0));
        assert_eq!((record.duplicates, record.out_of_order), (1, 0));
        record.publication(at(2), Some(1));
        assert_eq!((record.duplicates, record.out_of_order), (2, 1));
    }
}
