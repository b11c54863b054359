//! Asked over the admin API of one hub, all hubs answer, and who does not is named.

use std::time::Duration;

use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_test_client::{Client, json};
use reqwest::Method;
use serde_json::{Value, json as value};

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::publisher::{Answer, Publisher};
use crate::site::{Api, hubs, knows, settings};
use crate::witness::{ROOM, Witness};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_presence_and_kicks_concern_all_hubs_and_a_dead_one_is_named() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = hubs(&cluster, &["a", "b"]).await;
        let mut c = Process::start(settings("c", cluster.endpoints())).await;
        for hub in &hubs {
            knows(hub, 3).await;
        }
        let api = Api::of(&hubs[0]);
        let _alice = Witness::new("alice", hubs[0].address()).await;
        let mut bob = Witness::new("bob", hubs[1].address()).await;
        let _carol = Witness::new("carol", c.address).await;

        let all = api.get("clients").await;
        assert_eq!(pairs(&all), [("alice", "a"), ("bob", "b"), ("carol", "c")]);
        assert_eq!(all["missing"], value!([]));
        assert_eq!(pairs(&api.get("clients?node=c").await), [("carol", "c")]);
        assert_eq!(pairs(&api.get("clients?client=bob&room=lobby").await), [("bob", "b")]);
        let rooms = api.get("rooms").await;
        assert_eq!((&rooms["items"][0]["room"], &rooms["items"][0]["members"]), (&value!(ROOM), &value!(3)), "{rooms}");
        let nodes = api.get("nodes").await;
        let connections: Vec<u64> =
            nodes["items"].as_array().unwrap().iter().map(|n| n["connections"].as_u64().unwrap()).collect();
        assert_eq!(connections, [1, 1, 1], "{nodes}");
        let mut asking = Client::connect(&hubs[0], "asking").await;
        assert_eq!(members(&mut asking).await, ["alice", "bob", "carol"]);

        let (status, kicked) = api.call(Method::DELETE, "clients/bob", Value::Null).await;
        assert_eq!((status, &kicked["connections"], &kicked["missing"]), (200, &value!(1), &value!([])), "{kicked}");
        bob.until_closed().await;
        let (status, _) = api.call(Method::DELETE, "clients/nobody", Value::Null).await;
        assert_eq!(status, 404);

        c.kill();
        let all = api.get("clients").await;
        let missing = |list: &Value| list["missing"].as_array().is_some_and(|m| m.len() == 1 && m[0]["node"] == "c");
        assert!(missing(&all), "{all}");
        assert!(pairs(&all).contains(&("alice", "a")), "who can answer does: {all}");
        let nodes = api.get("nodes").await;
        assert!(missing(&nodes) && nodes["items"].as_array().unwrap().len() == 3, "{nodes}");
        assert!(missing(&api.get("rooms").await));
        let (status, kicked) = api.call(Method::DELETE, "clients/carol", Value::Null).await;
        assert!(status == 200 && missing(&kicked), "nobody can say that she is gone: {status} {kicked}");
        let mut publisher = Publisher::new("p", hubs[0].address()).await;
        let to_carol = || ClientRequest::unicast("carol", json("1"));
        let unclear = Answer::Refused { code: ErrorCode::Timeout, retryable: true };
        assert_eq!(publisher.request(to_carol()).await, unclear, "the dead hub might have known her");

        // It may leave while it is being asked: then it is in nobody's list and still missing, once.
        let alone = |nodes: &Value| {
            nodes["items"].as_array().is_some_and(|items| items.len() == 2) && nodes["missing"] == value!([])
        };
        eventually("the dead hub leaves with its lease", || api.get("nodes"), alone).await;
        let unknown = Answer::Refused { code: ErrorCode::ClientUnknown, retryable: false };
        assert_eq!(publisher.request(to_carol()).await, unknown);
        assert_eq!(members(&mut asking).await, ["alice"]);
    })
    .await;
}

/// Client and hub of every connection listed.
fn pairs(list: &Value) -> Vec<(&str, &str)> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| (item["client_id"].as_str().unwrap(), item["node"].as_str().unwrap())).collect()
}

/// Who is in the room, as a client is told.
async fn members(client: &mut Client) -> Vec<String> {
    match client.request(ClientRequest::presence(ROOM)).await {
        ServerFrame::Presence { clients, .. } => clients.iter().map(ToString::to_string).collect(),
        other => panic!("no presence but {other:?}"),
    }
}
