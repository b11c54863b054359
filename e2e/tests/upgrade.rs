//! A new hub image replaces the hubs one by one under live clients; a broken one stops at its first pod, and going back is all it takes.

use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::watch;

/// What runs first.
const IMAGE: &str = concat!("gohub:", env!("CARGO_PKG_VERSION"));
/// The same under another name: to Kubernetes a new version. `scripts/e2e.sh load` gives it the name.
const NEXT: &str = concat!("gohub:", env!("CARGO_PKG_VERSION"), "-next");
/// Nobody has it.
const MISSING: &str = concat!("gohub:", env!("CARGO_PKG_VERSION"), "-missing");
/// Ends at once when it is started with a hub's arguments.
const CRASHING: &str = concat!("gohub-e2e:", env!("CARGO_PKG_VERSION"));

const HUBS: usize = 3;
/// Connections a draining hub closes in a second.
const PACE: u64 = 5;

fn gohub(image: &str) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: {HUBS}, image: {image} }}
  rollout: {{ minReadySeconds: 3, progressDeadlineSeconds: 60 }}
  config: {{ drain: {{ settle: 2s, rate: {PACE}, deadline: 40s, reconnect_spread: 2s }} }}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: 512Mi }} }} }}
"
    )
}

#[tokio::test]
async fn o23_a_new_image_replaces_one_hub_after_the_other_and_costs_no_client_a_message() {
    bed::test("upgrade", async |bed| {
        bed.apply(&gohub(IMAGE)).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 120, 20).await;
        crowd.until_acked(40).await;

        let (stop, stopped) = watch::channel(false);
        let rolling = async {
            bed.apply(&gohub(NEXT)).await;
            let status = bed.until_condition("chat", "Ready").await;
            assert_eq!(status.hub.summary, "3/3");
            bed.until_pods("chat", "hub", HUBS).await;
            stop.send_replace(true);
        };
        let ((), seen) = tokio::join!(rolling, census(bed, stopped));
        assert!(seen.fewest_ready >= HUBS, "at some time only {} hubs served", seen.fewest_ready);
        assert!(seen.most_staying <= HUBS + 1, "at some time there were {} hubs", seen.most_staying);
        for pod in bed.pods("chat", "hub").await {
            assert_eq!(image_of(&pod), NEXT);
        }

        crowd.until_acked(40).await;
        let fastest = crowd.history().await.windows(2).map(|two| two[1].disconnects - two[0].disconnects).max();
        // The crowd's second is not the hub's, and two hubs may drain at the same time.
        assert!(fastest.unwrap_or_default() <= 4 * PACE, "{fastest:?} connections were closed in a second");
        let report = crowd.finish().await;
        let (gap, moves) = (report.all.longest_silence_ms, report.all.reconnects);
        eprintln!("rolled {HUBS} hubs under 120 clients: {moves} reconnects, longest silence of a client {gap} ms");
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        assert_eq!(report.all.stopped, None);
        assert!(report.members.iter().all(|member| member.reconnects > 0), "every hub was replaced: {report:#?}");
    })
    .await;
}

#[tokio::test]
async fn o24_an_image_that_cannot_be_pulled_stops_at_its_first_pod_which_is_named_and_going_back_heals() {
    bed::test("upgrade-missing", async |bed| {
        bed.apply(&gohub(IMAGE)).await;
        bed.until_condition("chat", "Ready").await;
        let old = bed.until_pods("chat", "hub", HUBS).await;
        let crowd = bed.crowd("chat", 30, 10).await;

        bed.apply(&gohub(MISSING)).await;
        let broken = the_broken_pod(bed, MISSING).await;
        bed.until_ready_says("chat", "RollingOut", &[&broken, "Image"]).await;
        let gave_up = bed.until_ready_says("chat", "RolloutStuck", &[&broken, "Image"]).await;
        eprintln!("told: {gave_up}");
        bed.until_condition_is("chat", "Degraded", "True").await;
        assert_eq!(serving(bed).await, old, "the old hubs serve on, and there is no second new one");
        crowd.until_acked(20).await;

        bed.apply(&gohub(IMAGE)).await;
        bed.until_condition("chat", "Ready").await;
        bed.until_condition_is("chat", "Degraded", "False").await;
        assert_eq!(bed.until_pods("chat", "hub", HUBS).await, old);
        let report = crowd.finish().await;
        assert_eq!((report.verdict, report.all.reconnects), (Verdict::Complete, 0), "{report:#?}");
    })
    .await;
}

#[tokio::test]
async fn o26_an_image_that_crashes_is_mended_by_the_next_one() {
    bed::test("upgrade-crash", async |bed| {
        bed.apply(&gohub(IMAGE)).await;
        bed.until_condition("chat", "Ready").await;
        let old = bed.until_pods("chat", "hub", HUBS).await;

        bed.apply(&gohub(CRASHING)).await;
        let broken = the_broken_pod(bed, CRASHING).await;
        bed.until_ready_says("chat", "RollingOut", &[&broken, "CrashLoopBackOff"]).await;
        assert_eq!(serving(bed).await, old, "the old hubs serve on, and there is no second new one");

        bed.apply(&gohub(NEXT)).await;
        bed.until_condition("chat", "Ready").await;
        for pod in bed.pods("chat", "hub").await.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
            assert_eq!(image_of(pod), NEXT);
        }
    })
    .await;
}

#[tokio::test]
async fn o25_a_hub_that_never_becomes_ready_is_given_up_at_the_deadline_and_the_old_ones_serve_on() {
    bed::test("upgrade-unready", async |bed| {
        let at = |etcd: &str| {
            format!(
                r#"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 2 }}
  rollout: {{ minReadySeconds: 3, progressDeadlineSeconds: 60 }}
  etcd: {{ mode: External, external: {{ endpoints: ["http://{etcd}:2379"] }} }}
"#
            )
        };
        bed.outside_etcd().await;
        bed.apply(&at("etcd")).await;
        bed.until_condition("chat", "Ready").await;
        let old = bed.until_pods("chat", "hub", 2).await;

        // A hub without etcd runs and is not ready: it could deliver nothing.
        bed.apply(&at("nowhere")).await;
        bed.until_condition_is("chat", "Progressing", "True").await;
        let told = bed.until_ready_says("chat", "RolloutStuck", &["chat-", "not ready"]).await;
        eprintln!("told: {told}");
        bed.until_condition_is("chat", "Degraded", "True").await;
        assert_eq!(serving(bed).await, old, "the old hubs serve on");
        assert_eq!(bed.pods("chat", "hub").await.len(), old.len() + 1, "and there is no second new one");

        bed.apply(&at("etcd")).await;
        bed.until_condition("chat", "Ready").await;
        bed.until_condition_is("chat", "Degraded", "False").await;
        assert_eq!(bed.until_pods("chat", "hub", 2).await, old);
    })
    .await;
}

/// How many hubs there were meanwhile.
struct Census {
    fewest_ready: usize,
    most_staying: usize,
}

/// Counts until it is told to stop. A hub that drains has done its duty: it is neither ready nor one too many.
async fn census(bed: &Bed, mut stopped: watch::Receiver<bool>) -> Census {
    let mut seen = Census { fewest_ready: usize::MAX, most_staying: 0 };
    loop {
        let pods = bed.pods("chat", "hub").await;
        let staying = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        seen.most_staying = seen.most_staying.max(staying.count());
        seen.fewest_ready = seen.fewest_ready.min(pods.iter().filter(|pod| bed::is_ready(pod)).count());
        let over = tokio::time::timeout(Duration::from_millis(100), stopped.wait_for(|stopped| *stopped)).await;
        if over.is_ok() {
            return seen;
        }
    }
}

fn image_of(pod: &Pod) -> &str {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.filter_map(|container| container.image.as_deref()).next().unwrap_or_default()
}

/// Names of the hubs that are ready.
async fn serving(bed: &Bed) -> Vec<String> {
    let pods = bed.pods("chat", "hub").await;
    pods.iter().filter(|pod| bed::is_ready(pod)).filter_map(|pod| pod.metadata.name.clone()).collect()
}

/// Waits for the one pod that has this image.
async fn the_broken_pod(bed: &Bed, image: &str) -> String {
    let look = async || {
        let pods = bed.pods("chat", "hub").await;
        let with_it = pods.iter().filter(|pod| image_of(pod) == image);
        with_it.filter_map(|pod| pod.metadata.name.clone()).collect::<Vec<_>>()
    };
    bed::eventually("one pod with the broken image", look, |names| names.len() == 1).await.remove(0)
}
