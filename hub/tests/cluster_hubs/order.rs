//! One order for everybody, on whichever hub, also while etcd changes its leader.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub::protocol::client::ClientRequest;
use gohub_test_client::{Client, padded};

use crate::crowd::{Crowd, LAST};
use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::publisher::{Answer, Progress, Publisher, assert_all_seen, publish};
use crate::site::{hubs, patient, raise_descriptors, start_all};
use crate::witness::{Witness, all_until_text, assert_same};

const CLIENTS: usize = 1000;
const BROADCASTS: usize = 2000;
const PUBLISHERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hubs_and_1000_clients_receive_every_one_of_2000_broadcasts_in_the_same_order() {
    raise_descriptors();
    bounded(Duration::from_secs(150), async {
        let cluster = Cluster::start(3).await;
        let hubs = start_all(["a", "b", "c"].map(|name| patient(name, cluster.endpoints()))).await;
        let addresses: Vec<_> = hubs.iter().map(gohub::Hub::address).collect();
        let crowd = Crowd::gather(CLIENTS, &addresses).await;
        let mut witnesses = Witness::several("w", 3, &addresses).await;
        let started = Instant::now();
        let mut publishers = Vec::new();
        for index in 0..PUBLISHERS {
            let publisher = Publisher::new(&format!("p{index}"), addresses[index % addresses.len()]).await;
            publishers.push(tokio::spawn(publisher.burst(BROADCASTS / PUBLISHERS)));
        }
        let mut acked = Vec::new();
        for (index, publisher) in publishers.into_iter().enumerate() {
            for (number, answer) in publisher.await.unwrap().into_iter().enumerate() {
                let Answer::Acked(offset) = answer else { panic!("p{index}-{number}: {answer:?}") };
                acked.push((format!("p{index}-{number}"), offset));
            }
        }
        let published = started.elapsed();
        let mut last = Client::connect(&hubs[0], "last").await;
        last.publish(ClientRequest::broadcast(padded("end", LAST + 1000))).await;
        let tallies = crowd.tallies().await;
        all_until_text(&mut witnesses, "end").await;
        eprintln!("{BROADCASTS} broadcasts acked in {published:?}, with {CLIENTS} clients in {:?}", started.elapsed());

        assert_eq!(tallies.len(), CLIENTS);
        for tally in &tallies {
            assert_eq!((tally.broadcasts, tally.gaps), (BROADCASTS, 0));
            assert_eq!(tally, &tallies[0], "two clients saw different orders");
        }
        assert_same(&witnesses);
        assert_eq!(witnesses[0].seen.len(), BROADCASTS + 1);
        let report = crate::publisher::Report { acked, ..Default::default() };
        assert_all_seen(&witnesses[0].seen, &[report]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_of_etcd_loses_nothing_that_was_acked_and_keeps_the_order() {
    bounded(Duration::from_secs(120), async {
        let mut cluster = Cluster::start(3).await;
        let hubs = hubs(&cluster, &["a", "b"]).await;
        let addresses: Vec<_> = hubs.iter().map(gohub::Hub::address).collect();
        let mut witnesses = Witness::several("w", 4, &addresses).await;
        let progress = Arc::new(Progress::default());
        let publishers =
            (0..4).map(|index| publish(&format!("p{index}"), vec![addresses[index % 2]], &progress)).collect();
        progress.more(200).await;
        let leader = cluster.leader().await;
        cluster.kill(leader);
        let killed = Instant::now();
        progress.more(1).await;
        let silence = killed.elapsed();
        progress.more(200).await;
        let reports = progress.stop(publishers).await;
        let mut last = Publisher::new("last", addresses[1]).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        all_until_text(&mut witnesses, "end").await;
        let refused: usize = reports.iter().map(|report| report.refused.len()).sum();
        let slowest = reports.iter().map(|report| report.slowest).max().unwrap_or_default();
        eprintln!("leader killed: first ack after {silence:?}, {refused} refused, slowest answer {slowest:?}");

        assert_same(&witnesses);
        assert_all_seen(&witnesses[0].seen, &reports);
        assert!(witnesses.iter().all(|witness| witness.gaps.is_empty()));
    })
    .await;
}
