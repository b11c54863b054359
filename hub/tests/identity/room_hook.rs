//! Servers that say who may join a room and who may send to it: what they are asked, how long their word counts, who waits for it, and what counts
//! while they fail.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gohub::Hub;
use gohub::protocol::ErrorCode;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub_settings::{Duration, OnHookFailure, Route, RouteTo, Secret, Settings};
use gohub_test_client::{Client, Connect, json, settings, start, within};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Lets everybody into every room but those with `closed` in their name; fails for those with `broken`; lets those with `slow` wait.
struct Server {
    asked: Mutex<Vec<String>>,
    is_down: Mutex<bool>,
    go: watch::Sender<bool>,
}

impl Server {
    /// What it was asked: kind, client and room.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn is_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
    }

    async fn was_asked(&self, question: &str) {
        within(question, async {
            while !self.asked().iter().any(|asked| asked == question) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

async fn judge(State(server): State<Arc<Server>>, headers: HeaderMap, body: String) -> StatusCode {
    assert!(headers["x-gohub-signature"].to_str().unwrap().starts_with("sha256="));
    let question: serde_json::Value = serde_json::from_str(&body).unwrap();
    let field = |name: &str| question[name].as_str().unwrap().to_owned();
    let room = field("room");
    server.asked.lock().unwrap().push(format!("{} {} {room}", field("kind"), field("client_id")));
    if room.contains("slow") {
        drop(server.go.subscribe().wait_for(|go| *go).await);
    }
    if *server.is_down.lock().unwrap() || room.contains("broken") {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if room.contains("closed") { StatusCode::FORBIDDEN } else { StatusCode::OK }
}

/// A hub of one shard that asks about rooms `asked:*`.
async fn serve(change: impl FnOnce(&mut Settings)) -> (Arc<Server>, Hub) {
    let server = Arc::new(Server { asked: Mutex::default(), is_down: Mutex::default(), go: watch::Sender::new(false) });
    let router = Router::new().route("/judge", post(judge)).with_state(Arc::clone(&server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings();
    settings.server.shards = 1;
    for hook in [&mut settings.auth.join_hook, &mut settings.auth.publish_hook] {
        hook.url = format!("http://{}/judge", listener.local_addr().unwrap());
        hook.secret = Secret::new("a-secret-of-the-hub");
        hook.rooms = vec!["asked:*".parse().unwrap()];
        hook.cache = Duration::from_secs(60);
        hook.timeout = Duration::from_secs(20);
    }
    tokio::spawn(async move { axum::serve(listener, router).await });
    change(&mut settings);
    (server, start(settings).await)
}

fn said(room: &str, reference: impl ToString) -> ClientRequest {
    ClientRequest::room_message(room, json("1")).reference(reference.to_string())
}

/// The code a request is refused with.
async fn refused(client: &mut Client, request: ClientRequest) -> (ErrorCode, bool) {
    match client.request(request).await {
        ServerFrame::Error { code, retryable, .. } => (code, retryable),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn servers_say_who_may_join_and_who_may_publish_and_their_word_counts_for_a_while() {
    let (server, hub) = serve(|settings| {
        settings.routes = vec![Route {
            id: 1000,
            to: RouteTo::Room,
            room: "asked:closed".to_owned(),
            client: String::new(),
            url: String::new(),
            secret: Secret::default(),
            timeout: Duration::from_secs(5),
        }];
    })
    .await;
    let mut alice = Client::connect(&hub, "alice").await;
    for _ in 0..3 {
        alice.join("asked:a").await;
        alice.ack(ClientRequest::leave("asked:a")).await;
        alice.publish(ClientRequest::room_message("asked:a", json("1"))).await;
        assert_eq!(refused(&mut alice, ClientRequest::join("asked:closed")).await, (ErrorCode::Forbidden, false));
        let closed = ClientRequest::room_message("asked:closed", json("1"));
        assert_eq!(refused(&mut alice, closed).await, (ErrorCode::Forbidden, false));
        assert_eq!(refused(&mut alice, ClientRequest::new(1000)).await.0, ErrorCode::Forbidden);
        alice.join("unasked").await;
        alice.publish(ClientRequest::room_message("unasked", json("1"))).await;
    }
    let expected =
        ["join alice asked:a", "publish alice asked:a", "join alice asked:closed", "publish alice asked:closed"];
    assert_eq!(server.asked(), expected, "once each, and about no other room");
    // Of another client nothing is known yet.
    Client::connect(&hub, "bob").await.join("asked:a").await;
    assert_eq!(server.asked().len(), 5);
    // A room that one is in need not be asked about again.
    alice.join("asked:a").await;
    alice.join("asked:a").await;
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn what_comes_behind_a_message_that_is_asked_about_waits_in_order_and_nobody_else_does() {
    let (server, hub) = serve(|settings| settings.limits.max_inflight_publishes = 10_000).await;
    let mut alice = Client::connect(&hub, "alice").await;
    let mut bob = Client::connect(&hub, "bob").await;
    let last = 3000;
    let behind = (2..last).map(|n| said(if n % 7 == 0 { "asked:b" } else { "room" }, n));
    let first = [ClientRequest::join("asked:slow").reference("0"), said("asked:slow", 1)];
    alice.send_together(first.into_iter().chain(behind).chain([said("asked:closed", last)])).await;
    server.was_asked("join alice asked:slow").await;
    // The shard goes on with everybody else.
    bob.join("room").await;
    bob.publish(ClientRequest::room_message("room", json("2"))).await;
    assert_eq!(server.asked(), ["join alice asked:slow"], "the next one is asked about when its turn comes");
    server.go.send_replace(true);
    for number in 0..=last {
        loop {
            match alice.frame().await {
                ServerFrame::Ack { reference, .. } if number < last => {
                    assert_eq!(reference, Some(number.to_string()));
                    break;
                }
                ServerFrame::Error { reference, code, .. } if number == last => {
                    assert_eq!((reference, code), (Some(number.to_string()), ErrorCode::Forbidden));
                    break;
                }
                ServerFrame::Publication(..) => {}
                other => panic!("{number}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn who_leaves_while_a_verdict_is_outstanding_leaves_nothing_behind() {
    let (server, hub) = serve(|_| ()).await;
    let mut gone = Client::connect(&hub, "gone").await;
    gone.send_together([ClientRequest::join("asked:slow"), said("asked:slow", 1)]).await;
    server.was_asked("join gone asked:slow").await;
    drop(gone);
    let mut next = Client::connect(&hub, "next").await;
    server.go.send_replace(true);
    server.was_asked("publish gone asked:slow").await;
    let empty = |answer: &ServerFrame| matches!(answer, ServerFrame::Presence { total: 0, .. });
    within("it is out of the room", async {
        while !empty(&next.request(ClientRequest::presence("asked:slow")).await) {}
    })
    .await;
    assert_eq!(next.settle().await, []);
}

#[tokio::test]
async fn the_rooms_of_a_handshake_are_asked_about_before_it_is_answered() {
    let (server, hub) = serve(|_| ()).await;
    let rooms = ["asked:a", "asked:closed", "unasked"];
    let alice = Connect::to(&hub).id("alice").rooms(&rooms).open().await;
    let entered: Vec<&str> = alice.welcome.rooms.iter().map(|room| room.as_str()).collect();
    assert_eq!(entered, ["asked:a", "unasked"]);
    // Again, as an SDK does after a break: by what was said before.
    alice.close().await;
    Connect::to(&hub).id("alice").rooms(&rooms).open().await;
    assert_eq!(server.asked().len(), 2);
    let declined = Connect::to(&hub).id("alice").rooms(&["asked:broken"]).try_open().await.expect_err("nobody can say");
    assert_eq!(declined.status, 503, "come again");
}

#[tokio::test]
async fn while_a_server_fails_its_older_word_counts_and_then_the_setting_and_it_is_left_alone() {
    for on_failure in [OnHookFailure::Deny, OnHookFailure::Allow] {
        let (server, hub) = serve(|settings| {
            let hook = &mut settings.auth.publish_hook;
            (hook.cache, hook.failures, hook.pause) = (Duration::ZERO, 2, Duration::from_secs(600));
            hook.on_failure = on_failure;
        })
        .await;
        let mut alice = Client::connect(&hub, "alice").await;
        alice.publish(ClientRequest::room_message("asked:a", json("1"))).await;
        let closed = || ClientRequest::room_message("asked:closed", json("1"));
        assert_eq!(refused(&mut alice, closed()).await.0, ErrorCode::Forbidden);
        server.is_down(true);
        for _ in 0..5 {
            let unknown = ClientRequest::room_message("asked:b", json("1"));
            match on_failure {
                OnHookFailure::Deny => {
                    assert_eq!(refused(&mut alice, unknown).await, (ErrorCode::HandlerFailed, true));
                }
                OnHookFailure::Allow => drop(alice.publish(unknown).await),
            }
            alice.publish(ClientRequest::room_message("asked:a", json("1"))).await;
            assert_eq!(refused(&mut alice, closed()).await.0, ErrorCode::Forbidden);
        }
        assert_eq!(server.asked().len(), 4, "twice in vain, then it is left alone: {:?}", server.asked());
        // Nothing of this is about joins: their hook is another one, and asks.
        server.is_down(false);
        alice.join("asked:b").await;
    }
}
