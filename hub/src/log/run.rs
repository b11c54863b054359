//! Runs: what a reader still has to get, as stretches of contiguous bytes ready for one vectored write.

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use super::{Chunk, Position, StreamId, Subscription, View};
use crate::protocol::Format;

/// Who reads: the streams it follows besides broadcast, and its wire format.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The wire format of its frames.
    pub format: Format,
    /// Broadcast entries before this position are not for it (it connected later).
    pub since: Position,
    /// Rooms and mailbox.
    pub subscriptions: &'a [Subscription],
}

/// Neighbouring entries whose frames are one stretch of bytes.
#[derive(Debug, Clone)]
pub struct Run {
    chunk: Arc<Chunk>,
    bytes: Range<u32>,
    positions: Range<Position>,
}

/// The runs of one reader, oldest first. Reused from reader to reader: gathering allocates nothing once warm.
#[derive(Debug, Default)]
pub struct Runs {
    list: Vec<Run>,
    bytes: usize,
    /// Whether there is more in the log than the bound let in.
    more: Option<Position>,
}

/// The unsent end of a frame of which the kernel took only the beginning. Must go first in the next write.
#[derive(Debug, Clone)]
pub struct Rest {
    chunk: Arc<Chunk>,
    format: Format,
    bytes: Range<u32>,
}

impl Rest {
    /// The bytes still to send.
    pub fn data(&self) -> &[u8] {
        &self.chunk.data(self.format)[self.bytes.start as usize..self.bytes.end as usize]
    }

    /// `n` more bytes were sent; `None` when that was all.
    pub fn advance(mut self, n: usize) -> Option<Self> {
        self.bytes.start += n as u32;
        (!self.bytes.is_empty()).then_some(self)
    }
}

impl Runs {
    /// Forgets the runs and the chunks they held.
    pub fn clear(&mut self) {
        self.list.clear();
        self.bytes = 0;
        self.more = None;
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Bytes in all runs.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many entries the runs carry.
    pub fn count(&self) -> u64 {
        self.list.iter().map(|run| run.positions.end - run.positions.start).sum()
    }

    /// The first entry that was left out because the runs were full.
    pub fn more(&self) -> Option<Position> {
        self.more
    }

    /// Adds the bytes to `slices` for one vectored write.
    pub fn slices<'a>(&'a self, format: Format, slices: &mut Vec<IoSlice<'a>>) {
        slices.extend(self.list.iter().map(|run| {
            let data = run.chunk.data(format);
            IoSlice::new(&data[run.bytes.start as usize..run.bytes.end as usize])
        }));
    }

    /// Where the reader stands after the kernel took `sent` bytes of the runs: the entries that are out (a frame begun counts: it will be
    /// finished), the next position, and the rest of a frame that was cut. `None` for the position: everything here is out.
    pub fn taken(&self, format: Format, sent: usize) -> (u64, Option<Position>, Option<Rest>) {
        let mut left = sent as u64;
        let mut entries = 0;
        for (index, run) in self.list.iter().enumerate() {
            let length = u64::from(run.bytes.end - run.bytes.start);
            if left >= length {
                left -= length;
                entries += run.positions.end - run.positions.start;
                continue;
            }
            if left == 0 {
                return (entries, Some(run.positions.start), None);
            }
            let at = run.bytes.start + left as u32;
            let cut = run.chunk.position_of(format, at);
            let frame = run.chunk.range(format, cut..cut + 1);
            if frame.start == at {
                return (entries + (cut - run.positions.start), Some(cut), None);
            }
            entries += cut - run.positions.start + 1;
            let rest = Rest { chunk: Arc::clone(&run.chunk), format, bytes: at..frame.end };
            let next = if cut + 1 < run.positions.end {
                Some(cut + 1)
            } else {
                self.list.get(index + 1).map(|run| run.positions.start)
            };
            return (entries, next.or(self.more), Some(rest));
        }
        (entries, self.more, None)
    }

    /// The first position.
    pub fn first(&self) -> Option<Position> {
        self.list.first().map(|run| run.positions.start)
    }

    /// Adds one entry unless the bounds are reached; `false`: they are.
    pub fn add(&mut self, view: &View, format: Format, position: Position, max_runs: usize, max_bytes: usize) -> bool {
        if self.list.len() >= max_runs || self.bytes >= max_bytes {
            self.more = Some(position);
            return false;
        }
        let mut chunk = view.chunk_index(position);
        self.push(view, format, position, &mut chunk);
        true
    }

    fn push(&mut self, view: &View, format: Format, position: Position, chunk: &mut usize) {
        while view.chunks[*chunk].end() <= position {
            *chunk += 1;
        }
        let chunk = &view.chunks[*chunk];
        let bytes = chunk.range(format, position..position + 1);
        self.bytes += bytes.len();
        match self.list.last_mut() {
            Some(run) if run.bytes.end == bytes.start && Arc::ptr_eq(&run.chunk, chunk) => {
                run.bytes.end = bytes.end;
                run.positions.end = position + 1;
            }
            _ => self.list.push(Run { chunk: Arc::clone(chunk), bytes, positions: position..position + 1 }),
        }
    }
}

impl View {
    /// Gathers what `reader` has to get of the positions in `window`: the merge of its streams. Stops after `max_runs` runs or `max_bytes` bytes
    /// and says so in [`Runs::more`]. `window.start` must not lie before [`View::first`].
    pub fn gather(
        &self,
        reader: Reader<'_>,
        window: Range<Position>,
        max_runs: usize,
        max_bytes: usize,
        runs: &mut Runs,
    ) {
        runs.clear();
        if window.is_empty() {
            return;
        }
        let mut chunk = self.chunk_index(window.start);
        let broadcast = Subscription { stream: StreamId::BROADCAST, since: reader.since };
        let mut lists: Vec<_> = std::iter::once(&broadcast)
            .chain(reader.subscriptions)
            .filter(|s| self.newest(s.stream).is_some_and(|newest| newest >= window.start.max(s.since)))
            .map(|s| self.positions_from(s.stream, window.start.max(s.since)).peekable())
            .collect();
        loop {
            let next = lists
                .iter_mut()
                .filter_map(|list| list.peek().copied().map(|position| (position, list)))
                .min_by_key(|(position, _)| *position);
            let Some((position, list)) = next else { break };
            if position >= window.end {
                break;
            }
            if runs.list.len() >= max_runs || runs.bytes >= max_bytes {
                runs.more = Some(position);
                break;
            }
            list.next();
            runs.push(self, reader.format, position, &mut chunk);
        }
    }

    /// How many publications `reader` would get of the positions in `window` that are still in the log.
    pub fn count(&self, reader: Reader<'_>, window: Range<Position>) -> u64 {
        let broadcast = Subscription { stream: StreamId::BROADCAST, since: reader.since };
        let entries: u64 = std::iter::once(&broadcast)
            .chain(reader.subscriptions)
            .map(|s| {
                self.positions_from(s.stream, window.start.max(s.since))
                    .take_while(|position| *position < window.end)
                    .count() as u64
            })
            .sum();
        entries - self.count_signals(window.start.max(reader.since)..window.end)
    }

    /// Gathers exactly these positions, oldest first, within the same bounds.
    pub fn gather_exactly(
        &self,
        format: Format,
        positions: &[Position],
        max_runs: usize,
        max_bytes: usize,
        runs: &mut Runs,
    ) {
        runs.clear();
        for position in positions {
            if !runs.add(self, format, *position, max_runs, max_bytes) {
                break;
            }
        }
    }
}
