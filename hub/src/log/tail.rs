//! The process-wide end of the log: where publications are appended, sealed into chunks, and forgotten.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::era::{Eras, Span};
use super::hole::{Hole, Holes};
use super::weight::Scale;
use super::{Chunk, Position, Signal};
use crate::protocol::{Epoch, Offset, Publication};

/// How much of the past is kept for readers that resume, replay or are slow. The first bound reached wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of frames and bookkeeping.
    pub max_bytes: usize,
    /// Age of the oldest entry.
    pub max_age: Duration,
    /// Number of entries.
    pub max_entries: u64,
}

/// Where a client that saw `offset` goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Located {
    /// At this position: everything after the offset is still in the log.
    At(Position),
    /// The log has not come to this offset yet (this hub's bus is behind the one the client was on).
    Ahead,
    /// Other epoch, or already trimmed: what lies between is lost to this client.
    Lost,
}

/// What was on the bus before this hub came to it.
#[derive(Debug)]
pub enum Past {
    /// In growing offsets.
    Publications(Vec<(Offset, Publication)>),
    /// The hub's own word.
    Signal(Signal),
}

/// The log, shared by whoever appends and by every shard. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Log {
    tail: Mutex<Tail>,
    /// Counts changes.
    version: AtomicU64,
}

/// The log as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// [`Log::version`] then.
    pub version: u64,
    /// The oldest position held.
    pub first: Position,
    /// The epoch of new entries.
    pub epoch: Epoch,
    /// The newest offset.
    pub newest: Offset,
    /// The newest offset that is not held any more, in the epoch of the entry at `first`.
    pub trimmed: Option<Offset>,
    /// Which stretch of the log belongs to which epoch.
    pub eras: Eras,
    /// What is missing in it.
    pub holes: Holes,
}

#[derive(Debug)]
struct Tail {
    sealed: VecDeque<Arc<Chunk>>,
    open: Chunk,
    retention: Retention,
    /// Of the sealed chunks, without their binary frames.
    bytes: usize,
    /// Their binary frames.
    scale: Scale,
    eras: Eras,
    holes: Holes,
    /// The newest offset appended, and the newest one already trimmed, in the era they belong to.
    newest: Offset,
    trimmed: Option<Offset>,
    scratch: Vec<u8>,
}

impl Log {
    /// An empty log whose offsets belong to `epoch`.
    pub fn new(epoch: Epoch, retention: Retention) -> Self {
        let scale = Scale::default();
        let tail = Tail {
            sealed: VecDeque::new(),
            open: Chunk::open(0, 0, &scale),
            retention,
            bytes: 0,
            scale,
            eras: Eras::new(epoch),
            holes: Holes::default(),
            newest: Offset::default(),
            trimmed: None,
            scratch: Vec::new(),
        };
        Self { tail: Mutex::new(tail), version: AtomicU64::new(1) }
    }

    /// A std mutex: nothing under it waits, and it is taken once per batch and once per pass. Poison cannot leave the tail half changed
    /// in a way a reader could see, so it is ignored.
    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends publications in the order given; each frame is encoded here, once.
    pub fn append(&self, publications: impl IntoIterator<Item = (Offset, Publication)>) {
        let mut tail = self.lock();
        tail.append(publications);
        self.changed();
    }

    /// Sequentially consistent, like a shard's word that it sleeps: one of the two always sees the other.
    fn changed(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// Appends the hub's own word to everybody, in order with the publications.
    pub fn signal(&self, signal: Signal) {
        let mut tail = self.lock();
        tail.signal(signal);
        self.changed();
    }

    /// From here on offsets belong to `epoch`, and only those after `floor` are delivered. Returns the position where the era begins.
    pub fn begin_era(&self, epoch: Epoch, floor: Offset) -> Position {
        let mut tail = self.lock();
        let at = tail.begin_era(epoch, floor);
        self.changed();
        at
    }

    /// The same with a past up to `until`: it is there for those who resume, and who is connected goes on behind it. All at once, so
    /// that nobody sees the era without its past.
    pub fn begin_era_with_past(&self, epoch: Epoch, floor: Offset, past: Vec<Past>, until: Offset) {
        let mut tail = self.lock();
        tail.begin_era(epoch, floor);
        for past in past {
            match past {
                Past::Publications(publications) => tail.append(publications),
                Past::Signal(signal) => tail.signal(signal),
            }
        }
        tail.newest = tail.newest.max(until);
        let (position, offset) = (tail.open.end(), tail.newest);
        tail.eras.go_live(position, offset);
        self.changed();
    }

    /// The current epoch and the newest offset in it: what a `welcome` says.
    pub fn now(&self) -> (Epoch, Offset) {
        let tail = self.lock();
        (tail.eras.current().epoch.clone(), tail.newest)
    }

    /// Changes the bounds; what is too much is forgotten with the next append.
    pub fn set_retention(&self, retention: Retention) {
        self.lock().retention = retention;
    }

    /// Bytes, those of both wire formats, and entries held.
    pub fn size(&self) -> (usize, u64) {
        let tail = self.lock();
        let first = tail.first();
        (tail.size(), tail.open.end() - first)
    }

    /// Counts changes: lets a shard see without the lock that there is nothing new.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Hands `take` every chunk from `next` on, the open one sealed first.
    pub fn pull(&self, next: Position, mut take: impl FnMut(&Arc<Chunk>)) -> Tip {
        let mut tail = self.lock();
        tail.seal();
        let new = tail.sealed.iter().rev().take_while(|chunk| chunk.end() > next).count();
        for chunk in tail.sealed.iter().skip(tail.sealed.len() - new) {
            take(chunk);
        }
        Tip {
            version: self.version.load(Ordering::Relaxed),
            first: tail.first(),
            epoch: tail.eras.current().epoch.clone(),
            newest: tail.newest,
            trimmed: tail.trimmed,
            eras: tail.eras.clone(),
            holes: tail.holes.clone(),
        }
    }

    /// Forgets what is older than the retention allows, also when nothing is appended any more. Returns the oldest position still held, and
    /// the newest offset that is not.
    pub fn expire(&self) -> (Position, Option<Offset>) {
        let mut tail = self.lock();
        tail.seal();
        tail.trim(Instant::now());
        (tail.first(), tail.trimmed)
    }

    /// Where a client that saw everything up to `offset` of `epoch` goes on.
    pub fn locate(&self, epoch: &str, offset: Offset) -> Located {
        let mut tail = self.lock();
        tail.seal();
        let head = tail.open.end();
        let Some(Span { start, end, floor, is_current }) = tail.eras.span(epoch, head) else { return Located::Lost };
        if is_current && offset > tail.newest {
            return Located::Ahead;
        }
        let trimmed = if tail.first() > start { tail.trimmed } else { None };
        if offset < trimmed.unwrap_or(floor) {
            return Located::Lost;
        }
        // Offsets only grow within an era, signals repeat the one before them.
        let after = tail.sealed.partition_point(|chunk| {
            chunk.end() <= start
                || (chunk.first() < end && chunk.entries().last().is_some_and(|entry| entry.offset <= offset))
        });
        let Some(chunk) = tail.sealed.get(after) else { return Located::At(end) };
        let from = chunk.first().max(start);
        let skip = (from - chunk.first()) as usize;
        let inside = chunk.entries()[skip..].partition_point(|entry| entry.offset <= offset) as Position;
        Located::At((from + inside).min(end))
    }
}

impl Tail {
    fn append(&mut self, publications: impl IntoIterator<Item = (Offset, Publication)>) {
        for (offset, publication) in publications {
            self.newest = offset;
            self.open.push(publication, offset, &mut self.scratch);
            self.seal_if_full();
        }
        self.trim(Instant::now());
    }

    fn signal(&mut self, signal: Signal) {
        if let Signal::Gap { from, to, reason } = signal {
            self.newest = self.newest.max(to);
            self.holes.push(Hole { position: self.open.end(), from, to, reason });
        }
        self.open.push_signal(signal, self.newest, &mut self.scratch);
        self.seal_if_full();
        self.trim(Instant::now());
    }

    fn begin_era(&mut self, epoch: Epoch, floor: Offset) -> Position {
        // No chunk has entries of two eras: within one, offsets only grow.
        self.seal();
        let at = self.open.end();
        self.eras.begin(at, epoch, floor);
        // The era before may have lost all its entries already.
        self.eras.trim(self.first());
        self.newest = floor;
        at
    }

    fn first(&self) -> Position {
        self.sealed.front().map_or(self.open.first(), |chunk| chunk.first())
    }

    fn size(&self) -> usize {
        self.bytes + self.scale.bytes() + if self.open.is_empty() { 0 } else { self.open.bytes() }
    }

    fn seal_if_full(&mut self) {
        if self.open.is_full(self.retention.max_bytes, self.retention.max_entries) {
            self.seal();
        }
    }

    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let end = self.open.end();
        let next = Chunk::open(end, self.open.bytes_before(end), &self.scale);
        let mut chunk = std::mem::replace(&mut self.open, next);
        chunk.shrink();
        self.bytes += chunk.bytes();
        self.sealed.push_back(Arc::new(chunk));
    }

    fn trim(&mut self, now: Instant) {
        while let Some(chunk) = self.sealed.front() {
            let kept = self.retention;
            let too_many = self.open.end() - chunk.first() > kept.max_entries;
            let too_much = self.size() > kept.max_bytes;
            let too_old = now.duration_since(chunk.opened()) > kept.max_age;
            // A message larger than the whole log is delivered, and gone with the next one.
            let is_alone = self.open.is_empty() && self.sealed.len() == 1 && chunk.entries().len() == 1;
            if !(too_old || (too_many || too_much) && !is_alone) {
                break;
            }
            self.trimmed = chunk.entries().last().map(|entry| entry.offset);
            self.bytes -= chunk.bytes();
            chunk.retire();
            self.sealed.pop_front();
        }
        let first = self.first();
        self.eras.trim(first);
        self.holes.trim(first);
    }
}
