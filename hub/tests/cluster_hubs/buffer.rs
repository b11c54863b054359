//! `on_partition: buffer` as clients see it: told of the outage, acked when etcd has it, in order; and never acked by a hub that dies.

use std::time::Duration;

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, Mode, Offset};
use gohub_settings::{OnPartition, RoomOverride, Settings};
use gohub_test_client::{Client, Connect, json};

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::publisher::{Answer, Publisher};
use crate::site::{Api, settings, start_all};
use crate::witness::{ROOM, Witness, assert_same};

/// A hub whose room keeps that many.
fn keeping(name: &str, cluster: &Cluster, messages: u32) -> Settings {
    let mut settings = settings(name, cluster.endpoints());
    settings.rooms.overrides = vec![RoomOverride {
        pattern: ROOM.parse().unwrap(),
        on_partition: Some(OnPartition::Buffer),
        partition_buffer: Some(messages),
        presence_changes: None,
    }];
    settings
}

/// A publish whose text is its key and its `ref`.
fn said(text: &str) -> ClientRequest {
    ClientRequest::room_message(ROOM, json(format!("{text:?}"))).key(text).reference(text)
}

/// The next answer: its `ref`, and the offset or the code.
async fn answer(client: &mut Client) -> (String, Result<Offset, ErrorCode>) {
    loop {
        match client.frame().await {
            ServerFrame::Ack { reference: Some(reference), offset: Some(offset), .. } => {
                return (reference, Ok(offset));
            }
            ServerFrame::Error { reference: Some(reference), code, retryable, .. } => {
                assert!(retryable, "{reference}: {code:?}");
                return (reference, Err(code));
            }
            _ => {}
        }
    }
}

async fn buffered(api: &Api) -> String {
    let text = api.metrics().await;
    let line = text.lines().find_map(|line| line.strip_prefix("gohub_bus_buffer_messages "));
    line.unwrap_or_else(|| panic!("no such metric in {text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s92_without_etcd_a_room_buffers_and_its_publishers_are_acked_in_order_afterwards() {
    bounded(Duration::from_secs(150), async {
        let mut cluster = Cluster::start(1).await;
        let hubs = start_all(["a", "b"].map(|name| keeping(name, &cluster, 3))).await;
        let [a, b] = [hubs[0].address(), hubs[1].address()];
        let mut witnesses = [Witness::new("here", a).await, Witness::new("there", b).await];
        let mut publisher = Connect::to_address(a).id("p").open().await;
        publisher.send(&said("before")).await;
        assert!(answer(&mut publisher).await.1.is_ok());
        cluster.kill_all();
        for witness in &mut witnesses {
            witness.until("the mode degraded", |witness| witness.modes == [Mode::Degraded]).await;
        }
        for text in ["1", "2", "3", "4"] {
            publisher.send(&said(text)).await;
        }
        // The one above the bound hears so at once, and what is not buffered is refused as ever.
        assert_eq!(answer(&mut publisher).await, ("4".to_owned(), Err(ErrorCode::Overloaded)));
        publisher.send(&ClientRequest::broadcast(json("1")).reference("closed")).await;
        assert_eq!(answer(&mut publisher).await, ("closed".to_owned(), Err(ErrorCode::Degraded)));
        assert_eq!(buffered(&Api::of(&hubs[0])).await, "3");
        // The bound is hot.
        let mut changed = (*hubs[0].settings()).clone();
        changed.rooms.overrides[0].partition_buffer = Some(4);
        hubs[0].reload().replace(changed).expect("good settings");
        publisher.send(&said("4")).await;
        eventually("one more is kept", async || buffered(&Api::of(&hubs[0])).await, |kept| kept == "4").await;
        cluster.restart_all().await;
        let mut offsets = Vec::new();
        for text in ["1", "2", "3", "4"] {
            let (reference, offset) = answer(&mut publisher).await;
            assert_eq!(reference, text, "acked in the order of publishing");
            offsets.push(offset.expect("it is durable"));
        }
        assert!(offsets.is_sorted() && offsets.iter().all(|offset| !offset.is_local()), "{offsets:?}");
        for witness in &mut witnesses {
            witness.until_text("4").await;
            witness.until("the mode normal", |witness| witness.modes == [Mode::Degraded, Mode::Normal]).await;
            assert_eq!(witness.texts(), ["before", "1", "2", "3", "4"]);
            assert_eq!(witness.gaps, []);
        }
        assert_same(&witnesses);
        assert_eq!(buffered(&Api::of(&hubs[0])).await, "0");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_dies_with_a_buffer_has_acked_none_of_it_and_a_repeat_elsewhere_is_delivered_once() {
    bounded(Duration::from_secs(150), async {
        let mut cluster = Cluster::start(1).await;
        let mut a = Process::start(keeping("a", &cluster, 10)).await;
        let b = Process::start(keeping("b", &cluster, 10)).await;
        let mut witness = Witness::new("there", b.address).await;
        let mut publisher = Connect::to_address(a.address).id("p").open().await;
        publisher.send(&said("before")).await;
        assert!(answer(&mut publisher).await.1.is_ok());
        cluster.kill_all();
        witness.until("the mode degraded", |witness| witness.modes == [Mode::Degraded]).await;
        for text in ["1", "2", "3"] {
            publisher.send(&said(text)).await;
        }
        eventually("they are kept", async || buffered(&a.api()).await, |kept| kept == "3").await;
        a.kill();
        let (frames, _) = publisher.until_closed().await;
        let answered =
            frames.iter().filter(|frame| matches!(frame, ServerFrame::Ack { .. } | ServerFrame::Error { .. }));
        assert_eq!(answered.count(), 0, "nobody was promised anything: {frames:?}");
        cluster.restart_all().await;
        witness.until("the mode normal", |witness| witness.modes == [Mode::Degraded, Mode::Normal]).await;
        // As the protocol says: no answer, so again, with the same keys, elsewhere.
        let mut publisher = Publisher::new("p", b.address).await;
        for text in ["1", "2", "3"] {
            assert!(matches!(publisher.request(said(text)).await, Answer::Acked(_)));
        }
        witness.until_text("3").await;
        assert_eq!(witness.texts(), ["before", "1", "2", "3"]);
    })
    .await;
}
