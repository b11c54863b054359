//! S80: everybody comes back at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gohub::Hub;
use gohub_settings::Duration as Setting;
use gohub_test_client::{Client, Connect, settings, start, until, within};

const CLIENTS: usize = 150;
const RATE: usize = 50;

/// Connects as the protocol says: after a refusal it comes again when it was told to, at some moment of that second. Also what it was told first, and when.
async fn return_as_told(hub: &Hub, number: usize) -> (Client, Option<(u64, Instant)>) {
    let mut told = None;
    loop {
        match Connect::to(hub).id(&format!("c{number}")).try_open().await {
            Ok(client) => return (client, told),
            Err(declined) => {
                assert_eq!(declined.status, 503, "{declined:?}");
                let seconds = declined.retry_after.unwrap_or_else(|| panic!("{declined:?}"));
                told.get_or_insert((seconds, Instant::now()));
                tokio::time::sleep(Duration::from_millis(seconds * 1000 + fastrand::u64(..1000))).await;
            }
        }
    }
}

#[tokio::test]
async fn s80_a_storm_of_reconnects_is_paced_and_everybody_is_told_a_slot_of_its_own() {
    let mut settings = settings();
    settings.limits.accept_rate = RATE as u32;
    settings.limits.retry_after = Setting::from_secs(1);
    let hub = start(settings).await;
    let started = Instant::now();
    let storm = (0..CLIENTS).map(|number| return_as_told(&hub, number));
    let clients = within("everybody is back", futures::future::join_all(storm)).await;
    let mut slots = BTreeMap::<u64, usize>::new();
    let mut refusals_took = Duration::ZERO;
    for (seconds, at) in clients.iter().filter_map(|(_, told)| *told) {
        *slots.entry(seconds).or_default() += 1;
        refusals_took = refusals_took.max(at.duration_since(started));
    }
    let refused: usize = slots.values().sum();
    // While the first of the storm came in, a few more places fell free.
    assert!((RATE..=CLIENTS - RATE).contains(&refused), "{slots:?}");
    // Each is told from its own refusal on: the same number of seconds, said later, is a later second.
    let most = (RATE as f64 * (1.0 + refusals_took.as_secs_f64())) as usize + 1;
    assert!(
        slots.values().all(|count| *count <= most),
        "no second is given to more than the rate: {slots:?} in {refusals_took:?}"
    );
    assert!(slots.keys().next() >= Some(&1) && slots.len() >= 2, "one behind the other: {slots:?}");
    assert!(started.elapsed() > Duration::from_millis(1500), "50 at once and 50 a second: {:?}", started.elapsed());
    until("all are in", || hub.metrics().connections() == CLIENTS as u64).await;
}
