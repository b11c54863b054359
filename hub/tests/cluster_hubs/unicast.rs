//! A message to one client finds it on whichever hub it is; to one that is nowhere it is an error.

use std::time::Duration;

use gohub::protocol::ErrorCode;
use gohub::protocol::client::ClientRequest;
use gohub_test_client::json;
use reqwest::Method;

use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::publisher::{Answer, Publisher};
use crate::site::{Api, hubs};
use crate::witness::{Witness, assert_same};

fn unicast(to: &str, text: &str) -> ClientRequest {
    ClientRequest::unicast(to, json(format!("{text:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unicast_reaches_every_connection_of_its_client_on_other_hubs_and_nobody_else() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = hubs(&cluster, &["a", "b", "c"]).await;
        let [a, b, c] = [hubs[0].address(), hubs[1].address(), hubs[2].address()];
        let mut bobs = [Witness::new("bob", b).await, Witness::new("bob", c).await];
        let mut others = [Witness::new("carol", b).await, Witness::new("dave", a).await];
        let mut alice = Publisher::new("alice", a).await;
        let Answer::Acked(offset) = alice.request(unicast("bob", "hello")).await else { panic!("not acked") };
        // Also once it is known where bob is, and in the order of sending.
        for number in 0..20 {
            assert!(matches!(alice.request(unicast("bob", &format!("u-{number}"))).await, Answer::Acked(_)));
        }
        assert!(matches!(alice.broadcast("end").await, Answer::Acked(_)));
        for witness in bobs.iter_mut().chain(&mut others) {
            witness.until_text("end").await;
        }
        assert_same(&bobs);
        assert_eq!((bobs[0].seen.len(), &bobs[0].seen[0]), (22, &(offset, "hello".to_owned())));
        let order: Vec<String> = (0..20).map(|number| format!("u-{number}")).collect();
        assert_eq!(bobs[0].texts()[1..21], order);
        assert!(others.iter().all(|witness| witness.texts() == ["end"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unicast_to_nobody_is_client_unknown_and_one_to_a_client_that_may_resume_waits_for_it() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = hubs(&cluster, &["a", "b"]).await;
        let [a, b] = [hubs[0].address(), hubs[1].address()];
        let mut alice = Publisher::new("alice", a).await;
        let unknown = Answer::Refused { code: ErrorCode::ClientUnknown, retryable: false };
        assert_eq!(alice.request(unicast("nobody", "x")).await, unknown);
        let (status, body) =
            Api::of(&hubs[0]).call(Method::POST, "clients/nobody/messages", serde_json::json!({"data": 1})).await;
        assert_eq!((status, &body["code"]), (404, &"client_unknown".into()), "{body}");

        let mut bob = Witness::new("bob", b).await;
        bob.cut();
        assert!(matches!(alice.request(unicast("bob", "while away")).await, Answer::Acked(_)));
        bob.resume(a).await;
        bob.until_text("while away").await;
        assert_eq!((bob.texts(), bob.gaps.len(), bob.welcomes[1].2), (vec!["while away"], 0, true));
    })
    .await;
}
