//! Heartbeats, both kinds, and peers that are gone without a word.

use std::time::{Duration, Instant};

use gohub::Settings;
use gohub::protocol::CloseCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::Duration as Setting;
use gohub_test_client::{Client, Connect, Received, settings, start, until};

fn quick() -> Settings {
    let mut settings = settings();
    settings.heartbeat.interval = Setting::from_millis(200);
    settings.heartbeat.timeout = Setting::from_millis(300);
    settings
}

#[tokio::test]
async fn a_quiet_peer_is_pinged_and_stays_while_it_answers() {
    let hub = start(quick()).await;
    let mut client = Client::connect(&hub, "a").await;
    assert_eq!(client.welcome.heartbeat_interval_ms, 200);
    for _ in 0..5 {
        assert_eq!(client.receive().await, Received::Ping);
    }
    assert!(matches!(client.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }));
}

#[tokio::test]
async fn a_silent_peer_is_gone_within_interval_and_timeout() {
    let hub = start(quick()).await;
    let mut silent = Client::connect(&hub, "a").await;
    let since = Instant::now();
    // It does not read, so its library answers no ping.
    until("the silent one is gone", || hub.metrics().connections() == 0).await;
    let took = since.elapsed();
    assert!(took >= Duration::from_millis(350) && took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(silent.close_code().await, CloseCode::HeartbeatTimeout.code());
}

#[tokio::test]
async fn a_client_that_answers_only_for_its_library_is_asked_itself() {
    let mut settings = quick();
    settings.heartbeat.interval = Setting::from_secs(20);
    settings.heartbeat.app_interval = Setting::from_millis(200);
    let hub = start(settings).await;
    let mut good = Client::connect(&hub, "good").await;
    let mut hung = Connect::to(&hub).id("hung").cbor().open().await;
    let answering = async {
        for _ in 0..4 {
            assert!(matches!(good.frame().await, ServerFrame::Ping { offset: Some(_) }));
            good.send(&ClientRequest::pong()).await;
        }
    };
    let hanging = async {
        let (frames, closed) = hung.until_closed().await;
        assert!(matches!(frames[..], [ServerFrame::Ping { offset: Some(_) }]), "{frames:?}");
        assert_eq!(closed.code, Some(CloseCode::HeartbeatTimeout.code()));
    };
    tokio::join!(answering, hanging);
    assert!(matches!(good.request(ClientRequest::ping()).await, ServerFrame::Pong { .. }));
}
