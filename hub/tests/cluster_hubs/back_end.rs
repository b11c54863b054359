//! What the back end does over one hub's API concerns the client on whatever hub it is; a hub that cannot be asked is named.

use std::time::Duration;

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_test_client::{Client, json};
use reqwest::Method;
use serde_json::{Value, json as value};

use crate::deadline::bounded;
use crate::etcd::Cluster;
use crate::process::Process;
use crate::site::{Api, hubs, knows, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_another_hub_is_put_into_a_room_and_loses_what_it_may_not_do() {
    bounded(Duration::from_secs(90), async {
        let cluster = Cluster::start(1).await;
        let hubs = hubs(&cluster, &["a", "b"]).await;
        let mut c = Process::start(settings("c", cluster.endpoints())).await;
        for hub in &hubs {
            knows(hub, 3).await;
        }
        let api = Api::of(&hubs[0]);
        let mut bob = Client::connect(&hubs[1], "bob").await;
        let mut carol = Client::connect(&hubs[0], "carol").await;

        for room in ["lobby", "news", "lobby"] {
            let (status, placed) = api.call(Method::PUT, &format!("clients/bob/rooms/{room}"), Value::Null).await;
            assert_eq!((status, &placed), (200, &value!({"connections": 1, "refused": [], "missing": []})));
        }
        let told: Vec<String> = bob.settle().await.into_iter().map(joined).collect();
        assert_eq!(told, ["lobby", "news"], "a room it is in already is no news");
        let offset = carol.publish(ClientRequest::room_message("lobby", json("1"))).await;
        assert_eq!(bob.publication().await.1, offset);
        let members = api.get("rooms/lobby/members").await;
        assert_eq!(
            (&members["clients"], &members["total"], &members["missing"]),
            (&value!(["bob"]), &value!(1), &value!([]))
        );
        for hub in &hubs {
            let history = Api::of(hub).get("rooms/lobby/history?limit=1").await;
            assert_eq!(history["messages"][0]["offset"], value!(offset.to_string()), "{history}");
        }

        let capabilities = value!({"rooms": [{"pattern": "news", "allow": ["join"]}]});
        let body = value!({"capabilities": capabilities});
        let (status, reached) = api.call(Method::POST, "clients/bob/refresh", body).await;
        assert_eq!((status, &reached), (200, &value!({"connections": 1, "missing": []})));
        assert_eq!(bob.frame().await, ServerFrame::Left { room: "lobby".to_owned() });
        let answer = bob.request(ClientRequest::join("lobby")).await;
        assert!(matches!(answer, ServerFrame::Error { .. }), "{answer:?}");
        let (status, _) = api.call(Method::DELETE, "clients/bob/rooms/news", Value::Null).await;
        assert_eq!((status, bob.frame().await), (200, ServerFrame::Left { room: "news".to_owned() }));

        let (status, _) = api.call(Method::POST, "clients/bob/refresh", value!({"within_seconds": 1})).await;
        assert_eq!(status, 200);
        let wanted = bob.frame().await;
        assert!(matches!(wanted, ServerFrame::Refresh { close_in_ms: 1..=1000 }), "{wanted:?}");
        assert_eq!(bob.close_code().await, 4004);
        assert_eq!(api.call(Method::PUT, "clients/bob/rooms/lobby", Value::Null).await.0, 404);

        // Asked of another hub, after the end.
        let lives = api.get("clients/bob/why").await;
        let life = &lives["lives"][0];
        assert_eq!(
            (&life["node"], &life["end"]["code"], &lives["missing"]),
            (&value!("b"), &value!(4004), &value!([])),
            "{lives}"
        );
        let words: Vec<&str> =
            life["events"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
        let expected = ["joined", "joined", "published", "rights_changed", "left", "refused", "left", "token_ends"];
        assert_eq!(words, expected, "{life}");

        c.kill();
        let (status, placed) = api.call(Method::PUT, "clients/dave/rooms/lobby", Value::Null).await;
        assert_eq!((status, &placed["missing"][0]["node"]), (200, &value!("c")), "dave may be there: {placed}");
        let (status, reached) = api.call(Method::POST, "clients/carol/refresh", value!({"within_seconds": 60})).await;
        assert_eq!((status, &reached["connections"], &reached["missing"][0]["node"]), (200, &value!(1), &value!("c")));
        let lives = api.get("clients/carol/why").await;
        assert_eq!((&lives["lives"][0]["node"], &lives["missing"][0]["node"]), (&value!("a"), &value!("c")), "{lives}");
    })
    .await;
}

fn joined(frame: ServerFrame) -> String {
    match frame {
        ServerFrame::Joined { room, .. } => room,
        other => panic!("not put into a room but {other:?}"),
    }
}
