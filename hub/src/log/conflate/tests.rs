//! Conflation against a model that is too simple to be wrong: a list of what waits, gone through by hand.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::log::{Log, Retention, Signal};
use crate::protocol::{ClientId, Epoch, Format, Mode, Offset, Payload, Publication, RoomName, Target};

const ROOMS: u8 = 3;

/// A publication as the model has it; `None` for the hub's own word.
type Said = Option<(Target, Option<String>, usize)>;

fn target(number: u8) -> Target {
    match number {
        0..ROOMS => Target::Room(RoomName::parse(&format!("r{number}")).expect("a name")),
        3 => Target::Client(ClientId::parse("me").expect("a name")),
        _ => Target::Broadcast,
    }
}

fn key() -> impl Strategy<Value = Option<String>> {
    // Few names, so that they come again; some keys are for repetition alone.
    prop_oneof![
        2 => Just(None),
        1 => any::<u32>().prop_map(|random| Some(format!("{random}"))),
        6 => (0u8..4, any::<u16>()).prop_map(|(name, random)| Some(format!("k\"{name}#{random}"))),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => Just(None),
        12 => (0u8..6, key(), 1usize..300).prop_map(|(number, key, size)| Some((target(number), key, size))),
    ]
}

fn log_of(all: &[Said]) -> Log {
    let log = Log::new(
        Epoch::from(1),
        Retention { max_bytes: 1 << 30, max_age: Duration::from_secs(3600), max_entries: 1 << 30 },
    );
    for (number, said) in (1..).zip(all) {
        match said {
            None => log.signal(Signal::Mode { mode: Mode::Normal, reason: String::new() }),
            Some((target, key, size)) => log.append([(
                Offset::new(number, 0),
                Publication {
                    target: target.clone(),
                    id: 22,
                    message_type: None,
                    data: Payload::json(format!("\"{}\"", "x".repeat(*size))).ok(),
                    from: None,
                    ts: 0,
                    key: key.as_deref().map(Into::into),
                },
            )]),
        }
        if number % 7 == 0 {
            // Chunks end wherever a shard happens to pull.
            log.pull(0, |_| {});
        }
    }
    log
}

/// Positions that wait, what is kept of them, how many were superseded, how many dropped.
fn model(
    all: &[Said],
    waits: impl Fn(Position) -> bool,
    length: impl Fn(Position) -> usize,
    allowance: Allowance,
) -> Kept {
    let waiting: Vec<Position> = (0..all.len() as Position).filter(|position| waits(*position)).collect();
    let of = |position: Position| all[position as usize].as_ref();
    let name = |position: Position| {
        let (target, key, _) = of(position)?;
        Some((target.clone(), key.as_deref()?.split_once('#')?.0.to_owned()))
    };
    let is_newest = |position: Position| {
        !waiting.iter().any(|later| *later > position && name(*later).is_some() && name(*later) == name(position))
    };
    let (mut kept, mut bytes) = (Kept::default(), 0);
    for position in waiting.iter().copied().rev() {
        match (of(position), name(position)) {
            (None, _) => kept.positions.push(position),
            (Some(_), None) => {}
            (Some(_), Some(_)) if !is_newest(position) => kept.conflated += 1,
            _ if bytes + length(position) > allowance.bytes || kept.positions.len() >= allowance.entries => {
                kept.dropped += 1;
            }
            _ => {
                bytes += length(position);
                kept.positions.push(position);
            }
        }
    }
    let free: Vec<Position> = waiting.into_iter().filter(|p| of(*p).is_some() && name(*p).is_none()).collect();
    let fits = bytes + free.iter().map(|p| length(*p)).sum::<usize>() <= allowance.bytes
        && kept.positions.len() + free.len() <= allowance.entries;
    if fits && free.first().is_none_or(|oldest| *oldest >= allowance.young) {
        kept.positions.extend(free);
    } else {
        kept.dropped += free.len() as u64;
    }
    kept.positions.sort_unstable();
    kept
}

proptest! {
    #[test]
    fn a_lagging_reader_gets_what_the_model_says(
        all in prop::collection::vec(said(), 1..80),
        rooms in prop::collection::vec((0..ROOMS, 0u64..40), 0..3),
        [since, cursor] in [0u64..60, 0u64..80],
        (bytes, entries, young) in (0usize..12_000, 0usize..60, 0u64..60),
        asked in prop::collection::hash_set(0u64..80, 0..10),
        is_binary: bool,
    ) {
        let log = log_of(&all);
        let mut view = View::new(&log);
        let end = all.len() as Position;
        let format = if is_binary { Format::Cbor } else { Format::Json };
        let mailbox = Subscription { stream: view.retain(&target(3)), since: 0 };
        let mut joined = HashSet::new();
        let rooms: Vec<(u8, u64)> = rooms.into_iter().filter(|(room, _)| joined.insert(*room)).collect();
        let rooms_in = rooms.iter().map(|(room, since)| (view.retain(&target(*room)), *since));
        let mut subscriptions: Vec<Subscription> =
            rooms_in.collect::<Vec<_>>().into_iter().map(|(stream, since)| Subscription { stream, since }).collect();
        subscriptions.insert(0, mailbox);
        let cursor = cursor.min(end);
        let mut older: Vec<Position> = asked.into_iter().filter(|position| *position < cursor).collect();
        older.sort_unstable();
        let allowance = Allowance { bytes, entries, young };
        let waits = |position: Position| {
            let is_for_it = match all[position as usize].as_ref().map_or(Target::Broadcast, |(target, ..)| target.clone()) {
                Target::Broadcast => position >= since,
                Target::Client(_) => true,
                room => rooms.iter().any(|(number, since)| target(*number) == room && position >= *since),
            };
            older.contains(&position) || (position >= cursor && is_for_it)
        };
        let length = |position: Position| {
            let chunk = &view.chunks[view.chunk_index(position)];
            chunk.range(format, position..position + 1).len()
        };
        let expected = model(&all, waits, length, allowance);
        let reader = Reader { format, since, subscriptions: &subscriptions };
        prop_assert_eq!(view.conflate(reader, &older, cursor..end, allowance), expected);
    }
}

#[test]
fn what_was_made_for_conflation_is_part_of_the_logs_size() {
    let all: Vec<Said> = (0..100).map(|n| Some((Target::Broadcast, Some(format!("k#{n}")), 10))).collect();
    let log = log_of(&all);
    let view = View::new(&log);
    let before = log.size().0;
    let reader = Reader { format: Format::Json, since: 0, subscriptions: &[] };
    let allowance = Allowance { bytes: 1 << 20, entries: 1000, young: 0 };
    let kept = view.conflate(reader, &[], 0..100, allowance);
    assert_eq!((kept.positions, kept.conflated, kept.dropped), (vec![99], 99, 0));
    assert_eq!(log.size().0, before + 100 * size_of::<u64>());
    view.conflate(reader, &[], 0..100, allowance);
    assert_eq!(log.size().0, before + 100 * size_of::<u64>(), "once");
}
