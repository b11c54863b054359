//! The bus changes, nothing that was accepted is lost, and the order holds.

use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::bus::fixture::{Remembering, publication};
use crate::bus::{LocalBus, SeenLimits};
use crate::protocol::Offset;

const LIMITS: SeenLimits = SeenLimits { max_keys: 10, max_age: Duration::from_secs(60) };

#[tokio::test]
async fn what_is_published_during_the_change_goes_to_the_new_bus_in_order() {
    let log = Remembering::new();
    let switch = Arc::new(Switch::new(Arc::new(LocalBus::new(log.clone(), LIMITS))));
    let first = switch.epoch();
    switch.publish(publication(None), Receipt::none());
    let (sender, answers) = mpsc::channel();
    let inner = Arc::clone(&switch);
    let make_log = log.clone();
    switch
        .replace(move || {
            for major in [1, 2] {
                let sender = sender.clone();
                inner.publish(publication(None), Receipt::new(move |result| sender.send((major, result)).unwrap()));
            }
            assert_eq!((inner.health().delivering, inner.health().queued), (false, 2));
            assert!(format!("{inner:?}").contains("Switch"));
            Arc::new(LocalBus::new(make_log, LIMITS))
        })
        .await;
    let expected = [(1, Ok(Offset::new(1, 0))), (2, Ok(Offset::new(2, 0)))];
    assert_eq!(answers.iter().collect::<Vec<_>>(), expected);
    assert_ne!(switch.epoch(), first);
    assert!(switch.health().delivering);
    switch.close().await;
    assert!(!switch.health().delivering);
}

#[tokio::test]
async fn what_waits_for_the_new_bus_is_bounded() {
    let log = Remembering::new();
    let switch = Arc::new(Switch::new(Arc::new(LocalBus::new(log.clone(), LIMITS))));
    let inner = Arc::clone(&switch);
    let (receipt, answer) = Receipt::channel();
    switch
        .replace(move || {
            (0..MAX_HELD).for_each(|_| inner.publish(publication(None), Receipt::none()));
            inner.publish(publication(None), receipt);
            Arc::new(LocalBus::new(log, LIMITS))
        })
        .await;
    assert_eq!(answer.await, Err(PublishError::QueueFull));
}
