//! Receipts are resolved once, by what is known.

use std::future::Future;

use super::*;

type Answer = Result<Offset, PublishError>;

fn receipts<const N: usize>(deadline: Instant) -> (Vec<Promise>, [impl Future<Output = Answer>; N]) {
    let mut list = Vec::new();
    let answers = std::array::from_fn(|_| {
        let (receipt, answer) = Receipt::channel();
        list.push(Promise { receipt, deadline, place: None });
        answer
    });
    (list, answers)
}

#[tokio::test]
async fn the_watch_resolves_what_it_returns() {
    let pending = Pending::default();
    let (list, [first, second]) = receipts(Instant::now() + Duration::from_secs(60));
    pending.insert(1, list);
    assert!(pending.is_waiting(1) && pending.returned(1).is_none());
    pending.committed(1, 7, Duration::from_secs(60));
    let lag = pending.delivered(1, 7, &[(0, Offset::new(7, 0)), (1, Offset::new(3, 0)), (9, Offset::new(9, 0))]);
    assert!(lag.is_some());
    assert_eq!((first.await, second.await), (Ok(Offset::new(7, 0)), Ok(Offset::new(3, 0))));
    assert_eq!((pending.until_returned(1).await, pending.delivered(1, 7, &[])), (7, None));
    pending.until_empty().await;
}

#[tokio::test]
async fn when_the_time_is_up_the_answer_is_what_is_known() {
    let now = Instant::now();
    let pending = Pending::default();
    let (untried, [a]) = receipts(now);
    let (tried, [b]) = receipts(now);
    let (committed, [c, d]) = receipts(now);
    pending.insert(1, untried);
    pending.insert(2, tried);
    pending.attempted(2);
    pending.insert(3, committed);
    pending.attempted(3);
    pending.committed(3, 9, Duration::from_secs(60));
    assert_eq!(pending.expire(now - Duration::from_millis(1)), 0);
    assert_eq!(pending.expire(now), 2);
    assert!(matches!(a.await, Err(PublishError::Unavailable(_))));
    assert_eq!(b.await, Err(PublishError::Timeout));
    assert_eq!((c.await, d.await), (Ok(Offset::new(9, 0)), Ok(Offset::new(9, 1))));
    assert!(!pending.is_waiting(3));
}

#[tokio::test]
async fn what_is_refused_or_abandoned_is_said() {
    let later = Instant::now() + Duration::from_secs(60);
    let pending = Pending::default();
    let (refused, [a, b]) = receipts(later);
    let (abandoned, [c]) = receipts(later);
    pending.insert(1, refused);
    pending.insert(2, abandoned);
    for promise in pending.take_back(1).into_iter().flatten() {
        promise.resolve(Err(PublishError::QueueFull));
    }
    assert!(pending.take_back(1).is_empty());
    assert_eq!(pending.abandon(), 1);
    assert_eq!((a.await, b.await), (Err(PublishError::QueueFull), Err(PublishError::QueueFull)));
    assert_eq!(c.await, Err(PublishError::Closed));
}

#[tokio::test]
async fn what_is_committed_waits_for_the_watch_no_longer_than_anything_else() {
    let now = Instant::now();
    let pending = Pending::default();
    let (kept, [answer]) = receipts(now + Duration::from_secs(600));
    pending.insert(1, kept);
    pending.attempted(1);
    assert_eq!(pending.expire(now + Duration::from_secs(60)), 0, "it may still be published");
    pending.committed(1, 7, Duration::from_secs(5));
    assert_eq!(pending.expire(now + Duration::from_secs(60)), 0, "a success");
    assert_eq!(answer.await, Ok(Offset::new(7, 0)));
}
