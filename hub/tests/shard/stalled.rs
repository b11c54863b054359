//! Peers that take nothing at all: closed by `server.write_timeout`, whatever the policy for slow ones.

use std::time::{Duration, Instant};

use gohub::Settings;
use gohub_settings::{ByteSize, Duration as Setting};
use gohub_test_client::{Client, start, until};

use crate::slow::{flood, reluctant, tight};

fn impatient() -> Settings {
    let mut settings = tight();
    settings.slow_client.max_pending = ByteSize::from_mib(16);
    settings.slow_client.max_age = Setting::from_millis(300);
    settings.server.write_timeout = Setting::from_millis(500);
    settings
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut() {
    let hub = start(impatient()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let _stalled = reluctant(&hub, "stalled").open().await;
    flood(&mut alice, 0, 100).await;
    until("the stalled one is gone", || hub.metrics().connections() == 1).await;
}

#[tokio::test]
async fn a_peer_that_recovered_once_is_watched_again() {
    let hub = start(impatient()).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut peer = reluctant(&hub, "peer").open().await;
    flood(&mut alice, 0, 100).await;
    assert_eq!(peer.texts(100).await.len(), 100, "blocked, but not for long");
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(600) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    flood(&mut alice, 100, 100).await;
    until("blocked for good it is cut", || hub.metrics().connections() == 1).await;
}
