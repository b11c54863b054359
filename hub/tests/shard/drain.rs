//! Draining: everybody is told its slot, closed in it, and finds everything when it resumes elsewhere.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gohub::protocol::CloseCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::Duration as Setting;
use gohub_test_client::{Client, Connect, json, settings, start, text_of};

#[tokio::test]
async fn everybody_is_told_and_closed_in_its_own_slot() {
    const CLIENTS: usize = 40;
    let mut settings = settings();
    settings.drain.settle = Setting::from_millis(1);
    settings.drain.rate = 80;
    settings.drain.deadline = Setting::from_secs(10);
    settings.drain.reconnect_spread = Setting::from_secs(8);
    let hub = start(settings).await;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let connect = Connect::to(&hub).id(&format!("c{number}"));
        clients.push(if number % 3 == 0 { connect.cbor().open().await } else { connect.open().await });
    }
    let mut alice = Client::connect(&hub, "alice").await;
    alice.publish(ClientRequest::broadcast(json("\"last words\""))).await;
    drop(alice);
    let started = Instant::now();
    let going = hub.drain();
    let told = async {
        let mut slots = BTreeSet::new();
        let mut latest = Duration::ZERO;
        for client in &mut clients {
            let (frames, closed) = client.until_closed().await;
            assert_eq!(closed.code, Some(CloseCode::ServiceRestart.code()));
            let [
                ServerFrame::Publication(publication, _),
                ServerFrame::Drain { close_in_ms, reconnect_in_ms, reason, .. },
            ] = &frames[..]
            else {
                panic!("unexpected {frames:?}")
            };
            assert_eq!((text_of(publication).as_str(), reason.as_str()), ("\"last words\"", "shutdown"));
            assert!(*reconnect_in_ms <= 8000);
            slots.insert(*reconnect_in_ms);
            latest = latest.max(Duration::from_millis(*close_in_ms));
        }
        (slots, latest)
    };
    let (report, (slots, latest)) = tokio::join!(going, told);
    assert!(slots.len() > CLIENTS * 3 / 4, "their reconnects are spread: {slots:?}");
    assert!(slots.last().unwrap() - slots.first().unwrap() > 5000);
    assert!(latest > Duration::from_millis(350) && started.elapsed() >= latest, "80 a second: {latest:?}");
    assert!(report.late.is_empty() && report.unfinished.is_empty(), "{report:?}");
}

#[tokio::test]
async fn who_is_new_during_a_drain_is_not_let_in() {
    let mut settings = settings();
    settings.drain.settle = Setting::from_millis(1);
    let hub = start(settings).await;
    let address = hub.address();
    hub.drain().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens");
}
