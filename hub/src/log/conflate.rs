//! Conflation: of what a lagging reader still has to get, the newest of each conflation key, and how much that leaves out.
//!
//! Keys are read from the encoded frames when a chunk is first conflated, once for all shards and readers; a chunk that everybody reads in time has none.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Instant;

use super::{Position, Reader, StreamId, Subscription, View};
use crate::protocol::Target;

/// Seeded for the process: keys come from strangers.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What an entry is the newest of: its target and conflation key, hashed; 0: it has none. Two keys with one hash would hide one message of
/// 2^64, and the reader would be told that it does not get one.
pub(super) fn class(target: &Target, key: &[u8]) -> u64 {
    HASHER.hash_one((target, key)).max(1)
}

/// Within what a lagging reader is served after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of frames.
    pub bytes: usize,
    /// Entries.
    pub entries: usize,
    /// Entries without a key before this position have waited too long.
    pub young: Position,
}

/// What it gets, and what it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// What it gets, oldest first.
    pub positions: Vec<Position>,
    /// Entries after which a newer one of the same key comes.
    pub conflated: u64,
    /// Entries that are dropped: no newer one of their key follows.
    pub dropped: u64,
}

impl View {
    /// Of `older` and of what `reader` has to get of the positions in `window`: the newest of each key, within `allowance` and the newest first; all without
    /// a key if they fit too and none is too old; and the hub's own words. None of the positions may lie before [`View::first`].
    pub fn conflate(
        &self,
        reader: Reader<'_>,
        older: &[Position],
        window: Range<Position>,
        allowance: Allowance,
    ) -> Kept {
        let waiting = self.waiting(reader, older, window);
        let mut kept = Kept::default();
        let (mut bytes, mut newest, mut free, mut free_bytes) = (0, HashSet::new(), Vec::new(), 0);
        for position in waiting.into_iter().rev() {
            let chunk = &self.chunks[self.chunk_index(position)];
            if chunk.is_signal(position) {
                kept.positions.push(position);
                continue;
            }
            let length = chunk.range(reader.format, position..position + 1).len();
            match chunk.class(position) {
                None => {
                    free.push(position);
                    free_bytes += length;
                }
                Some(class) if !newest.insert(class) => kept.conflated += 1,
                Some(_) if bytes + length > allowance.bytes || kept.positions.len() >= allowance.entries => {
                    kept.dropped += 1;
                }
                Some(_) => {
                    kept.positions.push(position);
                    bytes += length;
                }
            }
        }
        let is_young = free.last().is_none_or(|oldest| *oldest >= allowance.young);
        let fits = bytes + free_bytes <= allowance.bytes && kept.positions.len() + free.len() <= allowance.entries;
        if is_young && fits {
            kept.positions.append(&mut free);
        } else {
            kept.dropped += free.len() as u64;
        }
        kept.positions.sort_unstable();
        kept
    }

    fn waiting(&self, reader: Reader<'_>, older: &[Position], window: Range<Position>) -> Vec<Position> {
        let broadcast = Subscription { stream: StreamId::BROADCAST, since: reader.since };
        let mut waiting = older.to_vec();
        for subscription in std::iter::once(&broadcast).chain(reader.subscriptions) {
            let from = window.start.max(subscription.since);
            let positions = self.positions_from(subscription.stream, from);
            waiting.extend(positions.take_while(|position| *position < window.end));
        }
        waiting.sort_unstable();
        waiting.dedup();
        waiting
    }

    /// The first position that was published after this time, to a pass's length.
    pub fn published_after(&self, at: Instant) -> Position {
        let old = self.chunks.partition_point(|chunk| chunk.opened() < at);
        self.chunks.get(old).map_or(self.head(), |chunk| chunk.first())
    }
}

#[cfg(test)]
mod tests;
