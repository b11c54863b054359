//! `kubectl apply -f gohub.yaml` is all it takes: hubs and etcd come up, and clients of different hubs talk.

use std::time::Duration;

use gohub::protocol::Payload;
use gohub::protocol::client::ClientRequest;
use gohub_e2e::bed::{self, Bed};

const ONE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 1 }
  etcd: { managed: { replicas: 1, storage: { size: 512Mi } } }
";

const THREE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 3 }
  etcd: { managed: { replicas: 3, storage: { size: 512Mi } } }
";

const OUTSIDE: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 2 }
  etcd: { mode: External, external: { endpoints: ['http://etcd:2379'] } }
";

#[tokio::test]
async fn one_hub_and_one_etcd_member_become_ready_and_carry_a_message() {
    bed::test("apply-one", async |bed| {
        bed.apply(ONE).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!((status.hub.ready, status.hub.summary.as_str()), (1, "1/1"));
        assert_eq!((status.etcd.ready, status.etcd.summary.as_str()), (1, "1/1"));
        bed.until_condition("chat", "EtcdReady").await;
        bed.until_condition("chat", "ConfigConverged").await;
        let hubs = bed.until_pods("chat", "hub", 1).await;
        everybody_hears_everybody(bed, &hubs).await;
    })
    .await;
}

#[tokio::test]
async fn three_hubs_and_three_etcd_members_are_one_hub() {
    bed::test("apply-three", async |bed| {
        bed.apply(THREE).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!(status.hub.summary, "3/3");
        assert_eq!(status.etcd.summary, "3/3");
        let roles: Vec<&str> = status.etcd.members.iter().map(|member| member.role.as_str()).collect();
        assert_eq!(roles.iter().filter(|role| **role == "leader").count(), 1, "{roles:?}");
        let hubs = bed.until_pods("chat", "hub", 3).await;
        everybody_hears_everybody(bed, &hubs).await;
        // Nothing is left that would restart or move by itself.
        let nodes = nodes_of(bed, &hubs).await;
        assert!(nodes.len() > 1, "all hubs are on {nodes:?}");
    })
    .await;
}

#[tokio::test]
async fn two_hubs_share_an_etcd_that_is_somebody_elses() {
    bed::test("apply-outside", async |bed| {
        bed.outside_etcd().await;
        bed.apply(OUTSIDE).await;
        let status = bed.until_condition("chat", "Ready").await;
        assert_eq!((status.hub.summary.as_str(), status.etcd.summary.as_str()), ("2/2", "external"));
        let hubs = bed.until_pods("chat", "hub", 2).await;
        everybody_hears_everybody(bed, &hubs).await;
    })
    .await;
}

/// One client at each hub; each speaks, and all hear the same texts at the same offsets.
async fn everybody_hears_everybody(bed: &Bed, hubs: &[String]) {
    let mut clients = Vec::new();
    for hub in hubs {
        clients.push(bed.client(hub, &format!("client-of-{hub}"), "lobby").await);
    }
    let mut speakers = Vec::new();
    for hub in hubs {
        speakers.push(bed.client(hub, &format!("speaker-of-{hub}"), "elsewhere").await);
    }
    let mut said = Vec::new();
    for (hub, speaker) in hubs.iter().zip(&mut speakers) {
        let text = format!("\"hello from {hub}\"");
        let data = Payload::json(text.clone()).expect("JSON");
        said.push((speaker.publish(ClientRequest::room_message("lobby", data)).await, text));
    }
    for client in &mut clients {
        let mut heard = Vec::new();
        while heard.len() < said.len() {
            heard.push(client.publication().await);
        }
        assert_eq!(heard, said);
    }
}

async fn nodes_of(bed: &Bed, hubs: &[String]) -> std::collections::BTreeSet<String> {
    let (pods, _) = bed::within(
        Duration::from_secs(5),
        "the hubs are listed",
        async || bed.pods("chat", "hub").await,
        |pods| pods.len() == hubs.len(),
    )
    .await;
    pods.into_iter().filter_map(|pod| pod.spec?.node_name).collect()
}
