//! A hub that dies without a word costs its clients seconds and no message, and the others' clients nothing.

use gohub_crowd::report::Verdict;
use gohub_e2e::bed::{self, Bed};
use k8s_openapi::api::core::v1::Pod;

const THREE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 3 }
  etcd: { managed: { replicas: 1, storage: { size: 512Mi } } }
";

/// What is promised to the clients of a hub that dies.
const BACK_IN_MS: u64 = 10_000;

#[tokio::test]
async fn o22_clients_of_a_deleted_hub_are_back_in_ten_seconds_and_nobody_misses_a_message() {
    bed::test("hub-loss", async |bed| {
        loses_a_hub(bed, async |victim| {
            bed.kill(victim).await;
            let gone = async || bed.api::<Pod>().get_opt(victim).await.is_ok_and(|pod| pod.is_none());
            bed::eventually("the pod is gone", gone, |gone| *gone).await;
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn o22_a_hub_whose_process_is_killed_is_back_under_its_name_and_so_are_its_clients() {
    bed::test("hub-killed", async |bed| {
        loses_a_hub(bed, async |victim| {
            bed.kill_program(victim, "gohub").await;
            let restarts = async || {
                let pod = bed.api::<Pod>().get(victim).await.expect("the pod stays");
                let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
                containers.iter().map(|container| container.restart_count).sum::<i32>()
            };
            bed::eventually("kubelet starts it again", restarts, |restarts| *restarts == 1).await;
        })
        .await;
    })
    .await;
}

/// Lets one of three hubs die under a crowd, and judges what its clients and those of the others saw.
async fn loses_a_hub(bed: &Bed, dies: impl AsyncFnOnce(&str)) {
    bed.apply(THREE).await;
    bed.until_condition("chat", "Ready").await;
    let crowd = bed.crowd("chat", 90, 20).await;
    crowd.until_acked(40).await;

    let victim = bed.until_pods("chat", "hub", 3).await.remove(0);
    let its_clients = bed.figures(&victim).await.value("gohub_connections").expect("it counts them");
    dies(&victim).await;
    crowd.until_acked(200).await;
    bed.until_pods("chat", "hub", 3).await;
    bed.until_condition("chat", "Ready").await;

    let report = crowd.finish().await;
    assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    let moved = report.members.iter().filter(|member| member.reconnects > 0).count();
    // The publisher is one of the clients that the hub counted, or it is not.
    assert!((its_clients - moved as f64).abs() <= 1.0, "{moved} reconnected of {its_clients} that had to");
    eprintln!("{moved} clients lost their hub, longest silence of a client {} ms", report.all.longest_silence_ms);
    let slow: Vec<_> = report.members.iter().filter(|member| member.longest_silence_ms > BACK_IN_MS).collect();
    assert!(slow.is_empty(), "not back in time: {slow:#?}");
}
