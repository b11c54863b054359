//! A hub that dies without a word costs its clients seconds and no message, and the others' clients nothing.

use gohub_e2e::bed;
use gohub_e2e::crowd::report::Verdict;

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
async fn o22_clients_of_a_killed_hub_are_back_in_ten_seconds_and_nobody_misses_a_message() {
    bed::test("hub-loss", async |bed| {
        bed.apply(THREE).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 90, 20).await;
        crowd.until_acked(40).await;

        let victim = bed.until_pods("chat", "hub", 3).await.remove(0);
        let its_clients = bed.figures(&victim).await.value("gohub_connections").expect("it counts them");
        bed.kill(&victim).await;
        crowd.until_acked(200).await;
        assert!(!bed.until_pods("chat", "hub", 3).await.contains(&victim));
        bed.until_condition("chat", "Ready").await;

        let report = crowd.finish().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        let moved = report.members.iter().filter(|member| member.reconnects > 0).count();
        // The publisher is one of the clients that the hub counted, or it is not.
        assert!((its_clients - moved as f64).abs() <= 1.0, "{moved} reconnected of {its_clients} that had to");
        eprintln!("{moved} clients lost their hub, longest silence of a client {} ms", report.all.longest_silence_ms);
        let slow: Vec<_> = report.members.iter().filter(|member| member.longest_silence_ms > BACK_IN_MS).collect();
        assert!(slow.is_empty(), "not back in time: {slow:#?}");
    })
    .await;
}
