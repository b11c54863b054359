//! A node is drained as `kubectl drain` does it: budgets let one pod go at a time, etcd keeps its majority, and no client loses a message.

use std::collections::BTreeMap;
use std::time::Duration;

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use tokio::sync::watch;

const GOHUB: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 3 }
  rollout: { minReadySeconds: 1 }
  config: { drain: { settle: 2s, rate: 50, deadline: 20s, reconnect_spread: 2s } }
  etcd: { managed: { replicas: 3, storage: { size: 512Mi } } }
";

/// What `kubectl drain` waits between two tries, or less.
const AGAIN: Duration = Duration::from_secs(1);

#[tokio::test]
async fn o27_a_drained_node_takes_one_pod_at_a_time_and_no_message() {
    bed::test("node", async |bed| {
        bed.apply(GOHUB).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 60, 20).await;
        crowd.until_acked(40).await;
        let etcd = places(bed, "etcd").await;
        let node = emptiest(&etcd);
        eprintln!("draining {node}: {etcd:?}");

        bed.cordoned(&node, async || {
            let (stop, stopped) = watch::channel(false);
            let draining = async {
                // Its members first: a volume may bind them to the node, and then they are away until it is back.
                drain(bed, "etcd", &etcd[&node]).await;
                let hubs = places(bed, "hub").await.remove(&node).unwrap_or_default();
                drain(bed, "hub", &hubs).await;
                let left = async || places(bed, "hub").await.remove(&node).unwrap_or_default();
                bed::eventually("no hub is left on the node", left, Vec::is_empty).await;
                bed.until_pods("chat", "hub", 3).await;
                stop.send_replace(true);
            };
            let ((), fewest) = tokio::join!(draining, fewest_ready(bed, stopped));
            assert!(fewest["hub"] >= 2, "at some time only {} hubs were ready", fewest["hub"]);
            assert!(fewest["etcd"] >= 2, "at some time only {} members were ready", fewest["etcd"]);
            crowd.until_acked(40).await;
        })
        .await;

        bed.until_condition("chat", "Ready").await;
        bed.until_pods("chat", "etcd", 3).await;
        let report = crowd.finish().await;
        eprintln!("longest silence of a client {} ms", report.all.longest_silence_ms);
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    })
    .await;
}

#[tokio::test]
async fn o27_a_second_eviction_waits_until_the_first_is_made_good() {
    bed::test("node-second", async |bed| {
        bed.apply(GOHUB).await;
        bed.until_condition("chat", "Ready").await;
        for component in ["etcd", "hub"] {
            let pods = bed.until_pods("chat", component, 3).await;
            allowed(bed, component).await;
            assert!(bed.evict(&pods[0]).await, "{component}: nothing is missing, so one may go");
            assert!(!bed.evict(&pods[1]).await, "{component}: a second one may not");
            let again = async || bed.evict(&pods[1]).await;
            bed::eventually("the second eviction is allowed", again, |evicted| *evicted).await;
            bed.until_pods("chat", component, 3).await;
        }
        bed.until_condition("chat", "Ready").await;
    })
    .await;
}

/// Waits until the disruption controller has counted all pods as healthy.
async fn allowed(bed: &Bed, component: &str) {
    use k8s_openapi::api::policy::v1::PodDisruptionBudget;
    let name = if component == "etcd" { "chat-etcd" } else { "chat" };
    let look = async || {
        let budget = bed.api::<PodDisruptionBudget>().get(name).await.expect("there is a budget");
        budget.status.map(|status| status.disruptions_allowed)
    };
    bed::eventually(&format!("{name}: one may go"), look, |allowed| *allowed == Some(1)).await;
}

/// Evicts each, again and again until it is allowed.
async fn drain(bed: &Bed, component: &str, pods: &[String]) {
    for (index, pod) in pods.iter().enumerate() {
        let mut refused = 0;
        while !bed.evict(pod).await {
            refused += 1;
            assert!(refused < 120, "{pod} cannot be evicted");
            tokio::time::sleep(AGAIN).await;
        }
        eprintln!("evicted {component} {} of {}: {pod}, refused {refused} times", index + 1, pods.len());
    }
}

/// The pods of a component by node, those that go left out.
async fn places(bed: &Bed, component: &str) -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let pods = bed.pods("chat", component).await;
    for pod in pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
        let node = pod.spec.and_then(|spec| spec.node_name).unwrap_or_default();
        places.entry(node).or_default().extend(pod.metadata.name);
    }
    places
}

/// The node with the fewest members: where volumes are bound to nodes, a majority must not be.
fn emptiest(places: &BTreeMap<String, Vec<String>>) -> String {
    assert!(places.len() > 1, "the members are spread: {places:?}");
    places.iter().min_by_key(|(_, pods)| pods.len()).map(|(node, _)| node.clone()).expect("there are members")
}

/// The smallest number of ready pods of each component until it is told to stop.
async fn fewest_ready(bed: &Bed, mut stopped: watch::Receiver<bool>) -> BTreeMap<&'static str, usize> {
    let mut fewest: BTreeMap<&str, usize> = [("hub", 3), ("etcd", 3)].into();
    loop {
        for (component, fewest) in &mut fewest {
            let pods = bed.pods("chat", component).await;
            *fewest = (*fewest).min(pods.iter().filter(|pod| bed::is_ready(pod)).count());
        }
        let over = tokio::time::timeout(Duration::from_millis(100), stopped.wait_for(|stopped| *stopped)).await;
        if over.is_ok() {
            return fewest;
        }
    }
}
