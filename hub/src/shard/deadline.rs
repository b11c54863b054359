//! Deadlines: the few connections that must do something by a certain time. Heartbeats, which everybody has, are swept instead.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use super::inbox::ConnectionKey;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// A message was begun and must be complete.
    Message,
    /// The peer takes nothing, or is too far behind.
    Stalled,
    /// The closing handshake must be over.
    Closing,
    /// The peer's debt is paid: read again.
    Resume,
    /// The peer's turn in the drain.
    Drain,
    /// A resumed connection still waits for the bus to come to its offset.
    Ahead,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deadline {
    at: Instant,
    key: ConnectionKey,
    due: Due,
}

/// A heap of deadlines. Entries are not taken out when they become moot: whoever pops one looks whether it still holds.
#[derive(Debug, Default)]
pub(super) struct Deadlines(BinaryHeap<Reverse<Deadline>>);

impl Deadlines {
    pub(super) fn add(&mut self, at: Instant, key: ConnectionKey, due: Due) {
        self.0.push(Reverse(Deadline { at, key, due }));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse(first)| first.at)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<(ConnectionKey, Due)> {
        if self.next().is_none_or(|at| at > now) {
            return None;
        }
        self.0.pop().map(|Reverse(first)| (first.key, first.due))
    }
}
