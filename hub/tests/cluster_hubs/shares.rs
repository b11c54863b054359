//! Limits of the whole cluster over a real etcd: never more than the limit, wherever clients come, and whichever hub dies or is cut off.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gohub::{Hub, Settings};
use gohub_test_client::{Client, Connect};
use serde_json::Value;

use crate::deadline::{PATIENCE, bounded, eventually};
use crate::etcd::Cluster;
use crate::etcd::proxy::Proxy;
use crate::process::Process;
use crate::site::{settings, start, start_all};

const LIMIT: usize = 30;

fn limited(node: &str, endpoints: Vec<String>) -> Settings {
    let mut settings = settings(node, endpoints);
    settings.limits.cluster.max_connections = LIMIT as u32;
    settings
}

/// One more connection, or what it was refused with.
async fn knock(address: SocketAddr) -> Result<Client, u16> {
    let refused = match Connect::to_address(address).try_open().await {
        Ok(client) => return Ok(client),
        Err(declined) => declined,
    };
    assert!(refused.retry_after.is_some(), "{refused:?}");
    Err(refused.status)
}

/// Knocks at these hubs by turns until so many are in.
async fn fill(cluster: &Cluster, addresses: &[SocketAddr], wanted: usize) -> Vec<Client> {
    let (mut clients, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    for turn in 0.. {
        if clients.len() == wanted {
            break;
        }
        assert!(Instant::now() < deadline, "{} of {wanted} are in; {:?}", clients.len(), lines(cluster).await);
        match knock(addresses[turn % addresses.len()]).await {
            Ok(client) => clients.push(client),
            Err(status) => {
                assert_eq!(status, 503);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    clients
}

/// Nobody gets in at these hubs for so long.
async fn is_closed(addresses: &[SocketAddr], time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for address in addresses {
            assert_eq!(knock(*address).await.err(), Some(503), "one more than the limit");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What stands in etcd.
async fn lines(cluster: &Cluster) -> Vec<Value> {
    let prefix = etcd_client::GetOptions::new().with_prefix();
    let answer = cluster.client().await.get("/gohub/usage/hubs/", Some(prefix)).await.unwrap();
    answer.kvs().iter().map(|kv| serde_json::from_slice(kv.value()).unwrap()).collect()
}

/// The shares in it.
async fn table(cluster: &Cluster) -> Vec<u64> {
    lines(cluster).await.iter().map(|line| line["connections"]["share"].as_u64().unwrap()).collect()
}

fn addresses(hubs: &[Hub]) -> Vec<SocketAddr> {
    hubs.iter().map(Hub::address).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_clients_come_the_cluster_has_no_more_than_its_limit() {
    bounded(Duration::from_secs(180), async {
        let cluster = Cluster::start(1).await;
        let hubs = start_all(["a", "b", "c"].map(|node| limited(node, cluster.endpoints()))).await;
        let doors = addresses(&hubs);
        // All at one hub: the others give up what they do not need.
        let at_one = fill(&cluster, &doors[..1], LIMIT - 6).await;
        let mut rest = fill(&cluster, &doors[1..], 6).await;
        is_closed(&doors, Duration::from_secs(2)).await;
        let shares = table(&cluster).await;
        assert!(shares.len() == 3 && shares.iter().sum::<u64>() <= LIMIT as u64, "{shares:?}");

        // They go, and others come elsewhere.
        drop(at_one);
        rest.extend(fill(&cluster, &doors[2..], LIMIT - 6).await);
        is_closed(&doors, Duration::from_secs(1)).await;

        // A hub that ends in order gives its share back at once, and one more hub gets its own.
        let leaving = &hubs[0];
        leaving.drain().await;
        let two = async || table(&cluster).await.len();
        eventually("its line is gone", two, |lines| *lines == 2).await;
        let late = start(limited("d", cluster.endpoints())).await;
        is_closed(&[late.address()], Duration::from_secs(1)).await;
        drop(rest.split_off(LIMIT / 2));
        let more = fill(&cluster, &[late.address()], LIMIT - LIMIT / 2).await;
        is_closed(&doors[1..], Duration::from_secs(1)).await;
        drop((rest, more));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_share_of_a_hub_that_was_killed_is_free_when_its_lease_ends_and_not_before() {
    bounded(Duration::from_secs(120), async {
        let cluster = Cluster::start(1).await;
        let mut a = Process::start(limited("a", cluster.endpoints())).await;
        let b = Process::start(limited("b", cluster.endpoints())).await;
        let at_a = fill(&cluster, &[a.address], 20).await;
        let mut at_b = fill(&cluster, &[b.address], LIMIT - 20).await;
        let killed = Instant::now();
        a.kill();
        drop(at_a);
        // Its lease of four seconds was kept alive a second or two ago.
        is_closed(&[b.address], Duration::from_secs(1)).await;
        at_b.extend(fill(&cluster, &[b.address], 20).await);
        assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());
        is_closed(&[b.address], Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_cut_off_from_etcd_stops_to_admit_before_others_have_its_share() {
    bounded(Duration::from_secs(180), async {
        let cluster = Cluster::start(1).await;
        let mut links = Vec::new();
        for url in cluster.endpoints() {
            links.push(Proxy::start(&url).await);
        }
        let a = Process::start(limited("a", links.iter().map(Proxy::url).collect())).await;
        let b = Process::start(limited("b", cluster.endpoints())).await;
        let at_a = fill(&cluster, &[a.address], 20).await;
        let at_b = fill(&cluster, &[b.address], 5).await;
        let cut = Instant::now();
        links.iter().for_each(|link| link.lose(true));
        // Both are asked all the time: until the one admits nobody any more the other has no more than its own.
        let (mut after_a, mut after_b, mut a_admitted) = (Vec::new(), Vec::new(), None);
        let most_of_both = || LIMIT - 20 - 5;
        while cut.elapsed() < PATIENCE {
            if let Ok(client) = knock(a.address).await {
                after_a.push(client);
                a_admitted = Some(Instant::now());
                assert!(after_a.len() + after_b.len() <= most_of_both(), "more than the limit");
            }
            if let Ok(client) = knock(b.address).await {
                after_b.push(client);
            }
            if after_b.len() > most_of_both() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let took_over = Instant::now();
        assert!(after_b.len() > most_of_both(), "the lease of the lost hub is over and its share free");
        assert!(a_admitted.is_none_or(|at| at < took_over), "it admits nobody any more");
        is_closed(&[a.address], Duration::from_secs(1)).await;
        // Its connections live, and count again when it is back: nobody else comes until they or others go.
        links.iter().for_each(|link| link.lose(false));
        drop((at_b, after_b, after_a));
        let mut back = fill(&cluster, &[b.address], 5).await;
        let standing = async || lines(&cluster).await;
        let is_back = |line: &Value| {
            let of_a = &line["connections"];
            of_a["used"] == 20 && of_a["share"].as_u64() >= Some(20)
        };
        eventually("it has its own again", standing, |lines| lines.iter().any(is_back)).await;
        back.extend(fill(&cluster, &[a.address, b.address], LIMIT - 25).await);
        is_closed(&[a.address, b.address], Duration::from_secs(1)).await;
        drop((at_a, back));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_budget_for_new_connections_is_one_for_all_hubs_and_hot() {
    bounded(Duration::from_secs(120), async {
        const RATE: usize = 20;
        let cluster = Cluster::start(1).await;
        let budget = |node: &str, rate: usize| {
            let mut settings = settings(node, cluster.endpoints());
            settings.limits.cluster.accept_rate = rate as u32;
            settings
        };
        let hubs = start_all(["a", "b"].map(|node| budget(node, RATE))).await;
        let doors = addresses(&hubs);
        let storm = async |time: Duration| {
            let (began, mut clients) = (Instant::now(), Vec::new());
            while began.elapsed() < time {
                for door in &doors {
                    clients.extend(knock(*door).await.ok());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            (clients.len(), began.elapsed().as_secs_f64())
        };
        let (count, seconds) = storm(Duration::from_secs(5)).await;
        // And ten at once at each hub.
        let most = RATE as f64 * (seconds + 1.0) + 2.0;
        assert!(count as f64 <= most, "{count} in {seconds} s, at most {most}");
        assert!(count as f64 >= RATE as f64 * seconds * 0.6, "{count} in {seconds} s: the budget is used");
        for (hub, node) in hubs.iter().zip(["a", "b"]) {
            let mut settings = (*hub.settings()).clone();
            assert_eq!(settings.cluster.node, node);
            settings.limits.cluster.accept_rate = 0;
            hub.reload().replace(settings).unwrap();
        }
        let free = async || futures::future::join_all((0..40).map(|_| knock(doors[0]))).await;
        let all = |results: &Vec<Result<Client, u16>>| results.iter().all(Result::is_ok);
        eventually("without a budget all come in", free, all).await;
    })
    .await;
}
