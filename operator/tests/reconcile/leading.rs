//! One of several operators acts, and one that lacks a right says which.

use std::time::Duration;

use gohub_operator::controller::Scope;
use gohub_operator::fence::Fence;
use gohub_operator::lease::{DEADLINE, DURATION, Lease, Lost};
use gohub_operator::rights;
use serde_json::json;
use tokio::time::Instant;
use tower::Layer;

use crate::api_server::{Answer, ApiServer, status};

fn lease(server: &ApiServer, identity: &str) -> Lease {
    Lease::new(server.client(), "ops", "gohub-operator".to_owned(), identity.to_owned())
}

fn holder(server: &ApiServer) -> String {
    server.at("leases", "gohub-operator", "/spec/holderIdentity").as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn o34_the_loser_has_stopped_before_the_winner_starts() {
    let server = ApiServer::new();
    let (first, second) = (Fence::closed(), Fence::closed());
    let mut leader = lease(&server, "first");
    leader.acquire(&first).await;
    assert!(first.is_open());
    // From now on the first is stopped, or reaches the API server no more: it renews nothing.
    let mut other = lease(&server, "second");
    let begun = Instant::now();
    let both = async {
        let mut overlap = false;
        loop {
            overlap |= first.is_open() && second.is_open();
            if second.is_open() {
                return overlap;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (overlap, ()) = tokio::join!(both, other.acquire(&second));
    assert!(!overlap, "two wrote at a time");
    assert!(begun.elapsed() >= DURATION - Duration::from_millis(1));
    assert_eq!(holder(&server), "second");
    // The first comes back and finds out.
    assert!(matches!(leader.keep(&first).await, Lost::Taken(holder) if holder == "second"));
    assert!(!first.is_open());
    assert!(DEADLINE < DURATION);
}

#[tokio::test(start_paused = true)]
async fn o34_a_leader_that_cannot_renew_stops_in_time() {
    let server = ApiServer::new();
    let fence = Fence::closed();
    let mut leader = lease(&server, "first");
    leader.acquire(&fence).await;
    server.fault(|_| Some(status(503, "ServiceUnavailable", "")));
    let begun = Instant::now();
    assert!(matches!(leader.keep(&fence).await, Lost::Overdue));
    assert!(begun.elapsed() <= DEADLINE + Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(!fence.is_open());
}

#[tokio::test(start_paused = true)]
async fn o34_a_write_of_one_that_lost_the_lease_is_not_sent() {
    let server = ApiServer::new();
    let fence = Fence::closed();
    let client = kube::Client::new(fence.layer(server.service()), "demo");
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::namespaced(client, "demo");
    let map = serde_json::from_value(json!({ "metadata": { "name": "a" } })).unwrap();
    assert!(maps.create(&Default::default(), &map).await.is_err());
    assert!(server.take_calls().is_empty());
    fence.open_until(Instant::now() + DEADLINE);
    maps.create(&Default::default(), &map).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_given_back_is_taken_at_once() {
    let server = ApiServer::new();
    let fence = Fence::closed();
    let mut leader = lease(&server, "first");
    leader.acquire(&fence).await;
    leader.release().await;
    let begun = Instant::now();
    lease(&server, "second").acquire(&Fence::closed()).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(server.at("leases", "gohub-operator", "/spec/leaseTransitions"), 1);
}

#[tokio::test(start_paused = true)]
async fn o36_clocks_that_differ_by_an_hour_change_nothing() {
    for time in ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"] {
        let server = ApiServer::new();
        let record = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "gohub-operator", "namespace": "ops" },
            "spec": { "holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": time, "acquireTime": time },
        });
        server.put("/apis/coordination.k8s.io/v1/namespaces/ops/leases/gohub-operator", record);
        let begun = Instant::now();
        lease(&server, "mine").acquire(&Fence::closed()).await;
        let waited = begun.elapsed();
        assert!(waited >= DURATION && waited < DURATION * 2, "{time}: {waited:?}");
    }
}

#[tokio::test]
async fn o31_a_missing_right_is_named_with_its_verb_and_resource() {
    let server = ApiServer::new();
    let scopes = [Scope::Namespace("demo".to_owned())];
    let missing = rights::missing(&server.client(), &scopes, "ops", true).await.unwrap();
    assert!(missing.is_empty(), "{missing:?}");
    server.fault(|call| {
        let asked = &call.body["spec"]["resourceAttributes"];
        (asked["verb"] == "watch" && asked["resource"] == "deployments" || asked["subresource"] == "status").then(
            || {
                let mut review = call.body.clone();
                review["status"] = json!({ "allowed": false });
                Answer::Json(201, review)
            },
        )
    });
    let missing = rights::missing(&server.client(), &scopes, "ops", true).await.unwrap();
    assert_eq!(missing, ["watch deployments.apps in namespace demo", "patch gohubs/status.gohub.io in namespace demo"]);
}
