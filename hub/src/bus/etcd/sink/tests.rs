//! Every publication once, in order, and every loss named.

use std::time::Duration;

use super::*;
use crate::bus::batch::BatchId;
use crate::bus::fixture::{Remembering, publication};
use crate::bus::is_local_only;

const OWN: u64 = 7;

fn sink(log: &Arc<Remembering>) -> (Sink, Arc<BusMetrics>) {
    let metrics = Arc::new(BusMetrics::default());
    let limits = SeenLimits { max_keys: 10, max_age: Duration::from_secs(60) };
    (Sink::new(log.clone(), Arc::clone(&metrics), limits), metrics)
}

fn group(revision: u64, writer: u64, counter: u64, keys: &[Option<&str>]) -> Group {
    let publications = (0..).zip(keys).map(|(index, key)| (index, publication(*key))).collect();
    Group { revision, first: 0, batch: Some(BatchId { writer, counter }), publications, bytes: 10 }
}

#[test]
fn s90_a_batch_that_was_put_twice_is_delivered_once() {
    let log = Remembering::new();
    let (sink, metrics) = sink(&log);
    let returned = sink.deliver(vec![group(5, OWN, 1, &[None, None]), group(6, OWN, 1, &[None, None])], OWN);
    assert_eq!(log.offsets(), [Offset::new(5, 0), Offset::new(5, 1)]);
    let offsets = vec![(0, Offset::new(5, 0)), (1, Offset::new(5, 1))];
    assert_eq!(returned, [Returned { counter: 1, revision: 5, offsets }]);
    assert_eq!(metrics.duplicates.get(), 2);
    assert_eq!(sink.deliver(vec![group(7, 8, 1, &[None])], OWN), []);
}

#[test]
fn s90_a_key_that_was_seen_is_answered_with_the_first_offset() {
    let log = Remembering::new();
    let (sink, _) = sink(&log);
    sink.deliver(vec![group(5, 8, 1, &[Some("k")])], OWN);
    let returned = sink.deliver(vec![group(6, OWN, 1, &[None, Some("k")])], OWN);
    assert_eq!(returned[0].offsets, [(0, Offset::new(6, 0)), (1, Offset::new(5, 0))]);
    assert_eq!(log.offsets(), [Offset::new(5, 0), Offset::new(6, 0)]);
    assert_eq!(sink.find(&publication(Some("k"))), Some(Offset::new(5, 0)));
    assert_eq!(sink.find(&publication(None)), None);
}

#[test]
fn what_is_delivered_here_only_stands_between_two_revisions() {
    let log = Remembering::new();
    let (sink, _) = sink(&log);
    sink.deliver(vec![group(5, 8, 1, &[None])], OWN);
    sink.progress(6);
    let (first, second) = (sink.deliver_here(publication(Some("k"))), sink.deliver_here(publication(None)));
    assert!(is_local_only(first) && first < second && second < Offset::new(7, 0));
    assert_eq!(sink.deliver_here(publication(Some("k"))), first);
    sink.deliver(vec![group(7, 8, 2, &[None])], OWN);
    assert!(log.offsets().is_sorted());
}

#[test]
fn a_gap_names_what_is_lost_and_an_empty_one_is_none() {
    let log = Remembering::new();
    let (sink, metrics) = sink(&log);
    sink.begin(Epoch::from(1), 4, 4, false);
    sink.deliver(vec![group(5, 8, 1, &[None])], OWN);
    sink.gap(9, GapReason::Compacted);
    sink.gap(9, GapReason::Compacted);
    sink.mode(Mode::Degraded, "why");
    let last = LOCAL_ONLY_MINOR - 1;
    assert_eq!(
        log.notices(),
        [format!("epoch since 4-{last}"), format!("gap 6-0 9-{last} compacted"), "degraded".to_owned()]
    );
    assert_eq!(metrics.gaps.get(), 1);
}

#[test]
fn another_epoch_forgets_what_was_seen_and_says_what_is_missing() {
    let log = Remembering::new();
    let (sink, _) = sink(&log);
    sink.deliver(vec![group(5, 8, 1, &[Some("k")])], OWN);
    sink.begin(Epoch::from(2), 1, 3, true);
    assert_eq!((sink.epoch(), sink.find(&publication(Some("k")))), (Epoch::from(2), None));
    let last = LOCAL_ONLY_MINOR - 1;
    assert_eq!(log.notices(), [format!("epoch since 1-{last}"), format!("gap 0-0 1-{last} epoch_changed")]);
    sink.deliver(vec![group(2, 8, 1, &[None])], OWN);
    assert_eq!(log.offsets().len(), 2);
}

#[test]
fn what_was_said_before_is_told_apart_and_ends_once() {
    let log = Remembering::new();
    let (sink, _) = sink(&log);
    sink.begin(Epoch::from(1), 4, 6, false);
    sink.caught_up();
    sink.caught_up();
    let last = LOCAL_ONLY_MINOR - 1;
    assert_eq!(log.notices(), [format!("epoch since 4-{last}, past until 6-{last}"), "caught up".to_owned()]);
}

#[test]
fn the_writer_silent_for_longest_is_forgotten() {
    let (sink, _) = sink(&Remembering::new());
    for writer in 0..=MAX_WRITERS as u64 {
        sink.deliver(vec![group(writer + 1, writer, 1, &[None])], OWN);
    }
    let state = sink.state();
    assert!(state.writers.len() == MAX_WRITERS && !state.writers.contains_key(&0));
}
