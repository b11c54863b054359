//! Resume tickets on one hub; on several: `cluster_hubs/ticket.rs`.

use gohub::Hub;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{CloseCode, ErrorCode};
use gohub_settings::{Duration, Secret, Settings};
use gohub_test_client::{Client, Connect, start, within};
use reqwest::Method;
use serde_json::json;

use crate::expiry::{connect, sign, with_secret};
use crate::hook::serve;
use crate::issuer::in_seconds;

const API_KEY: &str = "api-key-of-the-tests";

fn ticket(client: &Client) -> String {
    client.welcome.ticket.as_ref().expect("a ticket").0.to_string()
}

async fn back(hub: &Hub, ticket: &str) -> Result<Client, u16> {
    Connect::to(hub).query("ticket", ticket).try_open().await.map_err(|declined| declined.status)
}

fn outcomes(hub: &Hub) -> Vec<(String, u64)> {
    let counts = hub.metrics().net().tickets.counts();
    counts.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}

fn count(hub: &Hub, outcome: &str) -> u64 {
    outcomes(hub).into_iter().find(|(name, _)| name == outcome).map_or(0, |(_, count)| count)
}

fn claims(client: &str) -> serde_json::Value {
    json!({
        "sub": client, "exp": in_seconds(3600), "jti": format!("id of {client}"), "iat": in_seconds(0),
        "capabilities": {"rooms": [{"pattern": "chat:*", "allow": ["join", "publish"]}]},
    })
}

#[tokio::test]
async fn a_ticket_brings_back_who_it_was_with_what_it_may_do_once_and_without_asking_the_hook() {
    let forgetful = |settings: &mut Settings| {
        (settings.auth.hook.cache, settings.auth.hook.stale) = (Duration::ZERO, Duration::ZERO);
    };
    let (server, hub) = serve(forgetful).await;
    server.says(200, r#"{"client_id": "alice", "capabilities": {"rooms": [{"pattern": "a", "allow": ["join"]}]}}"#);
    let first = Connect::to(&hub).query("token", "opaque").open().await;
    assert_eq!(server.calls(), 1);
    server.says(500, "");
    let used = ticket(&first);
    let mut again = back(&hub, &used).await.expect("it is good");
    assert_eq!((again.id().as_str(), server.calls()), ("alice", 1));
    again.join("a").await;
    let refused = again.request(ClientRequest::join("b")).await;
    assert!(matches!(refused, ServerFrame::Error { code: ErrorCode::Forbidden, .. }), "{refused:?}");
    assert_ne!(ticket(&again), used, "the new connection has one of its own");
    assert_eq!(back(&hub, &used).await.err(), Some(401), "a second time the token is asked for");
    let by_token = Connect::to(&hub).query("ticket", &used).query("token", "opaque").try_open().await;
    assert_eq!(by_token.err().map(|declined| declined.status), Some(503), "and judged as ever");
    assert_eq!((count(&hub, "good"), count(&hub, "used")), (1, 2));
}

#[tokio::test]
async fn a_ticket_that_is_no_good_leaves_the_token_to_be_judged() {
    let hub = start(with_secret()).await;
    let alice = connect(&hub, &claims("alice")).await;
    let good = ticket(&alice);
    let mut forged = good.clone();
    let last = if forged.pop() == Some('A') { 'E' } else { 'A' };
    forged.push(last);
    let other_hub = start(with_secret()).await;
    let elsewhere = ticket(&connect(&other_hub, &claims("alice")).await);
    for wrong in [forged.as_str(), elsewhere.as_str(), "x", &"A".repeat(5000)] {
        assert_eq!(back(&hub, wrong).await.err(), Some(401), "{wrong:.30}");
        let token = sign(&claims("bob"));
        let bob = Connect::to(&hub).query("ticket", wrong).query("token", &token).open().await;
        assert_eq!(bob.id(), "bob");
    }
    assert_eq!(count(&hub, "forged"), 8);
    let as_bob = Connect::to(&hub).query("ticket", &good).id("bob").try_open().await;
    assert_eq!(as_bob.err().map(|declined| declined.status), Some(401), "a ticket is for the client it names");
    assert_eq!(count(&hub, "other_client"), 1);
    assert_eq!(back(&hub, &good).await.expect("it was not used by all that").id(), "alice");
}

#[tokio::test]
async fn neither_a_revocation_nor_a_kick_nor_the_end_of_the_token_is_got_round_by_a_ticket() {
    let mut settings = with_secret();
    settings.admin.api_keys = vec![Secret::new(API_KEY)];
    settings.auth.jwt.leeway = Duration::ZERO;
    // The connection may outlive its token; a ticket may not.
    settings.auth.jwt.close_on_expiry = false;
    let hub = start(settings).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = async |method: Method, path: &str, body: serde_json::Value| {
        let url = format!("http://{}/api/v1/{path}", hub.admin_address().unwrap());
        let request = http.request(method, url).bearer_auth(API_KEY).json(&body);
        within("the admin listener answers", request.send()).await.unwrap().status().as_u16()
    };
    let revoked = ticket(&connect(&hub, &claims("alice")).await);
    assert_eq!(call(Method::POST, "revocations", json!({"token_id": "id of alice"})).await, 200);
    assert_eq!(back(&hub, &revoked).await.err(), Some(401));

    let mut bob = connect(&hub, &claims("bob")).await;
    assert_eq!(call(Method::DELETE, "clients/bob", json!(null)).await, 200);
    assert_eq!(bob.close_code().await, CloseCode::Kicked.code());
    assert_eq!(back(&hub, &ticket(&bob)).await.err(), Some(401), "whoever was thrown out has to show its token");

    let mut short = claims("carol");
    short["exp"] = in_seconds(1).into();
    let carol = connect(&hub, &short).await;
    let until = std::time::Instant::now() + std::time::Duration::from_millis(2100);
    within("the token ends", tokio::time::sleep_until(until.into())).await;
    assert_eq!(back(&hub, &ticket(&carol)).await.err(), Some(401));
    assert_eq!((count(&hub, "revoked"), count(&hub, "expired"), count(&hub, "good")), (2, 1, 0));
}

#[tokio::test]
async fn a_ticket_lives_as_long_as_the_settings_say_and_is_renewed_by_a_pong_before() {
    let mut settings = with_secret();
    settings.auth.ticket.life = Duration::from_secs(3);
    let hub = start(settings.clone()).await;
    let mut alice = connect(&hub, &claims("alice")).await;
    assert_eq!(alice.welcome.ticket.as_ref().expect("a ticket").1, 3000);
    let old = ticket(&alice);
    let newer = loop {
        match alice.request(ClientRequest::ping()).await {
            ServerFrame::Pong { ticket: Some(ticket), .. } => break ticket,
            ServerFrame::Pong { ticket: None, .. } => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            other => panic!("no pong but {other:?}"),
        }
    };
    within("the old one's end", async {
        // The newer one was given when this one was half over.
        tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    })
    .await;
    assert_eq!(back(&hub, &old).await.err(), Some(401));
    assert_eq!(count(&hub, "expired"), 1);
    assert_eq!(back(&hub, &newer).await.expect("it is younger").id(), "alice");

    let fresh = ticket(&connect(&hub, &claims("alice")).await);
    settings.auth.ticket.life = Duration::ZERO;
    change(&hub, settings).await;
    assert_eq!(back(&hub, &fresh).await.err(), Some(401));
    assert_eq!(count(&hub, "off"), 1);
    assert!(connect(&hub, &claims("alice")).await.welcome.ticket.is_none());
}

#[tokio::test]
async fn tickets_of_other_rules_are_not_taken_over() {
    let settings = with_secret();
    let hub = start(settings.clone()).await;
    let old = ticket(&connect(&hub, &claims("alice")).await);
    let mut stricter = settings;
    stricter.auth.capabilities = Some(gohub_settings::Grant::default());
    change(&hub, stricter).await;
    assert_eq!(back(&hub, &old).await.err(), Some(401));
    assert_eq!(count(&hub, "changed"), 1);
}

#[tokio::test]
async fn by_tickets_alone_nobody_stays_for_longer_than_its_judgement_counts() {
    let mut settings = with_secret();
    settings.auth.ticket.life = Duration::from_secs(2);
    settings.auth.ticket.max_age = Duration::from_secs(2);
    let hub = start(settings).await;
    let mut client = connect(&hub, &claims("alice")).await;
    let started = std::time::Instant::now();
    let mut times = 0;
    let last = within("the end of the chain", async {
        while let Some((ticket, _)) = client.welcome.ticket.clone() {
            match back(&hub, &ticket).await {
                Ok(next) => client = next,
                Err(status) => return status,
            }
            times += 1;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        0
    })
    .await;
    assert!(last == 0 || last == 401, "{last}");
    assert!(times > 1 && started.elapsed() < std::time::Duration::from_secs(5), "{times} in {:?}", started.elapsed());
}

#[tokio::test]
async fn who_is_sent_away_by_a_drain_has_a_fresh_ticket() {
    let hub = start(with_secret()).await;
    let mut alice = connect(&hub, &claims("alice")).await;
    let draining = hub.clone();
    let drained = tokio::spawn(async move { draining.drain().await });
    let (frames, _) = alice.until_closed().await;
    let told = frames.into_iter().find_map(|frame| match frame {
        ServerFrame::Drain { ticket, .. } => Some(ticket),
        _ => None,
    });
    let given = told.expect("a drain").expect("a ticket");
    assert_ne!(given, ticket(&alice));
    drained.await.unwrap();
}

async fn change(hub: &Hub, settings: Settings) {
    hub.reload().replace(settings.clone()).unwrap();
    gohub_test_client::until("the settings are in force", || *hub.settings() == settings).await;
}
