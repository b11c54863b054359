//! A Secret of one's own with the hubs' certificate: rotated under them, wrong, and gone. No hub is restarted for any of it.

use std::time::{Duration, SystemTime};

use gohub_e2e::bed;
use gohub_operator::etcd::pki;
use gohub_operator::reconcile::observed::Pair;
use gohub_operator::reconcile::plan::Owner;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::DeleteParams;

const ONE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 1, tlsSecret: chat-tls }
  rollout: { minReadySeconds: 1 }
  etcd: { mode: Disabled }
";

/// Kubelet is told to look at once; by itself it would in a minute or so.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn o38_a_rotated_certificate_is_used_without_a_restart_and_a_wrong_or_missing_one_is_told() {
    bed::test("secrets", async |bed| {
        bed.apply(ONE).await;
        bed.until_ready_says("chat", "ReferenceMissing", &["chat-tls"]).await;
        let (first, second) = (pair(), pair());
        bed.apply(&secret(&first.certificate, &first.key)).await;
        bed.until_condition("chat", "Ready").await;
        let hub = bed.until_pods("chat", "hub", 1).await.remove(0);
        let renewed = async || bed.log(&hub).await.matches("certificate renewed").count();
        assert_eq!(renewed().await, 0);

        bed.apply(&secret(&second.certificate, &second.key)).await;
        let (_, took) = bed::within(SOON, "the hub uses the new certificate", renewed, |times| *times == 1).await;
        eprintln!("a rotated certificate is used after {took:?}");

        bed.apply(&secret(&second.certificate, &first.key)).await;
        bed.until_ready_says("chat", "ConfigRefused", &["server.tls"]).await;
        bed.apply(&secret(&first.certificate, &first.key)).await;
        bed.until_condition("chat", "Ready").await;

        bed.api::<Secret>().delete("chat-tls", &DeleteParams::default()).await.expect("it is deleted");
        bed.until_ready_says("chat", "ReferenceMissing", &["chat-tls"]).await;
        bed.apply(&secret(&first.certificate, &first.key)).await;
        bed.until_condition("chat", "Ready").await;

        assert_eq!(bed.until_pods("chat", "hub", 1).await, std::slice::from_ref(&hub));
        let status = bed.api::<Pod>().get_status(&hub).await.expect("it is there").status.unwrap_or_default();
        assert!(status.container_statuses.iter().flatten().all(|container| container.restart_count == 0));
    })
    .await;
}

/// A certificate of an authority that nobody else knows, and its key.
fn pair() -> Pair {
    let owner = Owner { name: "chat".to_owned(), namespace: "demo".to_owned(), uid: "none".to_owned() };
    pki::issue(&owner, SystemTime::now()).expect("certificates are made").member
}

fn secret(certificate: &str, key: &str) -> String {
    let indented = |pem: &str| pem.trim_end().replace('\n', "\n    ");
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{ name: chat-tls }}\ntype: kubernetes.io/tls\nstringData:\n  \
         tls.crt: |\n    {}\n  tls.key: |\n    {}\n",
        indented(certificate),
        indented(key)
    )
}
