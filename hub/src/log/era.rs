//! Eras: which epoch the offsets of a stretch of the log belong to. A new era begins when the bus is swapped or etcd was wiped.

use std::sync::Arc;

use super::Position;
use crate::protocol::{Epoch, Offset};

/// A stretch of the log whose offsets belong to one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// Its first position.
    pub start: Position,
    /// The epoch of its offsets.
    pub epoch: Epoch,
    /// Delivery started after this offset: who saw less of the epoch, on another hub, has lost what lies between.
    pub floor: Offset,
    /// Where who was connected when it began goes on, and the offset that comes after: what is older was said before.
    pub live: (Position, Offset),
    /// Whether this epoch was left and is entered again: what was said in it meanwhile is lost to those who were connected all the time.
    pub is_return: bool,
    /// Counts eras of the process: tells an era from the empty one it replaced.
    serial: u64,
}

/// The positions of an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Position,
    pub(super) end: Position,
    pub(super) floor: Offset,
    pub(super) is_current: bool,
}

/// The eras that still have entries, and the current one. Cheap to clone: every shard has the list as of its last pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eras {
    /// In order of their start; never empty.
    list: Arc<Vec<Era>>,
    /// Epochs whose eras are forgotten, the newest last.
    left: Arc<Vec<Epoch>>,
}

/// Epochs that are remembered as left.
const MAX_LEFT: usize = 64;

impl Eras {
    pub(super) fn new(epoch: Epoch) -> Self {
        let era = Era { start: 0, epoch, floor: Offset::ZERO, live: (0, Offset::ZERO), is_return: false, serial: 0 };
        Self { list: Arc::new(vec![era]), left: Arc::default() }
    }

    pub(super) fn begin(&mut self, start: Position, epoch: Epoch, floor: Offset) {
        let serial = self.serial() + 1;
        let list = Arc::make_mut(&mut self.list);
        let is_return = self.left.contains(&epoch) || list.iter().any(|era| era.epoch == epoch);
        let era = Era { start, epoch, floor, live: (start, floor), is_return, serial };
        match list.last_mut() {
            // Nothing was said in it, but it was left like any other.
            Some(last) if last.start == start => {
                let left = std::mem::replace(last, era).epoch;
                self.leave([left]);
            }
            _ => list.push(era),
        }
    }

    fn leave(&mut self, epochs: impl IntoIterator<Item = Epoch>) {
        let left = Arc::make_mut(&mut self.left);
        left.extend(epochs);
        left.drain(..left.len().saturating_sub(MAX_LEFT));
    }

    /// The current era's past ends here.
    pub(super) fn go_live(&mut self, position: Position, offset: Offset) {
        if let Some(era) = Arc::make_mut(&mut self.list).last_mut() {
            era.live = (position, offset);
        }
    }

    /// The era of entries to come.
    pub fn current(&self) -> &Era {
        self.list.last().expect("there is always one era")
    }

    /// Grows with every era.
    pub fn serial(&self) -> u64 {
        self.current().serial
    }

    /// Where the first era after that of this number begins.
    pub fn since(&self, serial: u64) -> Option<Position> {
        self.list.iter().find(|era| era.serial > serial).map(|era| era.start)
    }

    /// The era of `position`.
    pub fn at(&self, position: Position) -> &Era {
        let after = self.list.partition_point(|era| era.start <= position);
        &self.list[after.saturating_sub(1)]
    }

    /// The first position of the era after that of `position`.
    pub fn end_at(&self, position: Position) -> Option<Position> {
        let after = self.list.partition_point(|era| era.start <= position);
        self.list.get(after.max(1)).map(|era| era.start)
    }

    /// The first position of the era after the newest one of this epoch.
    pub fn end_of(&self, epoch: &str) -> Option<Position> {
        let index = self.list.iter().rposition(|era| era.epoch.as_str() == epoch)?;
        self.list.get(index + 1).map(|era| era.start)
    }

    /// The positions of `epoch`, the newest era of that name; `None` when it was never seen.
    pub(super) fn span(&self, epoch: &str, head: Position) -> Option<Span> {
        let index = self.list.iter().rposition(|era| era.epoch.as_str() == epoch)?;
        let next = self.list.get(index + 1);
        let Era { start, floor, .. } = self.list[index];
        Some(Span { start, end: next.map_or(head, |era| era.start), floor, is_current: next.is_none() })
    }

    /// Forgets the eras that ended before `first`.
    pub(super) fn trim(&mut self, first: Position) {
        let gone = self.list.iter().skip(1).take_while(|era| era.start <= first).count();
        if gone > 0 {
            let epochs: Vec<Epoch> = Arc::make_mut(&mut self.list).drain(..gone).map(|era| era.epoch).collect();
            self.leave(epochs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(name: &str) -> Epoch {
        Epoch::parse(name).expect("a valid epoch")
    }

    fn span(eras: &Eras, name: &str, head: Position) -> Option<(Position, Position)> {
        eras.span(name, head).map(|span| (span.start, span.end))
    }

    #[test]
    fn an_era_ends_where_the_next_begins() {
        let mut eras = Eras::new(epoch("a"));
        eras.begin(10, epoch("b"), Offset::new(7, 0));
        assert_eq!(span(&eras, "a", 15), Some((0, 10)));
        assert_eq!(eras.span("b", 15), Some(Span { start: 10, end: 15, floor: Offset::new(7, 0), is_current: true }));
        assert_eq!(span(&eras, "c", 15), None);
        assert_eq!(eras.current().epoch.as_str(), "b");
        assert_eq!([0, 9, 10, 99].map(|position| eras.at(position).epoch.as_str()), ["a", "a", "b", "b"]);
        assert_eq!([0, 9, 10].map(|position| eras.end_at(position)), [Some(10), Some(10), None]);
        assert_eq!(["a", "b", "c"].map(|epoch| eras.end_of(epoch)), [Some(10), None, None]);
    }

    #[test]
    fn eras_are_counted_so_that_a_replaced_one_is_noticed() {
        let mut eras = Eras::new(epoch("a"));
        eras.begin(10, epoch("b"), Offset::ZERO);
        let known = eras.serial();
        assert_eq!(eras.since(known), None);
        eras.begin(10, epoch("c"), Offset::ZERO);
        assert_eq!(eras.since(known), Some(10), "the same place, another era");
        eras.begin(12, epoch("d"), Offset::ZERO);
        assert_eq!(eras.since(known), Some(10), "the first of several");
    }

    #[test]
    fn an_epoch_that_was_left_is_known_when_it_comes_back() {
        let mut eras = Eras::new(epoch("a"));
        eras.begin(5, epoch("b"), Offset::ZERO);
        assert!(!eras.current().is_return);
        eras.begin(10, epoch("a"), Offset::ZERO);
        assert!(eras.current().is_return);
        eras.begin(15, epoch("c"), Offset::ZERO);
        eras.trim(20);
        eras.begin(25, epoch("b"), Offset::ZERO);
        assert!(eras.current().is_return, "also when its entries are long gone");
    }

    #[test]
    fn an_empty_era_is_replaced() {
        let mut eras = Eras::new(epoch("a"));
        eras.begin(0, epoch("b"), Offset::ZERO);
        assert_eq!(span(&eras, "a", 5), None);
        assert_eq!(span(&eras, "b", 5), Some((0, 5)));
    }

    #[test]
    fn trimming_keeps_the_era_that_still_has_entries() {
        let mut eras = Eras::new(epoch("a"));
        eras.begin(10, epoch("b"), Offset::ZERO);
        eras.begin(20, epoch("c"), Offset::ZERO);
        eras.trim(15);
        assert_eq!(span(&eras, "a", 30), None);
        assert_eq!(span(&eras, "b", 30), Some((10, 20)));
    }
}
