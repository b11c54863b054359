//! Messages that wait behind one about which somebody else is asked: in their order, while their connection is not read from.
//!
//! They are what one read has brought beyond that message, so they are bounded by `server.read_buffer`; they are kept for the few connections that wait,
//! and cost the others nothing.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::inbox::ConnectionKey;
use super::session::Refusal;
use super::turn::Core;

/// Of one connection.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The message that is asked about.
    asked: Vec<u8>,
    /// Those behind it, one after the other, and the length of each: many small ones would cost more in allocations than in bytes.
    behind: VecDeque<u8>,
    lengths: VecDeque<u32>,
}

impl Held {
    fn push(&mut self, bytes: &[u8]) {
        self.behind.extend(bytes);
        self.lengths.push_back(bytes.len() as u32);
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let length = self.lengths.pop_front()? as usize;
        Some(self.behind.drain(..length).collect())
    }
}

impl Core {
    /// A message that must wait: for the verdict on it, or behind one that does.
    pub(super) fn hold(&mut self, slot: usize, bytes: &[u8]) {
        let Some(connection) = self.table.get(slot) else { return };
        let is_first = !std::mem::replace(&mut connection.paused.verdict, true);
        let held = self.held.entry(slot).or_default();
        if is_first {
            bytes.clone_into(&mut held.asked);
        } else {
            held.push(bytes);
        }
    }

    /// The verdict is there: the message goes its way, or is refused, and those behind it follow, up to the next one that must wait.
    pub(super) fn decided(&mut self, key: ConnectionKey, refusal: Option<Refusal>) {
        let Some(connection) = self.table.find(key) else { return };
        let (slot, is_open) = (key.slot, connection.is_open());
        connection.paused.verdict = false;
        self.answered(slot);
        let Some(mut held) = self.held.remove(&slot).filter(|_| is_open) else { return };
        let application = Arc::clone(&self.application);
        if let Some(mut session) = self.session(slot) {
            application.decided(&mut session, &held.asked, refusal);
        }
        loop {
            let Some(connection) = self.table.get(slot).filter(|connection| connection.is_open()) else { return };
            if connection.paused.verdict {
                // The next one is asked about; what is left waits behind it.
                if let Some(again) = self.held.get_mut(&slot) {
                    (again.behind, again.lengths) = (held.behind, held.lengths);
                }
                return;
            }
            let Some(bytes) = held.pop() else { break };
            if let Some(mut session) = self.session(slot) {
                application.message(&mut session, &bytes);
            }
        }
        let now = Instant::now();
        self.settle_debts(slot, 0, self.clock(now), now);
        self.read(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_comes_out_in_its_order() {
        let mut held = Held::default();
        for bytes in [&b"one"[..], b"", b"three"] {
            held.push(bytes);
        }
        assert_eq!(held.pop().as_deref(), Some(&b"one"[..]));
        held.push(b"four");
        let rest: Vec<Vec<u8>> = std::iter::from_fn(|| held.pop()).collect();
        assert_eq!(rest, [b"".to_vec(), b"three".to_vec(), b"four".to_vec()]);
    }
}
