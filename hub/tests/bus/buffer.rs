//! `on_partition: buffer`: what is kept while etcd cannot be written is acked when it is durable, in its order, once; and nothing else is.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt;
use gohub::bus::{MessageBus, PublishError};
use gohub::protocol::{Mode, Publication};

use crate::etcd::proxy::Proxy;
use crate::etcd::{Cluster, Wanted};
use crate::hub::{Hub, KEPT, broadcast, room, settings, until};

/// In a room that keeps [`KEPT`].
fn kept(text: &str) -> Publication {
    room("keep", text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_without_etcd_a_room_that_buffers_keeps_its_n_in_order_and_acks_them_when_they_are_durable() {
    let mut cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    cluster.kill(0);
    a.mode(Mode::Degraded).await;
    let mut answers: Vec<_> = (0..KEPT.messages).map(|number| a.begin(kept(&number.to_string())).boxed()).collect();
    let refused = PublishError::BufferFull { kept: KEPT.messages };
    assert_eq!(a.publish(kept("too much")).await, Err(refused.clone()));
    assert!(refused.is_retryable() && refused.is_certain());
    // Another room has places of its own, and who does not buffer is refused as ever.
    let other = a.begin(room("keep too", "other"));
    assert!(matches!(a.publish(broadcast("closed")).await, Err(PublishError::Degraded(_))));
    assert_eq!((a.metrics.buffered.get(), a.metrics.buffer_refused.get()), (6, 1));
    assert!(a.metrics.buffered_bytes.get() > 0);
    tokio::time::sleep(settings(Vec::new()).request_timeout.as_std()).await;
    assert!(answers.iter_mut().all(|answer| answer.now_or_never().is_none()), "nothing is durable, nobody was acked");
    assert!(a.texts().is_empty());
    cluster.restart_all().await;
    let mut offsets = Vec::new();
    for answer in answers {
        offsets.push(answer.await.expect("it is durable"));
    }
    other.await.expect("it is durable");
    assert!(offsets.is_sorted() && offsets.iter().collect::<BTreeSet<_>>().len() == KEPT.messages, "{offsets:?}");
    b.heard("other").await;
    assert_eq!(b.texts(), ["0", "1", "2", "3", "4", "other"]);
    until("a has it too", || a.delivered() == b.delivered()).await;
    assert_eq!((a.metrics.buffered.get(), a.metrics.buffered_bytes.get()), (0, 0));
    a.mode(Mode::Normal).await;
    a.publish(kept("after")).await.expect("as before");
    assert!(a.gaps().is_empty() && b.gaps().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s91_what_is_kept_while_etcd_hangs_past_the_lease_is_delivered_once() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    a.publish(kept("before")).await.expect("etcd works");
    // Stopped, not dead: what is sent now may have arrived or not.
    cluster.pause(0);
    let mut answers: Vec<_> = (0..3).map(|number| a.begin(kept(&number.to_string())).boxed()).collect();
    a.mode(Mode::Degraded).await;
    answers.push(a.begin(kept("3")).boxed());
    // Longer than the lease lives, so that the hub finds its fence gone.
    tokio::time::sleep(settings(Vec::new()).lease_ttl.as_std() * 2).await;
    assert!(answers.iter_mut().all(|answer| answer.now_or_never().is_none()));
    cluster.resume(0);
    for answer in answers {
        answer.await.expect("it is durable");
    }
    for hub in [&a, &b] {
        hub.heard("3").await;
        assert_eq!(hub.texts(), ["before", "0", "1", "2", "3"]);
    }
    assert_eq!(a.delivered(), b.delivered());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_before_the_outage_was_known_counts_too_and_the_newest_are_refused() {
    let cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    a.publish(kept("before")).await.expect("etcd works");
    cluster.pause(0);
    let mut answers = vec![a.begin(kept("0"))];
    until("it is being tried", || a.bus.health().queued == 0).await;
    answers.extend((1..12).map(|number| a.begin(kept(&number.to_string()))));
    a.mode(Mode::Degraded).await;
    until("the bound holds", || a.metrics.buffered.get() == KEPT.messages as u64).await;
    cluster.resume(0);
    let results = futures::future::join_all(answers).await;
    let refused = |result: &Result<_, PublishError>| matches!(result, Err(PublishError::BufferFull { .. }));
    assert!(results[..KEPT.messages].iter().all(Result::is_ok), "{results:?}");
    assert!(results[KEPT.messages..].iter().all(refused), "{results:?}");
    a.heard("4").await;
    assert_eq!(a.texts(), ["before", "0", "1", "2", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s90_a_publisher_that_repeats_its_key_takes_one_place_and_is_acked_once() {
    let mut cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    // It has registered: else nothing would be tried, and all wait in the queue.
    a.publish(kept("before")).await.expect("etcd works");
    cluster.kill(0);
    a.mode(Mode::Degraded).await;
    // What is being tried has left the queue; what waits behind it can be found.
    let first = a.begin(kept("first"));
    until("it is being tried", || a.bus.health().queued == 0).await;
    let repeated = || Publication { key: Some("k".into()), ..kept("again") };
    let mut answers: Vec<_> = (0..20).map(|_| a.begin(repeated())).collect();
    let last = answers.pop().expect("twenty were asked for");
    for answer in answers {
        assert_eq!(answer.await, Err(PublishError::Timeout), "the next one takes its place");
    }
    assert_eq!(a.metrics.buffered.get(), 2);
    cluster.restart_all().await;
    assert!(first.await.is_ok() && last.await.is_ok());
    a.heard("again").await;
    assert_eq!(a.texts(), ["before", "first", "again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s93_a_full_etcd_keeps_what_a_room_buffers_until_there_is_space() {
    let cluster = Cluster::start_with(1, Wanted { quota: Some(2 << 20), ..Wanted::default() }).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    let large = "x".repeat(200_000);
    for _ in 0..100 {
        if a.publish(broadcast(&large)).await.is_err() {
            break;
        }
    }
    let mut answers: Vec<_> = (0..3).map(|number| a.begin(kept(&number.to_string())).boxed()).collect();
    // In one batch with what is not kept: that is told at once.
    assert!(a.publish(broadcast("closed")).await.is_err());
    a.mode(Mode::Degraded).await;
    assert!(answers.iter_mut().all(|answer| answer.now_or_never().is_none()));
    cluster.make_space().await;
    for answer in answers {
        answer.await.expect("it is durable");
    }
    let texts: Vec<String> = a.texts().into_iter().filter(|text| text.len() == 1).collect();
    assert_eq!(texts, ["0", "1", "2"]);
    assert!(!a.texts().contains(&"closed".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_for_too_long_or_by_a_bus_that_closes_is_said_and_not_lost_in_silence() {
    let mut cluster = Cluster::start(1).await;
    let a = Hub::start("a", settings(cluster.endpoints())).await;
    cluster.kill(0);
    a.mode(Mode::Degraded).await;
    let brief = a.publish(room("brief", "old")).await;
    assert!(matches!(brief, Err(PublishError::Unavailable(_) | PublishError::Timeout)), "{brief:?}");
    let abandoned = a.begin(kept("abandoned"));
    a.bus.close().await;
    assert_eq!(abandoned.await, Err(PublishError::Closed));
    assert_eq!(a.metrics.buffered.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s91_a_kilobyte_a_second_delays_what_a_room_buffers_and_loses_none() {
    let cluster = Cluster::start(1).await;
    let proxy = Proxy::narrow(&cluster.endpoints()[0]).await;
    let a = Hub::start("a", settings(vec![proxy.url()])).await;
    let b = Hub::start("b", settings(cluster.endpoints())).await;
    a.publish(kept("fast")).await.expect("etcd works");
    proxy.rate(1000);
    let answers: Vec<_> = (0..KEPT.messages).map(|number| a.begin(kept(&number.to_string()))).collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    proxy.rate(0);
    for answer in answers {
        answer.await.expect("it is durable");
    }
    b.heard("4").await;
    assert_eq!(b.texts(), ["fast", "0", "1", "2", "3", "4"]);
}
