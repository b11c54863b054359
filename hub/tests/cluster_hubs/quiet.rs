//! A client to whom nothing is said for longer than the hubs remember: it goes on anywhere, because pongs move its position.

use std::time::Duration;

use gohub::Settings;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::{ByteSize, Etcd};
use gohub_test_client::{Client, Connect, json, padded};

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::site::{settings, start, start_all};

fn forgetful(node: &str, cluster: &Cluster) -> Settings {
    let mut settings = settings(node, cluster.endpoints());
    settings.retention.max_bytes = ByteSize::from_kib(64);
    settings.slow_client.max_pending = ByteSize::from_kib(64);
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_client_past_the_window_resumes_on_any_hub_with_nothing_missing() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let mut hubs = start_all(["a", "b"].map(|node| forgetful(node, &cluster))).await;
        // A hub that starts later begins where the window does, so there must be one.
        let (etcd, key) = (cluster.client().await, format!("{}/window", Etcd::default().key_prefix));
        let window = || async { etcd.kv_client().get(key.as_str(), None).await.unwrap().count() };
        eventually("the window is known", window, |count| *count == 1).await;
        let mut alice = Client::connect(&hubs[0], "alice").await;
        let quiet = Connect::to(&hubs[0]).id("quiet").rooms(&["quiet"]).open().await;
        let (mut quiet, epoch) = (quiet, alice.epoch());
        let first = quiet.last();
        let mut newest = first;
        for _ in 0..200 {
            newest = alice.publish(ClientRequest::room_message("elsewhere", padded("x", 1000))).await;
        }
        let position = loop {
            match quiet.request(ClientRequest::ping()).await {
                ServerFrame::Pong { offset: Some(offset), .. } if offset >= newest => break offset,
                ServerFrame::Pong { .. } => {}
                other => panic!("no pong but {other:?}"),
            }
        };
        quiet.close().await;
        alice.publish(ClientRequest::room_message("quiet", json("1"))).await;
        hubs.push(start(forgetful("c", &cluster)).await);
        for hub in &hubs {
            let again = |from| Connect::to(hub).id("quiet").rooms(&["quiet"]).resume(&epoch, from);
            let mut back = again(position).open().await;
            assert!(back.welcome.recovered, "on {}", back.welcome.node);
            assert_eq!(back.text().await, "1");
            back.close().await;
            let lost = again(first).open().await;
            assert!(!lost.welcome.recovered, "on {} nobody who is that far behind", lost.welcome.node);
            lost.close().await;
        }
    })
    .await;
}
