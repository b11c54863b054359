//! A hub dies without a word: its clients and publishers go on elsewhere as if nothing had been.

use std::sync::Arc;
use std::time::Duration;

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::publisher::{Answer, Progress, Publisher, assert_all_seen, publish};
use crate::site::settings;
use crate::witness::{Ended, Witness, assert_same};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_hub_killed_under_load_resume_elsewhere_without_hole_or_duplicate() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let mut a = Process::start(settings("a", cluster.endpoints())).await;
        let b = Process::start(settings("b", cluster.endpoints())).await;
        let c = Process::start(settings("c", cluster.endpoints())).await;
        let mut witnesses = Witness::several("moved", 8, &[a.address]).await;
        witnesses.extend(Witness::several("stayed", 4, &[b.address, c.address]).await);
        let refuge = [b.address, c.address];
        let reading: Vec<_> = witnesses
            .into_iter()
            .enumerate()
            .map(|(index, mut witness)| {
                tokio::spawn(async move {
                    if witness.until_text("end").await == Ended::Closed {
                        witness.resume(refuge[index % 2]).await;
                        assert_eq!(witness.until_text("end").await, Ended::Reached);
                    }
                    witness
                })
            })
            .collect();
        let progress = Arc::new(Progress::default());
        let publishers = vec![
            publish("p0", vec![a.address, b.address], &progress),
            publish("p1", vec![a.address, c.address], &progress),
            publish("p2", vec![b.address], &progress),
            publish("p3", vec![c.address], &progress),
        ];
        progress.more(200).await;
        a.kill();
        progress.more(200).await;
        let reports = progress.stop(publishers).await;
        let mut last = Publisher::new("last", b.address).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        let witnesses: Vec<Witness> =
            futures::future::join_all(reading).await.into_iter().map(|witness| witness.unwrap()).collect();
        let total = witnesses[0].seen.len();
        let lost: usize = reports.iter().map(|report| report.lost).sum();
        eprintln!("hub killed: {total} messages seen by each of 12 clients, {lost} publishers moved");

        let (moved, stayed) = witnesses.split_at(8);
        assert_eq!(lost, 2, "the publishers of the killed hub moved");
        assert!(moved.iter().all(|witness| witness.welcomes.len() == 2), "all of its clients moved");
        assert!(moved.iter().all(|witness| witness.welcomes[1].2), "the new hub says that nothing is missing");
        assert!(stayed.iter().all(|witness| witness.welcomes.len() == 1));
        assert!(witnesses.iter().all(|witness| witness.gaps.is_empty()));
        assert_same(&witnesses);
        assert_all_seen(&witnesses[0].seen, &reports);
        // Its place in the registry ends with its lease.
        let left = |nodes: &serde_json::Value| nodes["items"].as_array().is_some_and(|items| items.len() == 2);
        eventually("the killed hub is out of the cluster", async || b.api().get("nodes").await, left).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_quiet_hub_that_is_killed_resume_elsewhere_and_are_told_of_no_gap() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let b = Process::start(settings("b", cluster.endpoints())).await;
        // What the hubs write for themselves moves the revision on: a hub that starts later begins at a later offset.
        let mut a = Process::start(settings("a", cluster.endpoints())).await;
        let mut witness = Witness::new("quiet", a.address).await;
        a.kill();
        witness.until_closed().await;
        witness.resume(b.address).await;
        assert!(witness.welcomes[1].2, "nothing was published, so nothing is missing");
        // Longer than a hub waits for its log to come to the client's offset.
        tokio::time::sleep(Duration::from_secs(11)).await;
        let mut last = Publisher::new("last", b.address).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        witness.until_text("end").await;
        assert_eq!((witness.texts(), &witness.gaps), (vec!["end"], &Vec::new()));
    })
    .await;
}
