//! Idempotency: which `(from, key)` was delivered already, and where.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::protocol::{ClientId, Offset, Publication};

/// How many keys are remembered, and for how long. The first bound reached wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenLimits {
    /// Number of keys.
    pub max_keys: usize,
    /// Age of a key.
    pub max_age: Duration,
}

impl From<&gohub_settings::Idempotency> for SeenLimits {
    fn from(settings: &gohub_settings::Idempotency) -> Self {
        Self { max_keys: settings.max_keys as usize, max_age: settings.max_age.as_std() }
    }
}

type Id = (Option<ClientId>, Arc<str>);

/// The keys of the publications delivered lately, oldest first.
///
/// Hubs on one bus feed it in the same order, so all of them drop the same duplicates. (Near the bounds they may differ: a hub's
/// clock decides about age. A key is for retries within seconds, not for good.)
#[derive(Debug)]
pub struct Seen {
    limits: SeenLimits,
    first: HashMap<Id, Offset>,
    order: VecDeque<(Instant, Id)>,
}

impl Seen {
    /// Nothing seen yet.
    pub fn new(limits: SeenLimits) -> Self {
        Self { limits, first: HashMap::new(), order: VecDeque::new() }
    }

    /// The offset of the first publication with the same sender and key; `None` also when it has no key.
    pub fn find(&self, publication: &Publication) -> Option<Offset> {
        if self.first.is_empty() {
            return None;
        }
        self.first.get(&id(publication)?).copied()
    }

    /// Remembers a publication that is being delivered at `offset`, or says where its key was delivered first.
    ///
    /// # Errors
    /// The first one's offset: this one is a duplicate, and must not be delivered.
    pub fn insert(&mut self, publication: &Publication, offset: Offset, now: Instant) -> Result<(), Offset> {
        let Some(id) = id(publication) else { return Ok(()) };
        self.forget(now);
        if let Some(first) = self.first.get(&id) {
            return Err(*first);
        }
        if self.limits.max_keys > 0 {
            self.first.insert(id.clone(), offset);
            self.order.push_back((now, id));
        }
        Ok(())
    }

    /// Forgets everything: the offsets of another epoch mean nothing.
    pub fn clear(&mut self) {
        self.first.clear();
        self.order.clear();
    }

    /// Number of keys remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front() {
            let too_old = now.saturating_duration_since(*since) > self.limits.max_age;
            if !too_old && self.order.len() < self.limits.max_keys {
                break;
            }
            if let Some((_, id)) = self.order.pop_front() {
                self.first.remove(&id);
            }
        }
    }
}

fn id(publication: &Publication) -> Option<Id> {
    let key = publication.key.as_deref()?;
    Some((publication.from.clone(), Arc::from(key)))
}

#[cfg(test)]
mod tests;
