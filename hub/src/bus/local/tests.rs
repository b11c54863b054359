//! The local bus keeps the contract of every bus.

use std::time::Duration;

use super::*;
use crate::bus::fixture::{Remembering, publication};

const LIMITS: SeenLimits = SeenLimits { max_keys: 10, max_age: Duration::from_secs(60) };

fn publish(bus: &LocalBus, key: Option<&str>) -> Result<Offset, PublishError> {
    let (receipt, answer) = Receipt::channel();
    bus.publish(publication(key), receipt);
    futures::executor::block_on(answer)
}

#[test]
fn what_is_published_is_in_the_log_before_publish_returns() {
    let log = Remembering::new();
    let bus = LocalBus::new(log.clone(), LIMITS);
    assert_eq!(log.notices(), ["epoch since 0-0", "normal"]);
    bus.publish(publication(None), Receipt::none());
    assert_eq!(log.offsets(), [Offset::new(1, 0)]);
    assert_eq!(publish(&bus, None), Ok(Offset::new(2, 0)));
    assert!(bus.health().delivering);
}

#[test]
fn s90_the_same_key_is_delivered_once_and_answered_with_the_first_offset() {
    let log = Remembering::new();
    let bus = LocalBus::new(log.clone(), LIMITS);
    let first = publish(&bus, Some("k"));
    assert_eq!(publish(&bus, Some("k")), first);
    assert_eq!(publish(&bus, Some("other")), Ok(Offset::new(2, 0)));
    assert_eq!(log.offsets().len(), 2);
}

#[test]
fn every_start_has_an_epoch_of_its_own() {
    let buses = [LocalBus::new(Remembering::new(), LIMITS), LocalBus::new(Remembering::new(), LIMITS)];
    assert_ne!(buses[0].epoch(), buses[1].epoch());
    assert!(format!("{:?}", buses[0]).contains(buses[0].epoch().as_str()));
}

#[test]
fn shards_that_publish_at_once_get_one_order() {
    let log = Remembering::new();
    let bus = LocalBus::new(log.clone(), LIMITS);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| bus.publish(publication(None), Receipt::none())));
        }
    });
    assert_eq!(log.offsets(), (1..=2000).map(|major| Offset::new(major, 0)).collect::<Vec<_>>());
}

#[test]
fn a_closed_bus_takes_nothing() {
    let bus = LocalBus::new(Remembering::new(), LIMITS);
    futures::executor::block_on(bus.close());
    assert_eq!(publish(&bus, None), Err(PublishError::Closed));
    assert!(!bus.health().delivering);
}
