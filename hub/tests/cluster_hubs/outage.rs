//! etcd is gone or hangs: everybody is told in time, nothing is lost in silence, and afterwards all is as before.

use std::sync::Arc;
use std::time::Duration;

use gohub::Hub;
use gohub::bus::is_local_only;
use gohub::protocol::client::ClientRequest;
use gohub::protocol::{ErrorCode, Mode};
use gohub_settings::{OnPartition, RoomOverride};
use gohub_test_client::{Client, json};
use tokio::time::sleep;

use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::publisher::{Answer, Progress, Publisher, Report, assert_all_seen, publish};
use crate::site::{hubs, settings, start_all};
use crate::witness::{ROOM, Witness, all_until_text, assert_same};

/// Two hubs with publishers and clients on both, before, during and after an outage.
struct Scene {
    hubs: Vec<Hub>,
    witnesses: Vec<Witness>,
    progress: Arc<Progress>,
    publishers: Vec<tokio::task::JoinHandle<Report>>,
}

impl Scene {
    async fn open(cluster: &Cluster) -> Self {
        let hubs = hubs(cluster, &["a", "b"]).await;
        let addresses: Vec<_> = hubs.iter().map(Hub::address).collect();
        let witnesses = Witness::several("w", 4, &addresses).await;
        let progress = Arc::new(Progress::default());
        let publishers =
            vec![publish("p0", vec![addresses[0]], &progress), publish("p1", vec![addresses[1]], &progress)];
        progress.more(100).await;
        Self { hubs, witnesses, progress, publishers }
    }

    /// Everybody was told of the outage, also who comes now.
    async fn degraded(&mut self) {
        for witness in &mut self.witnesses {
            witness.until("the mode degraded", |witness| witness.modes == [Mode::Degraded]).await;
        }
        for hub in &self.hubs {
            assert_eq!(Client::connect(hub, "late").await.welcome.mode, Mode::Degraded);
        }
    }

    /// All is as before: what was acked was seen, by everybody alike.
    async fn close(mut self, what: &str) {
        for witness in &mut self.witnesses {
            witness.until("the mode normal", |witness| witness.modes == [Mode::Degraded, Mode::Normal]).await;
        }
        self.progress.more(100).await;
        let reports = self.progress.stop(self.publishers).await;
        let mut last = Publisher::new("last", self.hubs[0].address()).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        all_until_text(&mut self.witnesses, "end").await;
        let slowest = reports.iter().map(|report| report.slowest).max().unwrap_or_default();
        let refused: Vec<usize> = reports.iter().map(|report| report.refused.len()).collect();
        let total = self.witnesses[0].seen.len();
        eprintln!("{what}: {total} messages, refused meanwhile {refused:?}, slowest answer {slowest:?}");

        let told = [ErrorCode::Degraded, ErrorCode::BusUnavailable, ErrorCode::Timeout];
        for report in &reports {
            assert!(!report.refused.is_empty() && report.refused.iter().all(|code| told.contains(code)));
            assert_eq!(report.lost, 0, "no connection was closed");
        }
        assert_same(&self.witnesses);
        assert_all_seen(&self.witnesses[0].seen, &reports);
        for witness in &self.witnesses {
            assert_eq!(witness.gaps, [], "nothing was lost, so nobody is told of a gap");
            assert_eq!((witness.modes.len(), witness.welcomes.len()), (2, 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_down_for_20_seconds_is_told_in_time_and_loses_nothing_that_was_acked() {
    bounded(Duration::from_secs(150), async {
        let mut cluster = Cluster::start(3).await;
        let mut scene = Scene::open(&cluster).await;
        cluster.kill_all();
        let down = tokio::time::Instant::now();
        scene.degraded().await;
        tokio::time::sleep_until(down + Duration::from_secs(20)).await;
        cluster.restart_all().await;
        scene.close("etcd down for 20 seconds").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etcd_that_hangs_is_told_in_time_and_loses_nothing_that_was_acked() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(3).await;
        let mut scene = Scene::open(&cluster).await;
        (0..3).for_each(|member| cluster.pause(member));
        scene.degraded().await;
        sleep(Duration::from_secs(4)).await;
        (0..3).for_each(|member| cluster.resume(member));
        scene.close("etcd hung").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_etcd_a_room_fails_closed_or_works_locally_as_configured() {
    bounded(Duration::from_secs(120), async {
        let mut cluster = Cluster::start(1).await;
        let with_local_room = |name| {
            let mut settings = settings(name, cluster.endpoints());
            settings.rooms.overrides = vec![RoomOverride {
                pattern: ROOM.parse().unwrap(),
                on_partition: Some(OnPartition::LocalOnly),
                partition_buffer: None,
                presence_changes: None,
            }];
            settings
        };
        let hubs = start_all(["a", "b"].map(with_local_room)).await;
        let [a, b] = [hubs[0].address(), hubs[1].address()];
        let mut here = Witness::new("here", a).await;
        let mut there = Witness::new("there", b).await;
        let mut publisher = Publisher::new("p", a).await;
        let room = |room: &str, text: &str| ClientRequest::room_message(room, json(format!("{text:?}")));
        // Behind where the younger of the hubs began: who has seen nothing since is told that something may be missing.
        assert!(matches!(publisher.broadcast("before").await, Answer::Acked(_)));
        for witness in [&mut here, &mut there] {
            witness.until_text("before").await;
        }
        cluster.kill_all();
        for witness in [&mut here, &mut there] {
            witness.until("the mode degraded", |witness| witness.modes == [Mode::Degraded]).await;
        }
        let closed = Answer::Refused { code: ErrorCode::Degraded, retryable: true };
        assert_eq!(publisher.broadcast("closed").await, closed);
        assert_eq!(publisher.request(room("another", "closed")).await, closed);
        let Answer::Acked(local) = publisher.request(room(ROOM, "only here")).await else { panic!("not acked") };
        assert!(is_local_only(local), "{local}");
        here.until_text("only here").await;
        // A client that goes on elsewhere with a local offset misses nothing that went over the bus.
        let mut moved = Witness::new("moved", a).await;
        let Answer::Acked(local) = publisher.request(room(ROOM, "here again")).await else { panic!("not acked") };
        moved.until_text("here again").await;
        assert_eq!(moved.position(), local);
        cluster.restart_all().await;
        for witness in [&mut here, &mut there] {
            witness.until("the mode normal", |witness| witness.modes == [Mode::Degraded, Mode::Normal]).await;
        }
        moved.cut();
        let Answer::Acked(after) = publisher.request(room(ROOM, "after")).await else { panic!("not acked") };
        assert!(!is_local_only(after) && after > local);
        moved.resume(b).await;
        for witness in [&mut here, &mut there, &mut moved] {
            witness.until_text("after").await;
            assert_eq!(witness.gaps, []);
        }
        assert_eq!(here.texts(), ["before", "only here", "here again", "after"]);
        assert_eq!(moved.texts(), ["here again", "after"]);
        assert!(moved.welcomes[1].2, "what was said on one hub alone is not missing on another");
        assert_eq!(there.texts(), ["before", "after"]);
    })
    .await;
}
