//! The cluster is switched on and off by editing the file of a running hub, under live connections.

use std::sync::Arc;
use std::time::Duration;

use gohub_settings::Duration as Time;

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::publisher::{Answer, Progress, Publisher, publish};
use crate::site::{settings, start};
use crate::witness::{Ended, Witness};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_is_switched_on_and_off_by_editing_the_file_without_a_disconnect() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let b = start(settings("b", cluster.endpoints())).await;
        let mut there = Witness::new("there", b.address()).await;
        let mut other = Publisher::new("other", b.address()).await;
        sampled(&cluster).await;
        assert!(matches!(other.broadcast("older than the switch").await, Answer::Acked(_)));

        let mut on = settings("a", cluster.endpoints());
        on.reload.interval = Time::from_millis(200);
        let mut off = on.clone();
        off.cluster.enabled = false;
        let a = Process::start(off.clone()).await;
        let mut here = Witness::several("here", 3, &[a.address]).await;
        let progress = Arc::new(Progress::default());
        let publishers = vec![publish("p", vec![a.address], &progress)];
        progress.more(30).await;

        a.edit(on);
        welcomed(&mut here, 2).await;
        progress.more(30).await;
        assert_eq!(here[0].epoch(), there.epoch(), "the epoch is that of the cluster");
        assert!(matches!(other.broadcast("from b").await, Answer::Acked(_)));
        for witness in &mut here {
            assert_eq!(witness.until_text("from b").await, Ended::Reached);
        }
        there
            .until("a message of the other hub", |there| there.texts().iter().any(|text| text.starts_with("p-")))
            .await;

        a.edit(off);
        welcomed(&mut here, 3).await;
        progress.more(30).await;
        assert!(matches!(other.broadcast("not for a").await, Answer::Acked(_)));
        there.until_text("not for a").await;
        let reports = progress.stop(publishers).await;
        let mut last = Publisher::new("last", a.address).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));

        assert_eq!((reports[0].lost, &reports[0].refused), (0, &Vec::new()), "nothing failed under the switch");
        let acked: Vec<&str> = reports[0].acked.iter().map(|(text, _)| text.as_str()).collect();
        for witness in &mut here {
            assert_eq!(witness.until_text("end").await, Ended::Reached);
            let own: Vec<&str> = witness.texts().into_iter().filter(|text| text.starts_with("p-")).collect();
            assert_eq!(own, acked, "every acked message, once and in order, whatever the bus");
            let others: Vec<&str> = witness.texts().into_iter().filter(|text| !text.starts_with("p-")).collect();
            assert_eq!(others, ["from b", "end"], "what was said in the cluster before or after is not for it");
            let epochs: Vec<&str> = witness.welcomes.iter().map(|(epoch, ..)| epoch.as_str()).collect();
            assert_eq!(epochs.len(), 3);
            assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2] && epochs[0] != epochs[2], "{epochs:?}");
            assert_eq!(witness.gaps, []);
        }
        assert!(!there.texts().contains(&"end"));
        eprintln!("cluster on and off: {} messages, slowest answer {:?}", acked.len(), reports[0].slowest);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_comes_back_to_its_cluster_tells_its_clients_what_they_missed() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let b = start(settings("b", cluster.endpoints())).await;
        let mut on = settings("a", cluster.endpoints());
        on.reload.interval = Time::from_millis(200);
        let mut off = on.clone();
        off.cluster.enabled = false;
        let a = Process::start(on.clone()).await;
        let mut away = Witness::new("away", a.address).await;
        let mut other = Publisher::new("other", b.address()).await;
        assert!(matches!(other.broadcast("before").await, Answer::Acked(_)));
        assert_eq!(away.until_text("before").await, Ended::Reached);

        a.edit(off);
        assert_eq!(away.until("a welcome", |away| away.welcomes.len() == 2).await, Ended::Reached);
        assert!(matches!(other.broadcast("missed").await, Answer::Acked(_)));
        a.edit(on);
        assert_eq!(away.until("another welcome", |away| away.welcomes.len() == 3).await, Ended::Reached);
        assert!(matches!(other.broadcast("after").await, Answer::Acked(_)));
        assert_eq!(away.until_text("after").await, Ended::Reached);

        let (first, last) = (&away.welcomes[0], &away.welcomes[2]);
        assert_eq!(first.0, last.0, "it is the same cluster, and the same epoch");
        // Either it has the message, or it is told that it has not.
        assert!(!away.texts().contains(&"missed"));
        assert!(!last.2, "the welcome must not say `recovered`");
        assert_eq!(away.gaps.len(), 1, "{:?}", away.gaps);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_the_clusters_settings_costs_nobody_a_message_or_a_word() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let b = start(settings("b", cluster.endpoints())).await;
        let mut before = settings("a", cluster.endpoints());
        before.reload.interval = Time::from_millis(200);
        let mut after = before.clone();
        after.cluster.etcd.request_timeout = Time::from_secs(5);
        let a = Process::start(before).await;
        let mut here = Witness::new("here", a.address).await;
        let progress = Arc::new(Progress::default());
        let publishers =
            vec![publish("there", vec![b.address()], &progress), publish("here", vec![a.address], &progress)];
        sampled(&cluster).await;
        progress.more(50).await;

        a.edit(after);
        let changes = || std::future::ready(a.said("bus changed"));
        eventually("the bus is begun anew", changes, |changes| *changes == 1).await;
        progress.more(100).await;
        let reports = progress.stop(publishers).await;
        let mut last = Publisher::new("last", b.address()).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        assert_eq!(here.until_text("end").await, Ended::Reached);

        assert_eq!((here.welcomes.len(), here.gaps.as_slice()), (1, &[][..]), "nothing was lost, and nothing is said");
        for report in reports {
            assert_eq!((report.lost, &report.refused), (0, &Vec::new()));
            let acked: Vec<&str> = report.acked.iter().map(|(text, _)| text.as_str()).collect();
            let whose = acked[0].split('-').next().unwrap();
            let seen: Vec<&str> = here.texts().into_iter().filter(|text| text.starts_with(whose)).collect();
            assert_eq!(seen, acked, "every message once and in order");
        }
    })
    .await;
}

/// From its first sample on the recovery window has what is said: a bus that is begun after it replays it.
async fn sampled(cluster: &Cluster) {
    let etcd = cluster.client().await;
    let samples = async || etcd.clone().get("/gohub/window", None).await.unwrap().count();
    eventually("the window is kept", samples, |count| *count == 1).await;
}

/// Everybody has that many welcomes, and after each only offsets greater than it says.
async fn welcomed(witnesses: &mut [Witness], count: usize) {
    for witness in witnesses {
        let ended = witness.until("another welcome", |witness| witness.welcomes.len() == count).await;
        assert_eq!(ended, Ended::Reached, "{} was disconnected by the switch", witness.name);
        let (before, start) = (witness.seen.len(), witness.welcomes[count - 1].1);
        witness.until("a message of the new epoch", |witness| witness.seen.len() > before).await;
        let next = &witness.seen[before];
        assert!(next.0 > start, "{}: welcome says {start}, and then comes {next:?}", witness.name);
    }
}
