//! Resume tickets between hubs: good on any of them, on one of them once, and what a storm of them costs.

use std::time::{Duration, Instant};

use futures::future::join_all;
use gohub::Hub;
use gohub_settings::{Secret, Settings};
use gohub_test_client::{Client, Connect, settings as alone};

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::revocation::{dump, token};
use crate::site::{raise_descriptors, settings, start, start_all};

const SECRET: &str = "a-secret-of-more-than-thirty-two-characters";

fn judging(mut settings: Settings) -> Settings {
    settings.auth.required = true;
    settings.auth.jwt.hmac_secrets = vec![Secret::new(SECRET)];
    settings
}

async fn open(hub: &Hub, name: &str, value: &str) -> Result<Client, u16> {
    Connect::to(hub).query(name, value).try_open().await.map_err(|declined| declined.status)
}

/// A client with a ticket: the hub has the keys a moment after it is ready.
async fn with_ticket(hub: &Hub, client: &str) -> (Client, String) {
    let token = token(client, client);
    let has_one = |client: &Client| client.welcome.ticket.is_some();
    let client = eventually("tickets are given", || async { open(hub, "token", &token).await.unwrap() }, has_one).await;
    let ticket = client.welcome.ticket.as_ref().expect("a ticket").0.to_string();
    (client, ticket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_of_one_hub_opens_another_once_between_all_of_them() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let hubs = start_all(["a", "b"].map(|node| judging(settings(node, cluster.endpoints())))).await;
        let (_a, ticket) = with_ticket(&hubs[0], "alice").await;
        with_ticket(&hubs[1], "alice").await;
        let late = start(judging(settings("c", cluster.endpoints()))).await;
        with_ticket(&late, "alice").await;
        // All at once, on every hub: one of them wins.
        let doors = [&hubs[0], &hubs[1], &late, &hubs[1], &hubs[0], &late];
        let opened = join_all(doors.map(|hub| open(hub, "ticket", &ticket))).await;
        let (won, lost): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 5));
        assert!(lost.into_iter().all(|lost| lost.err() == Some(401)), "the token is asked for");
        assert!(won.into_iter().all(|client| client.unwrap().id() == "alice"));

        // Another cluster's, and a hub's that is alone, are nothing here.
        let strangers = Cluster::start(1).await;
        let stranger = start(judging(settings("a", strangers.endpoints()))).await;
        let lonely = gohub_test_client::start(judging(alone())).await;
        for (_client, foreign) in [with_ticket(&stranger, "alice").await, with_ticket(&lonely, "alice").await] {
            assert_eq!(open(&hubs[0], "ticket", &foreign).await.err(), Some(401));
        }
        let (_client, ours) = with_ticket(&hubs[0], "alice").await;
        let stored = dump(&cluster).await;
        assert!(stored.contains("/vouchers/keys") && stored.contains("/vouchers/used/"));
        assert!(!stored.contains(&ours) && !stored.contains(&ticket), "tickets are in no value of etcd");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_etcd_nobody_can_say_whether_it_was_used_and_the_token_is_judged() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let proxy = crate::etcd::proxy::Proxy::start(&cluster.endpoints()[0]).await;
        let mut own = judging(settings("a", vec![proxy.url()]));
        own.cluster.etcd.request_timeout = gohub_settings::Duration::from_secs(1);
        let hub = start(own).await;
        let (_alice, ticket) = with_ticket(&hub, "alice").await;
        proxy.delay(Duration::from_secs(3600));
        proxy.cut();
        assert_eq!(open(&hub, "ticket", &ticket).await.err(), Some(401));
        let token = token("alice", "alice");
        let by_token = Connect::to(&hub).query("ticket", &ticket).query("token", &token).try_open().await;
        assert_eq!(by_token.expect("the token is good").id(), "alice");
        let counts = hub.metrics().net().tickets.counts();
        assert!(counts.iter().any(|(outcome, count)| *outcome == "unavailable" && *count == 1), "{counts:?}");
    })
    .await;
}

/// Clients of the storm.
const STORM: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_every_ticket_is_good_and_booked_for_little() {
    bounded(Duration::from_secs(180), async {
        raise_descriptors();
        let cluster = Cluster::start(1).await;
        let generous = |node: &str| {
            let mut settings = judging(settings(node, cluster.endpoints()));
            settings.limits.accept_rate_per_ip = 0;
            settings
        };
        let hubs = start_all(["a", "b"].map(generous)).await;
        with_ticket(&hubs[0], "first").await;
        with_ticket(&hubs[1], "first").await;
        let storm = async |credentials: Vec<(&'static str, String)>| {
            let started = Instant::now();
            let knocks = credentials.iter().map(|(name, value)| open(&hubs[1], name, value));
            let clients: Vec<Client> = join_all(knocks).await.into_iter().map(Result::unwrap).collect();
            (started.elapsed(), clients)
        };
        let tokens = |prefix: &str| {
            let named = (0..STORM).map(|number| format!("{prefix}{number}"));
            named.map(|name| ("token", token(&name, &name))).collect::<Vec<_>>()
        };
        let here = join_all(tokens("t").iter().map(|(name, value)| open(&hubs[0], name, value))).await;
        let ticket = |client: Result<Client, u16>| client.unwrap().welcome.ticket.expect("a ticket").0.to_string();
        let tickets: Vec<_> = here.into_iter().map(|client| ("ticket", ticket(client))).collect();
        let revision = async || cluster.client().await.get("x", None).await.unwrap().header().unwrap().revision();
        let (by_token, _clients) = storm(tokens("o")).await;
        let before = revision().await;
        let (by_ticket, clients) = storm(tickets).await;
        let transactions = revision().await - before;
        assert!(clients.iter().all(|client| client.id().starts_with('t')));
        eprintln!("{STORM} clients: {by_token:?} by token, {by_ticket:?} by ticket, {transactions} revisions of etcd");
        assert!(transactions < STORM as i64 / 2, "{transactions} revisions for {STORM} tickets");
    })
    .await;
}
