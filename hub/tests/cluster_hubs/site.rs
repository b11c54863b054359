//! Hubs in the test's own process: their settings, and the etcd they share.

use gohub::{Hub, Settings};
use gohub_settings::{ByteSize, Duration as Time, Etcd, Secret};

use crate::deadline::{PATIENCE, eventually};
use crate::etcd;

/// Opens the admin API of every hub here.
pub(crate) const API_KEY: &str = "api-key-of-the-tests";
const PEER_KEY: &str = "key-between-hubs-of-the-tests";

/// A hub named `node` on free ports, in a cluster over these members; times shorter than the defaults, so that outages show in seconds.
pub(crate) fn settings(node: &str, endpoints: Vec<String>) -> Settings {
    let mut settings = gohub_test_client::settings();
    settings.admin.api_keys = vec![Secret::new(API_KEY)];
    // A test machine stands still for seconds; here nobody is to be dropped for it.
    settings.slow_client.max_age = Time::from_secs(60);
    settings.slow_client.max_pending = ByteSize::from_mib(16);
    settings.heartbeat.interval = Time::from_secs(300);
    let cluster = &mut settings.cluster;
    cluster.enabled = true;
    cluster.node = node.to_owned();
    cluster.grpc_addr = "127.0.0.1:0".parse().unwrap();
    cluster.peer_key = Secret::new(PEER_KEY);
    cluster.etcd = Etcd {
        endpoints,
        request_timeout: Time::from_secs(3),
        dial_timeout: Time::from_secs(2),
        watch_timeout: Time::from_secs(6),
        lease_ttl: Time::from_secs(4),
        ..Etcd::default()
    };
    settings
}

/// The same with times that a thousand clients on a busy machine cannot outlast.
pub(crate) fn patient(node: &str, endpoints: Vec<String>) -> Settings {
    let mut settings = settings(node, endpoints);
    let etcd = &mut settings.cluster.etcd;
    (etcd.request_timeout, etcd.watch_timeout, etcd.lease_ttl) =
        (Time::from_secs(60), Time::from_secs(60), Time::from_secs(60));
    settings
}

/// Running hubs a, b, c ... that all know one another.
pub(crate) async fn hubs(cluster: &etcd::Cluster, names: &[&str]) -> Vec<Hub> {
    start_all(names.iter().map(|name| settings(name, cluster.endpoints()))).await
}

/// The same with settings of their own.
pub(crate) async fn start_all(settings: impl IntoIterator<Item = Settings>) -> Vec<Hub> {
    let mut hubs = Vec::new();
    for settings in settings {
        hubs.push(start(settings).await);
    }
    for hub in &hubs {
        knows(hub, hubs.len()).await;
    }
    hubs
}

/// A hub whose bus delivers.
pub(crate) async fn start(settings: Settings) -> Hub {
    let hub = gohub_test_client::start(settings).await;
    eventually("the hub is ready", || status(&hub, "readyz"), |status| *status == 200).await;
    hub
}

/// Waits until the hub sees that many in the registry.
pub(crate) async fn knows(hub: &Hub, count: usize) {
    let api = Api::of(hub);
    let seen = |answer: &serde_json::Value| answer["items"].as_array().is_some_and(|items| items.len() == count);
    eventually("the hubs know one another", || api.get("nodes"), seen).await;
}

async fn status(hub: &Hub, path: &str) -> u16 {
    let url = format!("http://{}/{path}", hub.admin_address().unwrap());
    http().get(url).send().await.map_or(0, |answer| answer.status().as_u16())
}

/// Calls that no proxy of the machine sees.
pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// The admin API of one hub.
#[derive(Clone)]
pub(crate) struct Api {
    base: String,
    http: reqwest::Client,
}

impl Api {
    pub(crate) fn of(hub: &Hub) -> Self {
        Self::at(hub.admin_address().unwrap())
    }

    pub(crate) fn at(address: std::net::SocketAddr) -> Self {
        Self { base: format!("http://{address}"), http: http() }
    }

    /// The answer of a list; `null` while there is nobody to answer.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let request = self.http.get(format!("{}/api/v1/{path}", self.base)).bearer_auth(API_KEY);
        match request.send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(_) => serde_json::Value::Null,
        }
    }

    /// The page of metrics.
    pub(crate) async fn metrics(&self) -> String {
        let answer = self.http.get(format!("{}/metrics", self.base)).send().await;
        answer.expect("the admin listener answers").text().await.unwrap()
    }

    /// Status and body of a call with a JSON body.
    pub(crate) async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let request = self.http.request(method, format!("{}/api/v1/{path}", self.base)).bearer_auth(API_KEY);
        let answer = request.json(&body).send().await.expect("the admin listener answers");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }
}

/// A thousand clients and three hubs in one process need more than the usual 1,024 descriptors.
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
