//! A hub stands still for longer than its lease, with publications under way, and goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{EventType, WatchOptions};
use gohub::protocol::ErrorCode;
use gohub_settings::{ByteSize, Duration as Time};

use crate::deadline::{PATIENCE, bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::publisher::{Answer, Progress, Publisher, assert_all_seen, publish};
use crate::site::settings;
use crate::witness::{Witness, all_until_text, assert_same};

const BURST: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_stopped_past_its_lease_registers_anew_writes_nothing_stale_and_hides_no_hole() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let mut etcd = cluster.client().await;
        let mut short = settings("a", cluster.endpoints());
        short.cluster.etcd.lease_ttl = Time::from_secs(2);
        // Longer than it stands still: what it holds is not given up but tried when it goes on.
        short.cluster.etcd.request_timeout = Time::from_secs(30);
        // The burst is several transactions: one is under way, and the others wait.
        short.cluster.etcd.max_batch_bytes = ByteSize::from_kib(4);
        let a = Process::start(short).await;
        let b = Process::start(settings("b", cluster.endpoints())).await;
        let mut witnesses = Witness::several("w", 4, &[a.address, b.address]).await;
        let progress = Arc::new(Progress::default());
        let publishers = vec![publish("p0", vec![a.address], &progress), publish("p1", vec![b.address], &progress)];
        progress.more(50).await;
        let lease = lease_of(&etcd, "a").await.expect("a is registered");

        // Without keys, each sent once: whatever is written twice or behind an error's back is seen. etcd stands still first, so that
        // the hub has a transaction under way, and more to come, when it is stopped.
        let mut publisher = Publisher::new("burst", a.address).await;
        assert!(matches!(publisher.broadcast("before the burst").await, Answer::Acked(_)));
        cluster.pause(0);
        let burst = tokio::spawn(publisher.burst(BURST));
        let waiting = async || a.queued().await;
        eventually("publications wait for etcd", waiting, |waiting| *waiting > 0).await;
        a.pause();
        cluster.resume(0);
        eventually("the lease of the stopped hub ends", || lease_of(&etcd, "a"), Option::is_none).await;
        // Nobody counts it, or its clients, any more.
        let names = |list: &serde_json::Value, field: &str| -> Vec<String> {
            let items = list["items"].as_array().cloned().unwrap_or_default();
            items.iter().filter_map(|item| item[field].as_str().map(str::to_owned)).collect()
        };
        let only_b =
            |list: &serde_json::Value| names(list, "node") == ["b"] && list["missing"] == serde_json::json!([]);
        eventually("b is alone", async || b.api().get("nodes").await, only_b).await;
        let clients = b.api().get("clients").await;
        assert!(names(&clients, "node").iter().all(|node| node == "b") && !names(&clients, "node").is_empty());
        a.resume();
        let again = eventually("it registers anew", || lease_of(&etcd, "a"), Option::is_some).await;
        assert_ne!(again, Some(lease));

        progress.more(50).await;
        let answers = burst.await.unwrap();
        let reports = progress.stop(publishers).await;
        let mut last = Publisher::new("last", a.address).await;
        let mut end = last.broadcast("end").await;
        while matches!(end, Answer::Refused { retryable: true, .. }) {
            end = last.broadcast("end").await;
        }
        all_until_text(&mut witnesses, "end").await;
        assert_same(&witnesses);
        assert!(witnesses.iter().all(|witness| witness.gaps.is_empty() && witness.welcomes.len() == 1));
        let (bursts, others): (Vec<_>, Vec<_>) =
            witnesses[0].seen.iter().cloned().partition(|(_, text)| text.starts_with("burst-"));
        assert_all_seen(&others, &reports);
        let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, answer) in answers.iter().enumerate() {
            let text = format!("burst-{number}");
            let seen: Vec<_> = bursts.iter().filter(|(_, seen)| *seen == text).map(|(offset, _)| *offset).collect();
            match answer {
                Answer::Acked(offset) => assert_eq!(seen, [*offset], "{text}: acked"),
                Answer::Refused { code: ErrorCode::Timeout, .. } => assert!(seen.len() <= 1, "{text}: seen {seen:?}"),
                Answer::Refused { code, .. } => assert_eq!(seen, [], "{text}: refused with {code}"),
                Answer::Gone => panic!("{text}: never answered"),
            }
            *tally.entry(name_of(answer)).or_default() += 1;
        }
        eprintln!("hub stopped past its lease: a burst of {BURST} became {tally:?}, {} others seen", others.len());
        writes_are_fenced(&mut etcd).await;
        let nodes = eventually(
            "both are there",
            async || b.api().get("nodes").await,
            |nodes| names(nodes, "node") == ["a", "b"],
        )
        .await;
        assert_eq!(nodes["missing"], serde_json::json!([]));
    })
    .await;
}

fn name_of(answer: &Answer) -> &'static str {
    match answer {
        Answer::Acked(_) => "acked",
        Answer::Refused { code, .. } => code.name(),
        Answer::Gone => "unanswered",
    }
}

/// The lease of this hub's entry in the registry.
async fn lease_of(etcd: &etcd_client::Client, node: &str) -> Option<i64> {
    let found = etcd.clone().get(format!("/gohub/nodes/{node}"), None).await.unwrap();
    found.kvs().first().map(etcd_client::KeyValue::lease)
}

/// Reads etcd's whole history: once the fence of a hub was deleted with its lease, nothing was written with it but a registration.
async fn writes_are_fenced(etcd: &mut etcd_client::Client) {
    let head = etcd.put("/gohub/end-of-test", "", None).await.unwrap().header().unwrap().revision();
    let options = WatchOptions::new().with_prefix().with_start_revision(1);
    let mut stream = etcd.watch("/gohub/", Some(options)).await.unwrap();
    let mut history: BTreeMap<i64, Vec<(EventType, String)>> = BTreeMap::new();
    while history.last_key_value().is_none_or(|(revision, _)| *revision < head) {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await.expect("etcd tells its history");
        let response = next.unwrap().expect("the watch stays open");
        assert_eq!(response.compact_revision(), 0, "the history is whole");
        for event in response.events() {
            let kv = event.kv().unwrap();
            let entry = (event.event_type(), kv.key_str().unwrap().to_owned());
            history.entry(kv.mod_revision()).or_default().push(entry);
        }
    }
    let mut lost: Vec<String> = Vec::new();
    let mut returned = 0;
    for (revision, events) in &history {
        for (kind, key) in events.iter().filter(|(_, key)| key.starts_with("/gohub/writers/")) {
            if *kind == EventType::Delete {
                lost.push(key.clone());
            } else if let Some(at) = lost.iter().position(|lost| lost == key) {
                let registers = events.iter().any(|(_, key)| key.starts_with("/gohub/nodes/"));
                let publishes = events.iter().any(|(_, key)| key == "/gohub/broadcast");
                assert!(registers && !publishes, "revision {revision} was written behind a lost fence: {events:?}");
                lost.remove(at);
                returned += 1;
            }
        }
    }
    assert_eq!((lost.len(), returned), (0, 1), "the fence was lost once, and made anew once");
}
