//! The server API of one hub, as a back end calls it, with real clients connected: what it changes for them, and what it does not.

use gohub::Hub;
use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::Secret;
use gohub_test_client::{Client, Connect, json as payload, settings, start};
use reqwest::Method;
use serde_json::{Value, json};

const KEY: &str = "an-api-key-of-the-test";

async fn hub(change: impl FnOnce(&mut gohub::Settings)) -> Hub {
    let mut settings = settings();
    settings.admin.api_keys = vec![Secret::new(KEY)];
    change(&mut settings);
    start(settings).await
}

async fn call(hub: &Hub, method: Method, path: &str, body: Value) -> (u16, Value) {
    let url = format!("http://{}/api/v1/{path}", hub.admin_address().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.request(method, url).bearer_auth(KEY).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn every_connection_of_a_client_is_put_into_the_room_in_either_form_and_one_alone_if_asked() {
    let hub = hub(|_| {}).await;
    let mut first = Client::connect(&hub, "bob").await;
    let mut second = Connect::to(&hub).id("bob").cbor().open().await;
    let (status, placed) = call(&hub, Method::PUT, "clients/bob/rooms/lobby", Value::Null).await;
    assert_eq!((status, &placed["connections"]), (200, &json!(2)));
    let at = |frame| match frame {
        ServerFrame::Joined { room, offset } if room == "lobby" => offset,
        other => panic!("not put into the room but {other:?}"),
    };
    assert_eq!(at(first.frame().await), at(second.frame().await));
    let offset = first.publish(ClientRequest::room_message("lobby", payload("1"))).await;
    for client in [&mut first, &mut second] {
        assert_eq!(client.publication().await.1, offset);
    }
    let only = format!("clients/bob/rooms/lobby?connection={}", second.welcome.connection_id);
    assert_eq!(call(&hub, Method::DELETE, &only, Value::Null).await.1["connections"], json!(1));
    assert_eq!(second.frame().await, ServerFrame::Left { room: "lobby".to_owned() });
    first.publish(ClientRequest::room_message("lobby", payload("2"))).await;
    assert_eq!(first.text().await, "2");
    assert!(second.settle().await.iter().all(|frame| !matches!(frame, ServerFrame::Publication(p, _) if p.id == 22)));
    let (_, members) = call(&hub, Method::GET, "rooms/lobby/members", Value::Null).await;
    assert_eq!((&members["clients"], &members["total"]), (&json!(["bob"]), &json!(1)), "its other connection is there");
}

#[tokio::test]
async fn limits_count_for_the_back_end_too_and_rights_do_not() {
    let hub = hub(|settings| {
        settings.limits.max_rooms_per_connection = 1;
        settings.auth.capabilities = Some(gohub_settings::Grant::default());
    })
    .await;
    let mut bob = Client::connect(&hub, "bob").await;
    assert!(matches!(
        bob.request(ClientRequest::join("lobby")).await,
        ServerFrame::Error { code: ErrorCode::Forbidden, .. }
    ));
    assert_eq!(call(&hub, Method::PUT, "clients/bob/rooms/lobby", Value::Null).await.0, 200);
    assert!(matches!(bob.frame().await, ServerFrame::Joined { .. }));
    let (status, problem) = call(&hub, Method::PUT, "clients/bob/rooms/second", Value::Null).await;
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_rooms")), "{problem}");
    assert_eq!(call(&hub, Method::PUT, "clients/bob/rooms/lobby?node=elsewhere", Value::Null).await.0, 400);
}

#[tokio::test]
async fn more_time_than_a_token_has_is_not_to_be_had() {
    let hub = hub(|_| {}).await;
    let mut bob = Client::connect(&hub, "bob").await;
    let refresh = async |seconds: u64| {
        call(&hub, Method::POST, "clients/bob/refresh", json!({"within_seconds": seconds})).await.0
    };
    assert_eq!((refresh(2).await, refresh(3600).await), (200, 200));
    for _ in 0..2 {
        let wanted = bob.frame().await;
        assert!(matches!(wanted, ServerFrame::Refresh { close_in_ms: 1..=2000 }), "{wanted:?}");
    }
    assert_eq!(bob.close_code().await, 4004);
}

#[tokio::test]
async fn history_over_the_api_is_what_clients_got() {
    let hub = hub(|_| {}).await;
    let mut bob = Client::connect(&hub, "bob").await;
    let mut offsets = Vec::new();
    for n in 0..5 {
        offsets.push(bob.publish(ClientRequest::room_message("lobby", payload(format!("{{ \"n\":{n} }}")))).await);
    }
    let get = async |query: String| call(&hub, Method::GET, &format!("rooms/lobby/history{query}"), Value::Null).await;
    let (status, newest) = get("?limit=2".to_owned()).await;
    assert_eq!(status, 200);
    let numbers = |answer: &Value| -> Vec<u64> {
        answer["messages"].as_array().unwrap().iter().map(|message| message["data"]["n"].as_u64().unwrap()).collect()
    };
    assert_eq!(
        (numbers(&newest), &newest["complete"], &newest["epoch"]),
        (vec![3, 4], &json!(true), &json!(bob.epoch()))
    );
    let (_, since) = get(format!("?since={}", offsets[1])).await;
    assert_eq!((numbers(&since), &since["complete"]), (vec![2, 3, 4], &json!(true)));
    assert_eq!(since["messages"][0]["from"], json!("bob"));
    let (_, nobody) = call(&hub, Method::GET, "rooms/empty/history", Value::Null).await;
    assert_eq!(nobody["messages"], json!([]));
}

/// The words of a life's events.
fn words(life: &Value) -> Vec<String> {
    let word = |event: &Value| {
        let field = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}{} {}", field("what"), field("room"), field("code"), event["times"])
    };
    life["events"].as_array().unwrap().iter().map(word).collect()
}

async fn why(hub: &Hub, client: &str) -> Value {
    let (status, lives) = call(hub, Method::GET, &format!("clients/{client}/why"), Value::Null).await;
    assert_eq!(status, 200, "{lives}");
    lives
}

#[tokio::test]
async fn a_connection_says_what_happened_to_it_while_it_lives_and_after() {
    let tokens = "auth: {tokens: [{token: a-token-that-nobody-must-see, client_id: bob}]}";
    let auth = gohub::Settings::from_yaml(tokens, std::iter::empty()).unwrap().auth;
    let hub = hub(|settings| settings.auth = auth).await;
    let mut bob = Connect::to(&hub).id("bob").query("token", "a-token-that-nobody-must-see").open().await;
    bob.join("lobby").await;
    for n in 0..5 {
        bob.publish(ClientRequest::room_message("lobby", payload(format!("\"secret-payload-{n}\"")))).await;
    }
    for _ in 0..3 {
        bob.request(ClientRequest::unicast("nobody", payload("1"))).await;
    }
    call(&hub, Method::PUT, "clients/bob/rooms/news", Value::Null).await;
    let open = why(&hub, "bob").await;
    let life = &open["lives"][0];
    assert_eq!(words(life), ["joined lobby 1", "published  5", "refused client_unknown 3", "joined news 1"], "{life}");
    assert_eq!(life["events"].as_array().unwrap().last().unwrap()["by"], json!("back_end"));
    assert_eq!((&life["now"]["rooms"], life.get("end")), (&json!(["lobby", "news"]), None));
    assert_eq!(
        (&life["counts"]["refused"], &life["connection"]),
        (&json!(3), &json!(bob.welcome.connection_id.as_ref()))
    );
    assert!(life["counts"]["delivered"].as_u64().unwrap() >= 5 && life["counts"]["bytes_sent"].as_u64().unwrap() > 100);

    call(&hub, Method::DELETE, "clients/bob", Value::Null).await;
    bob.until_closed().await;
    drop(bob);
    let ended = gohub_test_client::within("it has ended", async {
        loop {
            let lives = why(&hub, "bob").await;
            if lives["lives"][0].get("now").is_none() {
                return lives;
            }
        }
    })
    .await;
    let end = &ended["lives"][0]["end"];
    assert_eq!((&end["code"], &end["by"]), (&json!(4500), &json!("hub")), "{end}");
    assert_eq!(end["reason"], json!("kicked by an administrator"));
    assert_eq!(words(&ended["lives"][0]), words(life), "nothing is lost by the end");
    let text = ended.to_string();
    assert!(!text.contains("secret-payload") && !text.contains("nobody-must-see"), "{text}");
    assert_eq!(why(&hub, "stranger").await["lives"], json!([]));
}

#[tokio::test]
async fn the_newest_events_are_kept_and_switched_off_there_are_counts_alone() {
    let hub = hub(|settings| settings.why.events = 3).await;
    let mut bob = Client::connect(&hub, "bob").await;
    for n in 0..5 {
        bob.join(&format!("r{n}")).await;
    }
    let life = &why(&hub, "bob").await["lives"][0];
    assert_eq!(
        (words(life), &life["events_dropped"]),
        (["r2", "r3", "r4"].map(|r| format!("joined {r} 1")).to_vec(), &json!(2))
    );
    let mut off = (*hub.settings()).clone();
    off.why.events = 0;
    off.why.keep = gohub_settings::ByteSize::ZERO;
    hub.reload().replace(off).unwrap();
    gohub_test_client::within("nothing more is noted", async {
        loop {
            let mut dave = Client::connect(&hub, "dave").await;
            dave.publish(ClientRequest::room_message("r0", payload("1"))).await;
            let lives = why(&hub, "dave").await;
            let life = &lives["lives"][0];
            if life["events"] == json!([]) && life["counts"]["published"] == json!(1) {
                break;
            }
            dave.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_command_why_tells_it_to_people_and_needs_a_key() {
    let hub = hub(|_| {}).await;
    let mut bob = Client::connect(&hub, "bob").await;
    bob.join("lobby").await;
    let directory = tempfile::TempDir::new().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let admin = format!("http://{}", hub.admin_address().unwrap());
    let run = async |arguments: &[&str]| {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_gohub")).args(arguments).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let key = key.display().to_string();
    let (code, told, _) = run(&["why", "bob", "--admin", &admin, "--key-file", &key]).await;
    assert_eq!(code, Some(0));
    assert!(
        told.contains("bob, connection ") && told.contains("entered lobby") && told.contains("now  open"),
        "{told}"
    );
    let (code, told, _) = run(&["why", "bob", "--admin", &admin, "--key-file", &key, "--json"]).await;
    let lives: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &lives["client_id"]), (Some(0), &json!("bob")));
    let (code, _, error) = run(&["why", "bob", "--admin", &admin]).await;
    assert!(code == Some(1) && error.contains("send an API key"), "{error}");
    let (code, _, error) = run(&["why", "bob", "--admin", "localhost"]).await;
    assert!(code == Some(64) && error.contains("--admin"), "{error}");
}
