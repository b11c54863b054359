//! S74, S76, S77: names and patterns that mean something to somebody.

use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::Settings;
use gohub_test_client::{Client, Connect, json, settings, start};

#[tokio::test]
async fn s74_names_that_escape_their_place_are_refused() {
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    let long = "x".repeat(60_000);
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "../a",
        "/gohub/broadcast",
        "a\0b",
        "a\nb",
        "\u{1b}[31m",
        "a\u{202e}b",
        "a\u{200b}b",
        &long,
    ] {
        for (request, code) in [
            (ClientRequest::join(name), ErrorCode::BadRoom),
            (ClientRequest::leave(name), ErrorCode::BadRoom),
            (ClientRequest::room_message(name, json("1")), ErrorCode::BadRoom),
            (ClientRequest::history(name), ErrorCode::BadRoom),
            (ClientRequest::presence(name), ErrorCode::BadRoom),
            (ClientRequest::unicast(name, json("1")), ErrorCode::BadClient),
        ] {
            match client.request(request.clone()).await {
                ServerFrame::Error { code: got, .. } if got == code => {}
                other => panic!("{name:.40?}: {request:.80?}: {other:?}"),
            }
            if hub.settings().limits.errors_before_close > 0 {
                client = Client::connect(&hub, "a").await;
            }
        }
    }
    for query in ["%2e%2e", "a%2fb", "a%00b", "%e2%80%ae", "%1b%5b31m", &"x".repeat(129)] {
        assert_eq!(Connect::to(&hub).id(query).try_open().await.unwrap_err().status, 400, "{query:.20}");
        assert_eq!(Connect::to(&hub).query("rooms", query).try_open().await.unwrap_err().status, 400, "{query:.20}");
    }
}

#[test]
fn s76_what_strangers_name_is_hashed_with_a_secret() {
    fn look(directory: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let words = ["FxHash", "ahash", "BuildHasherDefault", "with_hasher", "rapidhash", "foldhash"];
            found.extend(words.iter().filter(|word| text.contains(**word)).map(|word| format!("{path:?}: {word}")));
        }
    }
    let mut found = Vec::new();
    look(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, [""; 0], "only the standard hasher, seeded for each process");
}

#[tokio::test]
async fn s77_a_pattern_is_a_name_to_clients_and_costs_nothing_in_settings() {
    let hub = start(settings()).await;
    let mut client = Client::connect(&hub, "a").await;
    client.join("(a+)+$").await;
    client.join("*").await;
    client.publish(ClientRequest::room_message("aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", json("1"))).await;
    assert_eq!(client.settle().await, [], "a star is no wildcard here");
    client.publish(ClientRequest::room_message("(a+)+$", json("2"))).await;
    assert_eq!(client.text().await, "2");

    // Patterns are the operator's, in rooms.overrides: no engine behind them backtracks.
    let pattern = "*a".repeat(40);
    let text = format!("rooms: {{overrides: [{{pattern: \"{pattern}b\", presence_changes: true}}]}}");
    let settings = Settings::from_yaml(&text, std::iter::empty()).unwrap();
    let started = std::time::Instant::now();
    let room = "a".repeat(120);
    for _ in 0..1000 {
        assert!(!settings.rooms.policy(&room).presence_changes);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
}
