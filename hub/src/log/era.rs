//! Eras: which epoch the offsets of a stretch of the log belong to. A new era begins when the bus is swapped or etcd was wiped.

use super::Position;
use crate::protocol::{Epoch, Offset};

#[derive(Debug)]
struct Era {
    start: Position,
    epoch: Epoch,
    /// Delivery started after this offset: who saw less of the epoch, on another hub, has lost what lies between.
    floor: Offset,
}

/// The positions of an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Position,
    pub(super) end: Position,
    pub(super) floor: Offset,
    pub(super) is_current: bool,
}

#[derive(Debug)]
pub(super) struct Eras {
    /// In order of their start; never empty.
    list: Vec<Era>,
}

impl Eras {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { list: vec![Era { start: 0, epoch, floor: Offset::ZERO }] }
    }

    pub(super) fn begin(&mut self, start: Position, epoch: Epoch, floor: Offset) {
        let era = Era { start, epoch, floor };
        match self.list.last_mut() {
            Some(last) if last.start == start => *last = era,
            _ => self.list.push(era),
        }
    }

    pub(super) fn current(&self) -> &Epoch {
        &self.list.last().expect("there is always one era").epoch
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
        self.list.drain(..gone);
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
        assert_eq!(eras.current().as_str(), "b");
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
