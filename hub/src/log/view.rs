//! A shard's own view of the log: the chunks it knows and the position lists over them. No lock; fed by [`View::pull`].

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::stream::Streams;
use super::{Chunk, Log, Position, Signal, StreamId, Tip};
use crate::protocol::{Format, Offset, RoomName, Target};

/// What a pull brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// The first new position; not [`head`](View::head) as it was when entries came and were trimmed before this view saw them.
    pub from: Position,
    /// The position after the last new one; equal to `from` when nothing came.
    pub until: Position,
    /// When the oldest of it was appended.
    pub since: Option<Instant>,
}

/// The view of one shard.
#[derive(Debug)]
pub struct View {
    pub(super) chunks: VecDeque<Arc<Chunk>>,
    pub(super) streams: Streams,
    /// Where the hub's own words stand: few, and no publications.
    signals: VecDeque<Position>,
    /// The newest [`Signal::Mode`], also when it is trimmed.
    mode: Option<(Position, Signal)>,
    head: Position,
    tip: Tip,
}

impl View {
    /// A view with everything the log still holds.
    pub fn new(log: &Log) -> Self {
        let mut chunks = VecDeque::new();
        let tip = log.pull(0, |chunk| chunks.push_back(Arc::clone(chunk)));
        let (streams, signals) = (Streams::new(), VecDeque::new());
        let mut view = Self { head: tip.first, chunks, streams, signals, mode: None, tip };
        view.take_in(0, |_| {});
        view
    }

    /// Takes in what was appended since the last pull; `each` gets the stream of every new entry, in order.
    pub fn pull(&mut self, log: &Log, each: impl FnMut(StreamId)) -> Pulled {
        if log.version() == self.tip.version {
            return Pulled { from: self.head, until: self.head, since: None };
        }
        let known = self.chunks.len();
        let chunks = &mut self.chunks;
        self.tip = log.pull(self.head, |chunk| chunks.push_back(Arc::clone(chunk)));
        let first = self.chunks.get(known);
        let from = first.map_or(self.head, |chunk| chunk.first());
        let since = first.map(|chunk| chunk.opened());
        // What came and went before this pull is behind us too.
        self.head = self.head.max(self.tip.first);
        self.take_in(known, each);
        self.forget();
        Pulled { from, until: self.head, since }
    }

    fn take_in(&mut self, known: usize, mut each: impl FnMut(StreamId)) {
        for chunk in self.chunks.iter().skip(known) {
            for (position, entry) in (chunk.first()..).zip(chunk.entries()) {
                each(self.streams.push(&entry.target, position));
                if let Some(signal) = entry.signal() {
                    self.signals.push_back(position);
                    if matches!(signal, Signal::Mode { .. }) {
                        self.mode = Some((position, signal.clone()));
                    }
                }
            }
            self.head = chunk.end();
        }
    }

    /// Drops the chunks the log has trimmed.
    fn forget(&mut self) {
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= self.tip.first) {
            if let Some(chunk) = self.chunks.pop_front() {
                for entry in chunk.entries() {
                    self.streams.pop(&entry.target);
                }
            }
        }
        let first = self.first();
        while self.signals.front().is_some_and(|position| *position < first) {
            self.signals.pop_front();
        }
    }

    /// The newest change of the mode and where it stands, when it lies in `window`, trimmed or not.
    pub fn mode_in(&self, window: Range<Position>) -> Option<&Signal> {
        self.mode.as_ref().filter(|(position, _)| window.contains(position)).map(|(_, signal)| signal)
    }

    /// How many of the positions in `window` are the hub's own words.
    pub(super) fn count_signals(&self, window: Range<Position>) -> u64 {
        let before = |position: Position| self.signals.partition_point(|signal| *signal < position);
        before(window.end).saturating_sub(before(window.start)) as u64
    }

    /// Drops what the log has trimmed meanwhile; for a shard that has had nothing to pull for a while.
    pub fn expire(&mut self, log: &Log) {
        let (first, trimmed) = log.expire();
        if first <= self.head {
            (self.tip.first, self.tip.trimmed) = (first, trimmed);
            self.forget();
        }
    }

    /// The epoch and the newest offset as of the last pull: what a `welcome` may say.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// JSON bytes between two positions, for whomever they are.
    pub fn bytes_between(&self, from: Position, until: Position) -> u64 {
        let before = |position: Position| {
            let chunk = self.chunks.get(self.chunk_index(position)).or(self.chunks.back());
            chunk.map_or(0, |chunk| chunk.bytes_before(position.clamp(chunk.first(), chunk.end())))
        };
        before(until).saturating_sub(before(from))
    }

    /// When the entry at `position` was published, to a pass's length.
    pub fn published(&self, position: Position) -> Option<Instant> {
        self.chunk_of(position).map(|chunk| chunk.opened())
    }

    /// The position after the last entry this view knows.
    pub fn head(&self) -> Position {
        self.head
    }

    /// The oldest position this view still holds.
    pub fn first(&self) -> Position {
        self.chunks.front().map_or(self.head, |chunk| chunk.first())
    }

    /// The stream of `target`, kept until [`release`](Self::release) even when nothing is published to it.
    pub fn retain(&mut self, target: &Target) -> StreamId {
        let id = self.streams.find_or_create(target);
        self.streams.retain(id);
        id
    }

    /// Gives back one [`retain`](Self::retain).
    pub fn release(&mut self, stream: StreamId) {
        self.streams.release(stream);
    }

    /// All rooms that have readers or entries.
    pub fn rooms(&self) -> impl Iterator<Item = (&RoomName, StreamId)> {
        self.streams.rooms()
    }

    /// The stream of `target`, if it has readers or entries.
    pub fn find(&self, target: &Target) -> Option<StreamId> {
        self.streams.find(target)
    }

    /// Whose stream it is.
    pub fn target(&self, stream: StreamId) -> &Target {
        self.streams.target(stream)
    }

    /// How many streams there are, broadcast included.
    pub fn stream_count(&self) -> usize {
        self.streams.len()
    }

    /// The newest position of a stream.
    pub fn newest(&self, stream: StreamId) -> Option<Position> {
        self.streams.positions(stream).back().copied()
    }

    /// The positions of a stream from `from` on, oldest first.
    pub fn positions_from(
        &self,
        stream: StreamId,
        from: Position,
    ) -> impl DoubleEndedIterator<Item = Position> + ExactSizeIterator {
        let positions = self.streams.positions(stream);
        let start = positions.partition_point(|position| *position < from);
        positions.range(start..).copied()
    }

    /// The offset of the entry at `position`.
    pub fn offset(&self, position: Position) -> Option<Offset> {
        self.chunk_of(position).map(|chunk| chunk.entry(position).offset)
    }

    /// The message at `position` without WebSocket header; `None` for a trimmed one and for the hub's own signals.
    pub fn payload(&self, format: Format, position: Position) -> Option<&[u8]> {
        let chunk = self.chunk_of(position)?;
        (!chunk.is_signal(position)).then(|| chunk.payload(format, position))
    }

    pub(super) fn chunk_index(&self, position: Position) -> usize {
        self.chunks.partition_point(|chunk| chunk.end() <= position)
    }

    fn chunk_of(&self, position: Position) -> Option<&Arc<Chunk>> {
        self.chunks.get(self.chunk_index(position)).filter(|chunk| chunk.first() <= position)
    }
}
