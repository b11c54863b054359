//! What is remembered, and for how long.

use super::*;
use crate::bus::fixture::publication;

const LIMITS: SeenLimits = SeenLimits { max_keys: 2, max_age: Duration::from_secs(10) };

#[test]
fn only_publications_with_a_key_are_remembered() {
    let mut seen = Seen::new(LIMITS);
    let now = Instant::now();
    assert_eq!(seen.insert(&publication(None), Offset::new(1, 0), now), Ok(()));
    assert!(seen.is_empty() && seen.find(&publication(None)).is_none());
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(2, 0), now), Ok(()));
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(3, 0), now), Err(Offset::new(2, 0)));
    assert_eq!(seen.find(&publication(Some("a"))), Some(Offset::new(2, 0)));
    assert_eq!(seen.find(&publication(None)), None);
}

#[test]
fn two_senders_may_use_the_same_key() {
    let mut seen = Seen::new(LIMITS);
    let other = Publication { from: None, ..publication(Some("a")) };
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(1, 0), Instant::now()), Ok(()));
    assert_eq!(seen.insert(&other, Offset::new(2, 0), Instant::now()), Ok(()));
}

#[test]
fn the_oldest_is_forgotten_first() {
    let mut seen = Seen::new(LIMITS);
    for (major, key) in (1..).zip(["a", "b", "c"]) {
        assert_eq!(seen.insert(&publication(Some(key)), Offset::new(major, 0), Instant::now()), Ok(()));
    }
    assert_eq!((seen.len(), seen.find(&publication(Some("a")))), (2, None));
    seen.clear();
    assert!(seen.is_empty());
}

#[test]
fn what_is_too_old_is_forgotten() {
    let mut seen = Seen::new(LIMITS);
    let now = Instant::now();
    seen.insert(&publication(Some("a")), Offset::new(1, 0), now).unwrap();
    let later = now + LIMITS.max_age + Duration::from_millis(1);
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(2, 0), later), Ok(()));
}

#[test]
fn no_key_is_remembered_when_none_may_be() {
    let mut seen = Seen::new(SeenLimits { max_keys: 0, ..LIMITS });
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(1, 0), Instant::now()), Ok(()));
    assert_eq!(seen.insert(&publication(Some("a")), Offset::new(2, 0), Instant::now()), Ok(()));
}
