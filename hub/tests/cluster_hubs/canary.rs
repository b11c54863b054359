//! The delivery canary: which hop is broken, how soon that is known, and that it is known when it works again.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use gohub::Hub;
use gohub::dispatcher::{Context, Handler, Reply};
use gohub::protocol::Request;
use gohub::protocol::client::ClientRequest;
use gohub::shard::Refusal;
use gohub_settings::Settings;
use gohub_test_client::Client;

use crate::deadline::{bounded, eventually};
use crate::etcd::proxy::Proxy;
use crate::etcd::{Cluster, Wanted};
use crate::site::{Api, http, settings, start};

/// The hops of the metric, in the order of the way.
const HOPS: [&str; 4] = ["put", "watch", "shard", "write"];

/// Waits until the canary names `hop` and no other (or none), with `/readyz` in agreement; how long it took.
async fn names(hub: &Hub, hop: Option<&str>) -> Duration {
    let started = Instant::now();
    let admin = hub.admin_address().expect("it has an admin listener");
    let api = Api::at(admin);
    let expected: Vec<bool> = HOPS.iter().map(|name| Some(*name) == hop).collect();
    let look = async || {
        let metrics = api.metrics().await;
        let is_set = |name: &&str| metrics.contains(&format!("gohub_canary_broken{{hop=\"{name}\"}} 1"));
        let answer = http().get(format!("http://{admin}/readyz")).send().await.expect("the admin listener answers");
        (HOPS.iter().map(is_set).collect::<Vec<bool>>(), answer.status().as_u16())
    };
    let status = if hop.is_some() { 503 } else { 200 };
    eventually("the canary says so", look, |seen| *seen == (expected.clone(), status)).await;
    started.elapsed()
}

/// The reason in the answer of `/readyz`.
async fn reason(hub: &Hub) -> String {
    let url = format!("http://{}/readyz", hub.admin_address().expect("it has an admin listener"));
    http().get(url).send().await.expect("the admin listener answers").text().await.expect("text")
}

fn with_default_health(name: &str, endpoints: Vec<String>) -> Settings {
    let mut settings = settings(name, endpoints);
    settings.health = gohub_settings::Health::default();
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_names_the_put_when_etcd_is_gone_or_takes_no_writes() {
    bounded(Duration::from_secs(150), async {
        let mut cluster = Cluster::start_with(1, Wanted { quota: Some(2 << 20), ..Wanted::default() }).await;
        let hub = start(with_default_health("a", cluster.endpoints())).await;
        names(&hub, None).await;
        cluster.kill_all();
        let gone = names(&hub, Some("put")).await;
        assert!(reason(&hub).await.contains("was not put on the bus"));
        cluster.restart_all().await;
        let back = names(&hub, None).await;
        // A full etcd still answers reads and watches.
        let mut client = cluster.client().await;
        while client.put("/elsewhere", vec![b'x'; 200_000], None).await.is_ok() {}
        let full = names(&hub, Some("put")).await;
        assert!(reason(&hub).await.contains("space"), "{}", reason(&hub).await);
        eprintln!("canary: put noticed {gone:?} after etcd was gone, {full:?} after it was full; back after {back:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_names_the_watch_when_it_stalls_and_everything_else_works() {
    bounded(Duration::from_secs(150), async {
        let cluster = Cluster::start(1).await;
        let proxy = Proxy::start(&cluster.endpoints()[0]).await;
        let mut settings = with_default_health("a", vec![proxy.url()]);
        // Longer than the canary takes: it is to notice before the watch does.
        settings.cluster.etcd.watch_timeout = gohub_settings::Duration::from_secs(30);
        let hub = start(settings).await;
        names(&hub, None).await;
        proxy.lose_watches(true);
        let stalled = names(&hub, Some("watch")).await;
        assert!(reason(&hub).await.contains("did not come back from the bus"));
        proxy.lose_watches(false);
        proxy.cut();
        let back = names(&hub, None).await;
        eprintln!("canary: watch noticed after {stalled:?}; back after {back:?}");
    })
    .await;
}

/// Stops its shard until it is told to go on.
struct Stops {
    entered: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Handler for Stops {
    fn handle(&self, _context: &mut Context<'_, '_>, _request: &Request<'_>) -> Result<Reply, Refusal> {
        self.entered.send(()).expect("the test waits");
        self.go.lock().expect("nobody panicked").recv().ok();
        Ok(Reply::Ack(None))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_names_the_shard_whose_loop_is_stuck() {
    bounded(Duration::from_secs(60), async {
        let (entered, has_entered) = channel();
        let (go, may_go) = channel();
        let mut settings = gohub_test_client::settings();
        settings.health = gohub_settings::Health::default();
        settings.server.shards = 2;
        let stops = Stops { entered, go: Mutex::new(may_go) };
        let hub = Hub::builder(settings).handler(1000, stops).start().await.expect("the hub starts");
        names(&hub, None).await;
        let mut client = Client::connect(&hub, "c").await;
        client.send(&ClientRequest::new(1000)).await;
        tokio::task::spawn_blocking(move || has_entered.recv()).await.expect("a thread").expect("the handler began");
        let stuck = names(&hub, Some("shard")).await;
        assert!(reason(&hub).await.contains("did not pass the delivery canary on"));
        go.send(()).expect("the handler waits");
        let back = names(&hub, None).await;
        eprintln!("canary: stuck shard noticed after {stuck:?}; back after {back:?}");
        hub.drain().await;
    })
    .await;
}
