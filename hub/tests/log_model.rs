//! The log against a model that is too simple to be wrong: a queue of whole frames for every reader.
//!
//! Whatever is published, joined, left, trimmed, cut by the kernel or begun anew, a reader gets from the log exactly the bytes its queue has.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::Bytes;
use gohub::log::{Located, Log, Position, Reader, Rest, Retention, Runs, Signal, Subscription, View};
use gohub::protocol::{
    ClientId, Epoch, Format, HubMessage, Mode, Offset, Payload, Publication, RoomName, Target, encode_publication,
};
use gohub::ws::frame;
use proptest::prelude::*;

const READERS: usize = 3;
const ROOMS: u8 = 3;
const AGE: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone)]
enum Op {
    Publish { to: u8, size: usize, batch: usize },
    Signal,
    Pull,
    Join { reader: usize, room: u8 },
    Leave { reader: usize, room: u8 },
    Write { reader: usize, max_runs: usize, max_bytes: usize, taken: f64 },
    Retain { bytes: usize, entries: u64 },
    Era { again: bool, ahead: u64 },
    Resume { reader: usize, era: usize, at: f64 },
}

fn op() -> impl Strategy<Value = Op> {
    let reader = 0..READERS;
    prop_oneof![
        8 => (0u8..8, prop_oneof![9 => 1usize..200, 1 => 200usize..70_000], 1usize..20)
            .prop_map(|(to, size, batch)| Op::Publish { to, size, batch }),
        1 => Just(Op::Signal),
        4 => Just(Op::Pull),
        2 => (reader.clone(), 0..ROOMS).prop_map(|(reader, room)| Op::Join { reader, room }),
        1 => (reader.clone(), 0..ROOMS).prop_map(|(reader, room)| Op::Leave { reader, room }),
        8 => (reader.clone(), 1usize..12, prop_oneof![1usize..500, Just(1 << 20)], 0.0f64..=1.0)
            .prop_map(|(reader, max_runs, max_bytes, taken)| Op::Write { reader, max_runs, max_bytes, taken }),
        1 => (1usize..1 << 18, 1u64..200).prop_map(|(bytes, entries)| Op::Retain { bytes, entries }),
        1 => (any::<bool>(), 0u64..50).prop_map(|(again, ahead)| Op::Era { again, ahead }),
        2 => (reader, 0usize..4, 0.0f64..=1.2).prop_map(|(reader, era, at)| Op::Resume { reader, era, at }),
    ]
}

fn room(number: u8) -> Target {
    Target::Room(RoomName::parse(&format!("room {number}")).unwrap())
}

fn mailbox(number: usize) -> Target {
    Target::Client(ClientId::parse(&format!("client-{number}")).unwrap())
}

fn target(number: u8) -> Target {
    match number {
        0..ROOMS => room(number),
        3 | 4 => mailbox(usize::from(number - 3)),
        _ => Target::Broadcast,
    }
}

/// An entry as the model has it.
struct Entry {
    target: Target,
    offset: Offset,
    is_signal: bool,
    json: Vec<u8>,
    cbor: Vec<u8>,
}

impl Entry {
    fn frame(&self, format: Format) -> &[u8] {
        match format {
            Format::Json => &self.json,
            Format::Cbor => &self.cbor,
        }
    }
}

fn framed(format: Format, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    frame::with(frame::opcode(format), &mut out, write);
    out
}

struct ModelEra {
    epoch: String,
    start: Position,
    floor: Offset,
}

struct ModelReader {
    format: Format,
    since: Position,
    cursor: Position,
    subscriptions: Vec<(Target, Subscription)>,
    rest: Option<Rest>,
    /// Positions still to be begun.
    queue: VecDeque<Position>,
    /// What is left of a frame that was cut.
    cut: Vec<u8>,
}

impl ModelReader {
    fn wants(&self, target: &Target, position: Position) -> bool {
        match target {
            Target::Broadcast => position >= self.since,
            _ => self.subscriptions.iter().any(|(mine, sub)| mine == target && sub.since <= position),
        }
    }
}

struct World {
    log: Log,
    view: View,
    retention: Retention,
    entries: Vec<Entry>,
    eras: Vec<ModelEra>,
    readers: Vec<ModelReader>,
    next: Offset,
    newest: Offset,
    epochs: u32,
}

impl World {
    fn new() -> Self {
        let retention = Retention { max_bytes: 1 << 20, max_age: AGE, max_entries: 1000 };
        let log = Log::new(Epoch::parse("e0").unwrap(), retention);
        let mut view = View::new(&log);
        let reader = |number: usize| {
            let target = mailbox(number);
            let subscription = Subscription { stream: view.retain(&target), since: 0 };
            ModelReader {
                format: if number == 1 { Format::Cbor } else { Format::Json },
                since: 0,
                cursor: 0,
                subscriptions: vec![(target, subscription)],
                rest: None,
                queue: VecDeque::new(),
                cut: Vec::new(),
            }
        };
        let readers = (0..READERS).map(reader).collect();
        let eras = vec![ModelEra { epoch: "e0".to_owned(), start: 0, floor: Offset::ZERO }];
        let (next, newest) = (Offset::new(1, 0), Offset::ZERO);
        Self { log, view, retention, entries: vec![], eras, readers, next, newest, epochs: 0 }
    }

    fn head(&self) -> Position {
        self.entries.len() as Position
    }

    fn publish(&mut self, to: u8, size: usize, batch: usize) {
        let mut publications = Vec::new();
        for index in 0..batch {
            let publication = Publication {
                target: target(to),
                id: 1000,
                message_type: None,
                data: Some(match index % 3 {
                    0 => Payload::Binary(Bytes::from(vec![7; size])),
                    _ => Payload::json(format!("\"{}\"", "y".repeat(size))).unwrap(),
                }),
                from: None,
                ts: 1,
                key: None,
            };
            let offset = self.next;
            let encoded = |format| framed(format, |out| encode_publication(format, &publication, offset, out));
            let (json, cbor) = (encoded(Format::Json), encoded(Format::Cbor));
            self.entries.push(Entry { target: publication.target.clone(), offset, is_signal: false, json, cbor });
            publications.push((offset, publication));
            self.newest = offset;
            self.next = if index % 4 == 0 {
                Offset::new(offset.major + 2, 0)
            } else {
                Offset::new(offset.major, offset.minor + 1)
            };
        }
        self.log.append(publications);
        self.check_caps();
    }

    fn signal(&mut self) {
        let signal = Signal::Mode { mode: Mode::Degraded, reason: "of a test".to_owned() };
        let message = HubMessage::Mode { mode: Mode::Degraded, reason: "of a test" };
        let encoded = |format| framed(format, |out| message.encode(format, out));
        let (json, cbor) = (encoded(Format::Json), encoded(Format::Cbor));
        self.entries.push(Entry { target: Target::Broadcast, offset: self.newest, is_signal: true, json, cbor });
        self.log.signal(signal);
        self.check_caps();
    }

    /// The log keeps to its bounds, unless a single chunk is more than all of it.
    fn check_caps(&self) {
        let (bytes, entries) = self.log.size();
        assert!(entries <= self.retention.max_entries, "{entries} entries");
        let largest = self.entries.iter().rev().take(64).map(|entry| entry.json.len() + 200).max().unwrap_or(0);
        let newest_chunk = self.retention.max_bytes / 8 + 2 * largest + 1000;
        assert!(bytes <= self.retention.max_bytes.max(newest_chunk), "{bytes} bytes of {:?}", self.retention);
    }

    fn pull(&mut self) {
        let before = self.view.head();
        let pulled = self.view.pull(&self.log, |_| {});
        assert_eq!(pulled.until, self.head());
        let first = self.view.first();
        for reader in &mut self.readers {
            for position in before..self.entries.len() as Position {
                if reader.wants(&self.entries[position as usize].target, position) {
                    reader.queue.push_back(position);
                }
            }
        }
        self.lose_before(first);
    }

    fn lose_before(&mut self, first: Position) {
        for reader in &mut self.readers {
            reader.queue.retain(|position| *position >= first);
            reader.cursor = reader.cursor.max(first);
        }
    }

    fn join(&mut self, reader: usize, number: u8) {
        self.pull();
        let (target, head) = (room(number), self.view.head());
        let reader = &mut self.readers[reader];
        if !reader.subscriptions.iter().any(|(mine, _)| *mine == target) {
            let subscription = Subscription { stream: self.view.retain(&target), since: head };
            reader.subscriptions.push((target, subscription));
        }
    }

    fn leave(&mut self, reader: usize, number: u8) {
        let target = room(number);
        let reader = &mut self.readers[reader];
        if let Some(at) = reader.subscriptions.iter().position(|(mine, _)| *mine == target) {
            let (_, subscription) = reader.subscriptions.remove(at);
            self.view.release(subscription.stream);
            reader.queue.retain(|position| self.entries[*position as usize].target != target);
        }
    }

    /// One write of one reader, of which the kernel takes a part.
    fn write(&mut self, reader: usize, max_runs: usize, max_bytes: usize, taken: f64) {
        let reader = &mut self.readers[reader];
        let subscriptions: Vec<Subscription> = reader.subscriptions.iter().map(|(_, sub)| *sub).collect();
        let asks = Reader { format: reader.format, since: reader.since, subscriptions: &subscriptions };
        let window = reader.cursor..self.view.head();
        let publications = reader.queue.iter().filter(|position| !self.entries[**position as usize].is_signal);
        assert_eq!(self.view.count(asks, window.clone()), publications.count() as u64);
        let mut runs = Runs::default();
        self.view.gather(asks, window.clone(), max_runs, max_bytes, &mut runs);

        let carried = runs.count() as usize;
        let expected: Vec<u8> = reader
            .queue
            .iter()
            .take(carried)
            .flat_map(|position| self.entries[*position as usize].frame(reader.format).to_vec())
            .collect();
        let mut slices = Vec::new();
        runs.slices(reader.format, &mut slices);
        let offered: Vec<u8> = slices.iter().flat_map(|slice: &IoSlice<'_>| slice.to_vec()).collect();
        assert!(offered == expected, "the runs are the first {carried} frames of the queue");
        assert_eq!(runs.bytes(), offered.len());
        assert_eq!(runs.more(), reader.queue.get(carried).copied());
        assert!(carried > 0 || reader.queue.is_empty(), "a write carries at least one frame");

        // First what is left of the frame that was cut last time.
        let mut left = ((reader.cut.len() + offered.len()) as f64 * taken) as usize;
        if let Some(rest) = reader.rest.take() {
            assert!(rest.data() == reader.cut, "the rest is the end of the frame");
            let n = left.min(reader.cut.len());
            left -= n;
            reader.cut.drain(..n);
            reader.rest = rest.advance(n);
            assert_eq!(reader.rest.is_none(), reader.cut.is_empty());
        }
        if !reader.cut.is_empty() {
            return;
        }
        let (begun, next, rest) = runs.taken(reader.format, left);
        let mut bytes = left;
        for _ in 0..begun {
            let position = reader.queue.pop_front().unwrap();
            let frame = self.entries[position as usize].frame(reader.format);
            let n = bytes.min(frame.len());
            bytes -= n;
            reader.cut = frame[n..].to_vec();
        }
        assert_eq!(bytes, 0, "what was taken belongs to the frames that were begun");
        assert_eq!(rest.as_ref().map_or(&[][..], Rest::data), reader.cut);
        assert_eq!(next, reader.queue.front().copied());
        reader.rest = rest;
        reader.cursor = next.unwrap_or(self.view.head());
    }

    fn retain(&mut self, bytes: usize, entries: u64) {
        self.retention = Retention { max_bytes: bytes, max_age: AGE, max_entries: entries };
        self.log.set_retention(self.retention);
        self.log.expire();
        self.check_caps();
        self.view.expire(&self.log);
        let first = self.view.first();
        self.lose_before(first);
    }

    fn era(&mut self, again: bool, ahead: u64) {
        self.epochs += 1;
        // The same epoch again (the cluster was off for a while) goes on behind what it had.
        let old = self.eras.first().filter(|_| again && self.eras.len() > 1).map(|era| era.epoch.clone());
        let floor = match old {
            Some(_) => Offset::new(self.newest.major.max(self.next.major) + ahead, 0),
            None => Offset::new(ahead, 0),
        };
        let epoch = old.unwrap_or_else(|| format!("e{}", self.epochs));
        let start = self.log.begin_era(Epoch::parse(&epoch).unwrap(), floor);
        assert_eq!(start, self.head());
        self.eras.retain(|era| era.start < start);
        self.eras.push(ModelEra { epoch, start, floor });
        self.next = Offset::new(floor.major + 1, 0);
        self.newest = floor;
    }

    /// What locating must answer, from the entries themselves.
    fn located(&self, era: usize, offset: Offset, first: Position) -> Located {
        let ModelEra { epoch, .. } = &self.eras[era];
        // The newest era of that name, and only while it has entries or is the current one.
        let index = self.eras.iter().rposition(|other| other.epoch == *epoch).unwrap();
        let ModelEra { start, floor, .. } = self.eras[index];
        let end = self.eras.get(index + 1).map(|next| next.start);
        if end.is_some_and(|end| end <= first) {
            return Located::Lost;
        }
        if end.is_none() && offset > self.newest {
            return Located::Ahead;
        }
        let end = end.unwrap_or(self.head());
        let after = (start..end).find(|position| self.entries[*position as usize].offset > offset).unwrap_or(end);
        if offset < floor && start >= first || after < first { Located::Lost } else { Located::At(after) }
    }

    fn resume(&mut self, reader: usize, era: usize, at: f64) {
        self.pull();
        let era = era % self.eras.len();
        let start = self.eras[era].start;
        let end = self.eras.get(era + 1).map_or(self.head(), |next| next.start);
        let at = (start as f64 + (end - start) as f64 * at) as usize;
        let offset = match self.entries.get(at) {
            Some(entry) if (at as Position) < end => entry.offset,
            _ => Offset::new(self.newest.major + (at % 3) as u64, 0),
        };
        let (bytes_before, _) = self.log.size();
        let first = self.head() - self.log.size().1;
        let expected = self.located(era, offset, first);
        let found = self.log.locate(&self.eras[era].epoch, offset);
        assert_eq!(found, expected, "offset {offset} of {}, first {first}", self.eras[era].epoch);
        assert_eq!(self.log.size().0, bytes_before);
        if let Located::At(position) = found {
            let reader = &mut self.readers[reader];
            reader.since = position;
            reader.cursor = position;
            reader.subscriptions.iter_mut().for_each(|(_, sub)| sub.since = position);
            let all = position..self.entries.len() as Position;
            reader.queue = all.filter(|at| reader.wants(&self.entries[*at as usize].target, *at)).collect();
        }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Publish { to, size, batch } => self.publish(to, size, batch),
            Op::Signal => self.signal(),
            Op::Pull => self.pull(),
            Op::Join { reader, room } => self.join(reader, room),
            Op::Leave { reader, room } => self.leave(reader, room),
            Op::Write { reader, max_runs, max_bytes, taken } => self.write(reader, max_runs, max_bytes, taken),
            Op::Retain { bytes, entries } => self.retain(bytes, entries),
            Op::Era { again, ahead } => self.era(again, ahead),
            Op::Resume { reader, era, at } => self.resume(reader, era, at),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_gets_what_a_queue_of_its_own_would_have(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
        }
        // At last everybody reads to the end.
        world.pull();
        for reader in 0..READERS {
            while !world.readers[reader].queue.is_empty() || !world.readers[reader].cut.is_empty() {
                world.write(reader, 1000, 1 << 20, 1.0);
            }
        }
        // And when all is trimmed and nobody reads, nothing is kept.
        for reader in 0..READERS {
            for (_, subscription) in std::mem::take(&mut world.readers[reader].subscriptions) {
                world.view.release(subscription.stream);
            }
        }
        world.log.set_retention(Retention { max_age: Duration::ZERO, ..world.retention });
        std::thread::yield_now();
        prop_assert!(world.log.expire().0 <= world.head());
        while world.log.expire().0 < world.head() {}
        world.view.expire(&world.log);
        prop_assert_eq!(world.view.stream_count(), 1, "broadcast alone");
        prop_assert_eq!(world.log.size(), (0, 0));
    }
}
