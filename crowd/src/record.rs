//! What one client saw, kept as an SDK keeps its position and as an auditor keeps books. No socket here.

use std::collections::{HashMap, HashSet};

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

/// What a client got of one epoch, and from where on it has a right to everything of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Era {
    /// The epoch.
    pub epoch: Epoch,
    /// What comes after it is owed.
    pub since: Offset,
    /// What came, with the publishers' number when it was one of the crowd's.
    pub received: HashMap<Offset, Option<u64>>,
}

/// The books of one client.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every epoch it was welcomed into, in order.
    pub eras: Vec<Era>,
    /// What it was told it does not get.
    pub told: Vec<Told>,
    /// Publications that came twice: at the same offset, or with the same number.
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
        self.eras.last().map(|era| (&era.epoch, self.position))
    }

    /// A welcome came, the first one, after a resume, or on a live connection.
    pub fn welcome(&mut self, epoch: &Epoch, offset: Offset) {
        if let Some(current) = self.eras.last()
            && current.epoch == *epoch
        {
            // What lies between is delivered or told of in a gap; nothing is taken on trust.
            self.position = self.position.max(offset);
            return;
        }
        if let Some(old) = self.eras.last() {
            // A new life of the log: the client sees that by the epoch, and knows that the rest of the old one does not come.
            let rest = Told { epoch: old.epoch.clone(), from: self.position, to: Offset::MAX };
            self.told.push(rest);
        }
        self.eras.push(Era { epoch: epoch.clone(), since: offset, received: HashMap::new() });
        self.position = offset;
    }

    /// A publication came; `number` is the publishers', when it is one of the crowd's.
    pub fn publication(&mut self, offset: Offset, number: Option<u64>) {
        let Some(era) = self.eras.last_mut() else { return };
        if offset <= self.position {
            self.out_of_order += 1;
        }
        let again = era.received.insert(offset, number).is_some();
        let repeated = number.is_some_and(|number| !self.numbers.insert(number));
        self.duplicates += u64::from(again || repeated);
        self.position = self.position.max(offset);
    }

    /// A gap came, and moves the position there; one about a room does not move it.
    pub fn gap(&mut self, from: Offset, to: Offset, position: Option<Offset>) {
        let Some(epoch) = self.eras.last().map(|era| era.epoch.clone()) else { return };
        self.told.push(Told { epoch, from, to });
        if let Some(position) = position {
            self.position = self.position.max(position);
        }
    }

    /// The hub says that everything up to this place has come, or was told of: the books will show whether that is true.
    pub fn complete(&mut self, offset: Offset) {
        self.position = self.position.max(offset);
    }

    /// Whether it got what stands at this place.
    #[must_use]
    pub fn has(&self, epoch: &Epoch, offset: Offset) -> bool {
        self.eras.iter().any(|era| era.epoch == *epoch && era.received.contains_key(&offset))
    }

    /// Whether it was told that it does not get what stands at this place.
    #[must_use]
    pub fn was_told(&self, epoch: &Epoch, offset: Offset) -> bool {
        self.told.iter().any(|told| told.epoch == *epoch && told.from <= offset && offset <= told.to)
    }

    /// How many publications of the crowd's publishers came.
    #[must_use]
    pub fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Whether this place was reached: received, told of, or passed.
    #[must_use]
    pub fn has_reached(&self, epoch: &Epoch, offset: Offset) -> bool {
        self.eras.last().is_some_and(|era| era.epoch != *epoch || self.position >= offset)
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
    fn the_position_is_the_greatest_of_welcome_publications_pongs_and_gaps_that_are_not_about_a_room() {
        let mut record = Record::default();
        assert_eq!(record.position(), None);
        record.welcome(&epoch("a"), at(5));
        record.publication(at(7), Some(0));
        record.gap(at(8), at(20), None);
        assert_eq!(record.position(), Some((&epoch("a"), at(7))));
        record.gap(at(8), at(9), Some(at(9)));
        assert_eq!(record.position(), Some((&epoch("a"), at(9))));
        record.complete(at(12));
        record.complete(at(3));
        assert_eq!(record.position(), Some((&epoch("a"), at(12))));
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
