//! Without the operator hubs and etcd go on, and heal as far as Kubernetes heals by itself; what was missed is made up for.

use gohub_e2e::bed;
use gohub_e2e::crowd::report::Verdict;

fn gohub(replicas: i32) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: {replicas} }}
  etcd: {{ managed: {{ replicas: 1, storage: {{ size: 512Mi }} }} }}
"
    )
}

#[tokio::test]
async fn o45_hubs_serve_on_and_the_backlog_is_done_when_the_operator_is_back() {
    bed::test("operator-down", async |bed| {
        bed.apply(&gohub(2)).await;
        bed.until_condition("chat", "Ready").await;
        let crowd = bed.crowd("chat", 40, 10).await;

        bed.without_operator(async || {
            crowd.until_acked(50).await;
            let killed = bed.until_pods("chat", "hub", 2).await.remove(0);
            bed.kill(&killed).await;
            assert!(!bed.until_pods("chat", "hub", 2).await.contains(&killed), "Kubernetes replaces a hub by itself");
            bed.apply(&gohub(3)).await;
            crowd.until_acked(50).await;
        })
        .await;

        bed.until_pods("chat", "hub", 3).await;
        bed.until_condition("chat", "Ready").await;
        let report = crowd.finish().await;
        assert_eq!(report.verdict, Verdict::Complete, "{report:#?}");
    })
    .await;
}
