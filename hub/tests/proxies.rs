//! The sample configurations of `config/proxies`, in the proxies they are for: real Nginx and HAProxy before a real hub.

#[path = "proxies/proxy.rs"]
mod proxy;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures::StreamExt as _;
use gohub::protocol::client::ClientRequest;
use gohub::{Hub, Settings};
use gohub_settings::{Duration as Time, Secret};
use gohub_test_client::{Connect, DEADLINE, json};
use tokio_tungstenite::tungstenite::Message;

use proxy::Proxy;

const KEY: &str = "api-key-of-the-tests";

fn settings() -> Settings {
    let mut settings = gohub_test_client::settings();
    settings.admin.api_keys = vec![Secret::new(KEY)];
    settings.proxies.trusted = vec!["127.0.0.1".parse().unwrap()];
    settings.limits.max_connections_per_ip = 1;
    settings
}

fn behind_nginx() -> Settings {
    let mut settings = settings();
    settings.proxies.address_header = "X-Forwarded-For".to_owned();
    settings
}

fn behind_haproxy() -> Settings {
    let mut settings = settings();
    settings.proxies.proxy_protocol = true;
    settings
}

/// What the hub says about whom it has.
async fn addresses(hub: &Hub) -> Vec<IpAddr> {
    let url = format!("http://{}/api/v1/clients", hub.admin_address().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).bearer_auth(KEY).send().await.unwrap();
    let list: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let address = |item: &serde_json::Value| item["address"].as_str().unwrap().parse::<std::net::SocketAddr>();
    let items = list["items"].as_array().unwrap();
    let mut all: Vec<IpAddr> = items.iter().map(|item| address(item).unwrap().ip()).collect();
    all.sort();
    all
}

async fn clients_talk_and_are_known_by_their_own_addresses(hub: &Hub, proxy: &Proxy) {
    let [one, other]: [IpAddr; 2] = [Ipv4Addr::new(127, 0, 0, 2).into(), Ipv4Addr::new(127, 0, 0, 3).into()];
    let via = |from: IpAddr| Connect::to_address(proxy.address()).from(from);
    let mut alice = via(one).rooms(&["lobby"]).open().await;
    let mut bob = via(other).rooms(&["lobby"]).cbor().open().await;
    bob.publish(ClientRequest::room_message("lobby", json("\"through the proxy\""))).await;
    assert_eq!(alice.text().await, "\"through the proxy\"");
    assert_eq!(addresses(hub).await, [one, other]);
    // Also when it says that it is somebody else.
    let forged = via(one).header("x-forwarded-for", "192.0.2.1").try_open().await;
    assert_eq!(forged.expect_err("one connection for each address").status, 429);
}

/// The hub's pings keep a silent connection open past the proxy's idle timeout of a second; without them it is cut.
async fn pings_outlast_idle_timeouts(settings: impl Fn() -> Settings, proxy: impl AsyncFn(&Hub) -> Proxy) {
    let with_interval = async |interval: Duration| {
        let mut settings = settings();
        settings.heartbeat.interval = Time::from_millis(interval.as_millis() as u64);
        gohub_test_client::start(settings).await
    };
    let hub = with_interval(Duration::from_millis(300)).await;
    let through = proxy(&hub).await;
    let mut client = Connect::to_address(through.address()).open().await;
    let pings = client.socket().filter(|message| std::future::ready(matches!(message, Ok(Message::Ping(_)))));
    let ten = tokio::time::timeout(DEADLINE, pings.take(10).count()).await;
    assert_eq!(ten.expect("ten pings take three seconds"), 10, "the proxy cut a connection that has pings");

    let hub = with_interval(Duration::from_secs(300)).await;
    let through = proxy(&hub).await;
    let mut client = Connect::to_address(through.address()).open().await;
    client.until_closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_clients_are_known_by_their_own_addresses() {
    let hub = gohub_test_client::start(behind_nginx()).await;
    let proxy = Proxy::nginx(&hub, &[]).await;
    clients_talk_and_are_known_by_their_own_addresses(&hub, &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_haproxy_clients_are_known_by_their_own_addresses() {
    let hub = gohub_test_client::start(behind_haproxy()).await;
    let proxy = Proxy::haproxy(&hub, &[]).await;
    clients_talk_and_are_known_by_their_own_addresses(&hub, &proxy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_outlast_the_idle_timeout_of_nginx() {
    pings_outlast_idle_timeouts(behind_nginx, async |hub| {
        Proxy::nginx(hub, &[("proxy_read_timeout 75s", "proxy_read_timeout 1s")]).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_outlast_the_idle_timeout_of_haproxy() {
    pings_outlast_idle_timeouts(behind_haproxy, async |hub| {
        Proxy::haproxy(hub, &[("timeout tunnel 75s", "timeout tunnel 1s")]).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_sends_nobody_to_a_hub_that_drains() {
    let mut settings = behind_haproxy();
    settings.drain.settle = Time::from_secs(30);
    let hub = gohub_test_client::start(settings).await;
    let proxy = Proxy::haproxy(&hub, &[]).await;
    let mut client = Connect::to_address(proxy.address()).open().await;
    let drained = tokio::spawn(async move { hub.drain().await });
    proxy.answers(503).await;
    client.settle().await;
    drained.abort();
}
