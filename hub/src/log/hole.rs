//! Holes: what the bus lost to this hub. Whoever goes on from before one is never told that nothing is missing.

use std::sync::Arc;

use super::Position;
use crate::protocol::{GapReason, Offset};

/// A stretch of offsets that nobody on this hub gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// Where the gap stands in the log.
    pub position: Position,
    /// The first offset that may be missing.
    pub from: Offset,
    /// The last one.
    pub to: Offset,
    /// Why.
    pub reason: GapReason,
}

/// The holes whose gap is still in the log, oldest first. Cheap to clone: every shard has the list as of its last pull.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holes(Arc<Vec<Hole>>);

impl Holes {
    pub(super) fn push(&mut self, hole: Hole) {
        Arc::make_mut(&mut self.0).push(hole);
    }

    /// Forgets those before `first`.
    pub(super) fn trim(&mut self, first: Position) {
        let gone = self.0.iter().take_while(|hole| hole.position < first).count();
        if gone > 0 {
            Arc::make_mut(&mut self.0).drain(..gone);
        }
    }

    /// What is missing to who reads on from `position`: one hole that covers all there are.
    pub fn since(&self, position: Position) -> Option<Hole> {
        let first = self.0.iter().find(|hole| hole.position >= position)?;
        let to = self.0.last().map_or(first.to, |last| last.to);
        Some(Hole { to, ..*first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_behind_a_hole_misses_nothing() {
        let hole = |position, from, to| Hole {
            position,
            from: Offset::new(from, 0),
            to: Offset::new(to, 0),
            reason: GapReason::Compacted,
        };
        let mut holes = Holes::default();
        assert_eq!(holes.since(0), None);
        holes.push(hole(5, 10, 12));
        holes.push(hole(9, 20, 22));
        assert_eq!(holes.since(3), Some(hole(5, 10, 22)));
        assert_eq!(holes.since(6), Some(hole(9, 20, 22)));
        assert_eq!(holes.since(10), None);
        holes.trim(6);
        assert_eq!(holes.since(0), Some(hole(9, 20, 22)));
    }
}
