//! S80: everybody comes back at once.

use std::time::{Duration, Instant};

use gohub_settings::Duration as Setting;
use gohub_test_client::{Connect, settings, start, until};

#[tokio::test]
async fn s80_a_storm_of_reconnects_is_paced_and_told_when_to_come_again() {
    const CLIENTS: usize = 150;
    let mut settings = settings();
    settings.limits.accept_rate = 50;
    settings.limits.retry_after = Setting::from_secs(1);
    let hub = start(settings).await;
    let started = Instant::now();
    let mut waiting: Vec<usize> = (0..CLIENTS).collect();
    let (mut clients, mut refusals) = (Vec::new(), 0);
    while !waiting.is_empty() {
        let attempts = waiting.iter().map(|number| Connect::to(&hub).id(&format!("c{number}")).try_open());
        let results = futures::future::join_all(attempts).await;
        let mut left = Vec::new();
        for (number, result) in waiting.into_iter().zip(results) {
            match result {
                Ok(client) => clients.push(client),
                Err(declined) => {
                    assert!(matches!(declined.status, 429 | 503), "{declined:?}");
                    assert!(declined.retry_after.is_some_and(|seconds| (1..=2).contains(&seconds)), "{declined:?}");
                    refusals += 1;
                    left.push(number);
                }
            }
        }
        waiting = left;
        assert!(started.elapsed() < Duration::from_secs(15), "{} still outside", waiting.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(refusals > CLIENTS / 2, "{refusals}");
    assert!(started.elapsed() > Duration::from_millis(1500), "50 at once and 50 a second: {:?}", started.elapsed());
    until("all are in", || hub.metrics().connections() == CLIENTS as u64).await;
}
