//! Whatever can write to etcd can publish: what `etcdctl put` does is done here through the same API.

use std::time::Duration;

use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::publisher::{Answer, Publisher};
use crate::site::hubs;
use crate::witness::{Witness, assert_same};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_json_put_into_etcd_is_delivered_to_everybody_a_room_and_one_client() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = hubs(&cluster, &["a", "b"]).await;
        let [a, b] = [hubs[0].address(), hubs[1].address()];
        let mut alice = Witness::new("alice", a).await;
        let mut bob = Witness::new("bob", b).await;
        let mut etcd = cluster.client().await;
        let mut revisions = Vec::new();
        for (key, value) in [
            ("/gohub/broadcast", r#"{"message_id":20,"data":"hi"}"#),
            ("/gohub/unicast/bob", r#"{"message_id":21,"data":"psst"}"#),
            ("/gohub/broadcast", "this is no message"),
            ("/gohub/unicast/", r#"{"message_id":21,"data":"to no client"}"#),
            ("/gohub/broadcast", r#"{"message_id":22,"room":"lobby","data":"in the lobby"}"#),
            ("/gohub/broadcast", r#"{"message_id":22,"room":"elsewhere","data":"not for them"}"#),
        ] {
            let answer = etcd.put(key, value, None).await.unwrap();
            revisions.push(answer.header().unwrap().revision() as u64);
        }
        let mut last = Publisher::new("last", a).await;
        assert!(matches!(last.broadcast("end").await, Answer::Acked(_)));
        for witness in [&mut alice, &mut bob] {
            witness.until_text("end").await;
        }
        assert_eq!(alice.texts(), ["hi", "in the lobby", "end"]);
        assert_eq!(bob.texts(), ["hi", "psst", "in the lobby", "end"]);
        let majors: Vec<u64> = bob.seen.iter().map(|(offset, _)| offset.major).collect();
        assert_eq!(majors[..3], [revisions[0], revisions[1], revisions[4]], "the offset is etcd's revision");
        bob.seen.retain(|(_, text)| text != "psst");
        assert_same([&alice, &bob]);
    })
    .await;
}
