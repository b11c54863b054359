//! A chunk: a stretch of the log whose frames lie one after the other in one buffer, per wire format.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::Instant;

use super::Position;
use super::conflate;
use super::transcode::transcode;
use super::weight::{Scale, Weight};
use crate::protocol::{
    Format, GapReason, HubMessage, Mode, Offset, Publication, Target, conflation_key, encode_publication,
};
use crate::ws::frame;

/// Chunks are sealed at this size even when nobody pulls, so that retention can trim in small steps.
const SEAL_BYTES: usize = 1 << 20;
const SEAL_ENTRIES: u64 = 8192;
/// A full log has at least so many chunks.
const CHUNKS: usize = 8;

/// What the hub itself says to every connection, in order with the publications around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The bus lost what lay between the two offsets: nobody on this hub will get it.
    Gap {
        /// The first offset that may be missing.
        from: Offset,
        /// The last one.
        to: Offset,
        /// Why.
        reason: GapReason,
    },
    /// The bus works normally again, or does not.
    Mode {
        /// The new mode.
        mode: Mode,
        /// For a human; no secrets.
        reason: String,
    },
}

impl Signal {
    fn encode(&self, format: Format, out: &mut Vec<u8>) {
        match self {
            Self::Gap { from, to, reason } => {
                HubMessage::Gap { from: *from, to: *to, count: None, reason: *reason, room: None, offset: None }
                    .encode(format, out);
            }
            Self::Mode { mode, reason } => HubMessage::Mode { mode: *mode, reason }.encode(format, out),
        }
    }
}

/// One entry: who it is for and where it stands in the bus's order.
#[derive(Debug)]
pub struct Entry {
    /// Who gets it.
    pub target: Target,
    /// The offset clients see.
    pub offset: Offset,
    signal: Option<Box<Signal>>,
}

impl Entry {
    /// The hub's own word, when it is one.
    pub fn signal(&self) -> Option<&Signal> {
        self.signal.as_deref()
    }
}

/// The frames of a chunk in one wire format.
#[derive(Debug, Default)]
struct Frames {
    bytes: Vec<u8>,
    /// `ends[i]` is where the frame of entry `i` ends in `bytes`.
    ends: Vec<u32>,
}

impl Frames {
    fn push(&mut self, format: Format, payload: &[u8]) {
        frame::header(frame::opcode(format), payload.len(), &mut self.bytes);
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len() as u32);
    }

    fn start(&self, index: usize) -> u32 {
        index.checked_sub(1).map_or(0, |previous| self.ends[previous])
    }
}

/// A stretch of the log. Appended to while it is open, then shared for reading only.
#[derive(Debug)]
pub struct Chunk {
    first: Position,
    /// JSON bytes of the log before this chunk, since the process began.
    base: u64,
    entries: Vec<Entry>,
    json: Frames,
    /// Made from the JSON frames when the first binary reader comes by: once per chunk, for all shards.
    cbor: OnceLock<Frames>,
    /// What each entry is the newest of, 0: nothing. Found out for the first slow reader whose messages are conflated.
    classes: OnceLock<Box<[u64]>>,
    weight: Weight,
    opened: Instant,
}

impl Chunk {
    pub(super) fn open(first: Position, base: u64, scale: &Scale) -> Self {
        Self {
            first,
            base,
            entries: Vec::new(),
            json: Frames::default(),
            cbor: OnceLock::new(),
            classes: OnceLock::new(),
            weight: Weight::of(scale),
            opened: Instant::now(),
        }
    }

    pub(super) fn push(&mut self, publication: Publication, offset: Offset, scratch: &mut Vec<u8>) {
        scratch.clear();
        encode_publication(Format::Json, &publication, offset, scratch);
        self.json.push(Format::Json, scratch);
        self.add(Entry { target: publication.target, offset, signal: None });
    }

    pub(super) fn push_signal(&mut self, signal: Signal, offset: Offset, scratch: &mut Vec<u8>) {
        scratch.clear();
        signal.encode(Format::Json, scratch);
        self.json.push(Format::Json, scratch);
        self.add(Entry { target: Target::Broadcast, offset, signal: Some(Box::new(signal)) });
    }

    /// The time is that of its first entry, not of the silence before.
    fn add(&mut self, entry: Entry) {
        if self.entries.is_empty() {
            self.opened = Instant::now();
        }
        self.entries.push(entry);
    }

    /// Whether it should be sealed in a log of this size: a small log has small chunks, because it is trimmed by whole ones.
    pub(super) fn is_full(&self, max_bytes: usize, max_entries: u64) -> bool {
        self.bytes() >= SEAL_BYTES.min(max_bytes / CHUNKS)
            || self.entries.len() as u64 >= SEAL_ENTRIES.min(max_entries / CHUNKS as u64)
    }

    /// It is no part of the log any more.
    pub(super) fn retire(&self) {
        self.weight.take_off();
    }

    pub(super) fn shrink(&mut self) {
        self.json.bytes.shrink_to_fit();
        self.json.ends.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// The position of its first entry.
    pub fn first(&self) -> Position {
        self.first
    }

    /// The position after its last entry.
    pub fn end(&self) -> Position {
        self.first + self.entries.len() as Position
    }

    /// JSON bytes of the log before `position` (in this chunk, or its end), since the process began: differences are sizes.
    pub(super) fn bytes_before(&self, position: Position) -> u64 {
        self.base + u64::from(self.json.start((position - self.first) as usize))
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the first entry was appended: the start of the fan-out latency.
    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// The entries in order; the first one stands at [`first`](Self::first).
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry at `position`, which must lie in this chunk.
    pub fn entry(&self, position: Position) -> &Entry {
        &self.entries[(position - self.first) as usize]
    }

    /// What it costs in memory without its binary frames, in bytes.
    pub fn bytes(&self) -> usize {
        let entry = size_of::<Entry>() + size_of::<u32>() + size_of::<Position>();
        size_of::<Self>() + self.json.bytes.len() + self.entries.len() * entry
    }

    fn frames(&self, format: Format) -> &Frames {
        match format {
            Format::Json => &self.json,
            Format::Cbor => self.cbor.get_or_init(|| self.transcoded()),
        }
    }

    fn transcoded(&self) -> Frames {
        let mut frames = Frames::default();
        let mut scratch = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            scratch.clear();
            match &entry.signal {
                Some(signal) => signal.encode(Format::Cbor, &mut scratch),
                None => transcode(self.payload_at(&self.json, index), &mut scratch),
            }
            frames.push(Format::Cbor, &scratch);
        }
        self.weight.put(frames.bytes.len() + frames.ends.len() * size_of::<u32>());
        frames
    }

    fn payload_at<'a>(&self, frames: &'a Frames, index: usize) -> &'a [u8] {
        let whole = &frames.bytes[frames.start(index) as usize..frames.ends[index] as usize];
        frame::payload(whole)
    }

    /// All frames of the chunk in `format`, one after the other.
    pub fn data(&self, format: Format) -> &[u8] {
        &self.frames(format).bytes
    }

    /// The byte range of the frames of `positions` (within this chunk) in [`data`](Self::data).
    pub fn range(&self, format: Format, positions: Range<Position>) -> Range<u32> {
        let frames = self.frames(format);
        let from = (positions.start - self.first) as usize;
        let to = (positions.end - self.first) as usize;
        frames.start(from)..frames.start(to)
    }

    /// The position whose frame holds byte `at` of [`data`](Self::data).
    pub fn position_of(&self, format: Format, at: u32) -> Position {
        self.first + self.frames(format).ends.partition_point(|end| *end <= at) as Position
    }

    /// The message of `position` without its WebSocket header: what a `history` reply embeds.
    pub fn payload(&self, format: Format, position: Position) -> &[u8] {
        self.payload_at(self.frames(format), (position - self.first) as usize)
    }

    /// What the entry at `position` is the newest of, when it has a conflation key.
    pub(super) fn class(&self, position: Position) -> Option<u64> {
        let classes = self.classes.get_or_init(|| {
            let entries = self.entries.iter().enumerate();
            let classes = entries.map(|(index, entry)| match entry.signal {
                Some(_) => 0,
                None => conflation_key(self.payload_at(&self.json, index))
                    .map_or(0, |key| conflate::class(&entry.target, key)),
            });
            let classes: Box<[u64]> = classes.collect();
            self.weight.put(size_of_val(&*classes));
            classes
        });
        Some(classes[(position - self.first) as usize]).filter(|class| *class != 0)
    }

    /// Whether the entry at `position` is the hub's own word and not a publication.
    pub fn is_signal(&self, position: Position) -> bool {
        self.entry(position).signal().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_as_old_as_its_first_entry_and_not_as_the_silence_before_it() {
        let mut chunk = Chunk::open(0, 0, &Scale::default());
        let say = |chunk: &mut Chunk| {
            let signal = Signal::Mode { mode: Mode::Normal, reason: "".into() };
            chunk.push_signal(signal, Offset::default(), &mut Vec::new());
        };
        let silent_until = Instant::now();
        while Instant::now() == silent_until {}
        let first = Instant::now();
        say(&mut chunk);
        let opened = chunk.opened();
        assert!(
            opened >= first,
            "it would be forgotten, and its readers called slow, too soon by {:?}",
            first - opened
        );
        say(&mut chunk);
        assert_eq!(chunk.opened(), opened);
    }
}
