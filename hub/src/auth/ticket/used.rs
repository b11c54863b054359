//! Which tickets were used on this hub, and whose tickets count no more: for as long as they could be good, within bounds.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::{Flaw, TicketId};
use crate::protocol::ClientId;

/// The longest life of a ticket (`auth.ticket.life` is at most 1h) and the difference of two clocks, in milliseconds.
const LONGEST: u64 = 3_660_000;
/// Tickets remembered as used. When there are more, none is good until some are forgotten: 2,000 reconnects a second for the default life.
const MAX_USED: usize = 240_000;
/// Clients remembered as thrown out; the one thrown out longest ago goes first.
const MAX_VOID: usize = 10_000;

/// See the module. Times in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Used {
    ids: HashSet<TicketId>,
    /// In the order of their use, with the time when they are good under no settings and can be forgotten.
    order: VecDeque<(u64, TicketId)>,
    /// What was given to these clients up to a time counts no more, and when that can be forgotten.
    void: HashMap<ClientId, (u64, u64)>,
}

impl Used {
    /// Books a ticket as used that was given at the start of `good` and is worth nothing after its end.
    pub(super) fn claim(&mut self, id: TicketId, client: &ClientId, good: Range<u64>, now: u64) -> Result<(), Flaw> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
        if self.void.get(client).is_some_and(|(before, until)| good.start <= *before && now < *until) {
            return Err(Flaw::Revoked);
        }
        if self.ids.contains(&id) {
            return Err(Flaw::Used);
        }
        if self.order.len() >= MAX_USED {
            return Err(Flaw::Unavailable);
        }
        self.ids.insert(id);
        self.order.push_back((good.end, id));
        Ok(())
    }

    /// Nothing that this client was given up to now counts.
    pub(super) fn void(&mut self, client: &ClientId, now: u64) {
        if self.void.len() >= MAX_VOID {
            self.void.retain(|_, (_, until)| now < *until);
        }
        if self.void.len() >= MAX_VOID {
            let oldest = self.void.iter().min_by_key(|(_, (before, _))| *before).map(|(client, _)| client.clone());
            oldest.map(|oldest| self.void.remove(&oldest));
        }
        self.void.insert(client.clone(), (now, now + LONGEST));
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::{TicketKey, TicketKeys};
    use super::*;

    fn id() -> TicketId {
        let keys = TicketKeys::of(TicketKey::new(1, &[1; 32]));
        keys.open(&keys.seal(b"").expect("a key")).expect("ours").0
    }

    #[test]
    fn a_ticket_is_used_once_and_forgotten_when_it_could_not_be_good_any_more() {
        let (mut used, client) = (Used::default(), ClientId::parse("alice").expect("a name"));
        let (one, other) = (id(), id());
        assert_eq!(used.claim(one, &client, 0..100, 0), Ok(()));
        assert_eq!(used.claim(one, &client, 0..100, 1), Err(Flaw::Used));
        assert_eq!(used.claim(other, &client, 0..101, 1), Ok(()));
        assert_eq!(used.claim(one, &client, 0..100, 99), Err(Flaw::Used));
        assert_eq!(used.claim(id(), &client, 100..200, 101), Ok(()));
        assert_eq!((used.ids.len(), used.order.len()), (1, 1));
    }

    #[test]
    fn what_was_given_to_who_was_thrown_out_is_no_good_and_what_came_later_is() {
        let mut used = Used::default();
        let [alice, bob] = ["alice", "bob"].map(|name| ClientId::parse(name).expect("a name"));
        used.void(&alice, 100);
        assert_eq!(used.claim(id(), &alice, 100..300, 200), Err(Flaw::Revoked));
        assert_eq!(used.claim(id(), &alice, 101..300, 200), Ok(()));
        assert_eq!(used.claim(id(), &bob, 50..300, 200), Ok(()));
    }

    #[test]
    fn both_memories_are_bounded() {
        let (mut used, client) = (Used::default(), ClientId::parse("alice").expect("a name"));
        for number in 0..=MAX_VOID {
            let client = ClientId::parse(&format!("c{number}")).expect("a name");
            used.void(&client, number as u64);
        }
        assert_eq!(used.void.len(), MAX_VOID);
        let template = id();
        used.order.extend((0..MAX_USED).map(|_| (u64::MAX, template)));
        assert_eq!(used.claim(id(), &client, 0..1, 0), Err(Flaw::Unavailable));
    }
}
