//! What a cluster's administrators forbid is told in the API server's words, and heals when it is lifted.

use gohub_e2e::bed;
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::api::DeleteParams;

const QUOTA: &str = r#"
apiVersion: v1
kind: ResourceQuota
metadata: { name: nothing }
spec: { hard: { pods: "0" } }
"#;

const LIMIT: &str = r"
apiVersion: v1
kind: LimitRange
metadata: { name: small }
spec: { limits: [{ type: PersistentVolumeClaim, max: { storage: 256Mi } }] }
";

fn gohub(etcd: &str) -> String {
    format!(
        r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: {{ name: chat }}
spec:
  hub: {{ replicas: 1 }}
  etcd: {etcd}
"
    )
}

#[tokio::test]
async fn o39_pods_that_a_quota_forbids_are_told_of_in_its_words_and_made_when_it_is_lifted() {
    bed::test("quota", async |bed| {
        bed.apply(QUOTA).await;
        bed.apply(&gohub("{ mode: Disabled }")).await;
        bed.until_ready_says("chat", "RolloutStuck", &["exceeded quota: nothing"]).await;
        bed.until_condition_is("chat", "Degraded", "True").await;
        bed.api::<ResourceQuota>().delete("nothing", &DeleteParams::default()).await.expect("it is lifted");
        bed.until_condition("chat", "Ready").await;
        bed.until_condition_is("chat", "Degraded", "False").await;
    })
    .await;
}

#[tokio::test]
async fn o39_volumes_of_etcd_that_a_limit_forbids_are_told_of_in_its_words_and_made_when_it_is_lifted() {
    bed::test("limit", async |bed| {
        bed.apply(LIMIT).await;
        bed.apply(&gohub("{ managed: { replicas: 1, storage: { size: 512Mi } } }")).await;
        bed.until_ready_says("chat", "Refused", &["maximum storage usage per PersistentVolumeClaim is 256Mi"]).await;
        bed.until_condition_is("chat", "Degraded", "True").await;
        bed.api::<LimitRange>().delete("small", &DeleteParams::default()).await.expect("it is lifted");
        bed.until_condition("chat", "Ready").await;
        bed.until_condition_is("chat", "Degraded", "False").await;
    })
    .await;
}
