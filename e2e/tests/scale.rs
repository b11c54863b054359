//! Hubs come and go under live clients, and none loses a message that it was not told of.

use gohub_crowd::report::Verdict;
use gohub_e2e::bed;

const THREE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 3 }
  config:
    drain: { rate: 50, deadline: 20s }
  etcd: { managed: { replicas: 1, storage: { size: 512Mi } } }
";

#[tokio::test]
async fn three_hubs_become_five_and_then_two_and_no_client_loses_a_message() {
    bed::test("scale", async |bed| {
        bed.apply(THREE).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 120, 20).await;
        crowd.until_acked(50).await;

        bed.scale("chat", 5).await;
        bed.until_pods("chat", "hub", 5).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!(status.hub.summary, "5/5");
        let grown = crowd.progress().await;
        assert_eq!(grown.disconnects, 0, "more hubs are no reason to disconnect anybody: {grown:?}");
        crowd.until_acked(50).await;

        bed.scale("chat", 2).await;
        bed.until_pods("chat", "hub", 2).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!(status.hub.summary, "2/2");
        crowd.until_acked(50).await;

        let report = crowd.finish().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
        assert!(report.acked >= 150, "{} acked", report.acked);
        assert!(report.all.reconnects > 0, "nobody was on a hub that went: {report:#?}");
        assert_eq!(report.all.stopped, None);
    })
    .await;
}
