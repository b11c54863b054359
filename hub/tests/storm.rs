//! A storm: half of the hubs are killed under load, and everybody they served comes back at once to those that are left.
//!
//! `make storm CLIENTS=10000` is the large one and prints figures; `make test` runs the same with 300 clients. Judged by what the clients of
//! `gohub-crowd` wrote down themselves: nobody loses anything, everybody is told `recovered: true`, and never have more come back than the budget of the
//! cluster (`limits.cluster.accept_rate`) allows by then.

#[path = "cluster_hubs/deadline.rs"]
mod deadline;
#[path = "etcd/cluster.rs"]
mod etcd;
#[path = "cluster_hubs/process.rs"]
#[expect(dead_code, reason = "what other tests do to a hub")]
mod process;
#[path = "cluster_hubs/site.rs"]
#[expect(dead_code, reason = "what other tests ask a hub")]
mod site;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gohub_crowd::member::{Journey, Visit};
use gohub_crowd::report::Verdict;
use gohub_crowd::{Books, Event, Gathering, Plan};
use gohub_settings::{ByteSize, Duration as Time};
use serde_json::json;
use tokio::sync::watch;

use crate::deadline::{bounded, eventually};
use crate::etcd::Cluster;
use crate::process::Process;
use crate::site::{raise_descriptors, settings};

/// So many clients share a room.
const PER_ROOM: usize = 25;

#[derive(Clone, Copy)]
struct Asked {
    clients: usize,
    hubs: usize,
    /// New connections a second, of all hubs together.
    budget: u32,
    /// Publications a second.
    rate: u32,
    /// Everybody is there, and back, by then.
    settle: Duration,
}

/// What `make storm` asks for, or the short run.
fn asked() -> Asked {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
    };
    Asked {
        clients: number("STORM_CLIENTS", 300) as usize,
        hubs: number("STORM_HUBS", 4) as usize,
        budget: number("STORM_BUDGET", 100) as u32,
        rate: number("STORM_RATE", 5) as u32,
        settle: Duration::from_secs(number("STORM_SECONDS", 60)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_the_hubs_are_killed_and_everybody_is_back_within_the_budget_with_nothing_missing() {
    let asked = asked();
    raise_descriptors();
    bounded(asked.settle * 4 + Duration::from_secs(60), async {
        let cluster = Cluster::start(1).await;
        let mut hubs = Vec::new();
        for index in 0..asked.hubs {
            let mut settings = settings(&format!("hub-{index}"), cluster.endpoints());
            settings.limits.cluster.accept_rate = asked.budget;
            settings.limits.retry_after = Time::from_secs(1);
            settings.retention.max_age = Time::from_secs(600);
            settings.retention.max_bytes = ByteSize::from_mib(64);
            // A busy machine of two cores is not to be taken for a dead hub.
            settings.cluster.etcd.lease_ttl = Time::from_secs(6);
            settings.cluster.etcd.request_timeout = Time::from_secs(5);
            hubs.push(Process::start(settings).await);
        }
        for hub in &hubs {
            let nodes = async || hub.api().get("nodes").await["items"].as_array().map_or(0, Vec::len);
            eventually("the hubs know one another", nodes, |count| *count == asked.hubs).await;
        }
        let (books, killed) = perform(asked, &mut hubs).await;
        judge(asked, &books, killed);
    })
    .await;
}

/// Gathers the crowd, kills every other hub, waits until all are back; the books, and when the hubs were killed.
async fn perform(asked: Asked, hubs: &mut [Process]) -> (Books, Instant) {
    let plan = Plan {
        targets: hubs.iter().map(|hub| format!("ws://{}/ws", hub.address).parse().unwrap()).collect(),
        clients: asked.clients,
        name: "c".to_owned(),
        rooms: (0..asked.clients.div_ceil(PER_ROOM)).map(|index| format!("room-{index}")).collect(),
        publishers: 1,
        rate: asked.rate,
        padding: 100,
        settle: asked.settle,
    };
    let (end, ended) = watch::channel(false);
    let (progress, mut seen) = watch::channel((false, 0, 0));
    let crowd = Gathering::begin(plan).run(ended, move |event| match event {
        Event::Gathered { .. } => progress.send_modify(|(gathered, ..)| *gathered = true),
        Event::Progress(now) => {
            progress.send_modify(|(_, connected, disconnects)| {
                (*connected, *disconnects) = (now.connected, now.disconnects)
            });
        }
        Event::Report(_) => {}
    });
    let storm = async {
        seen.wait_for(|(gathered, ..)| *gathered).await.expect("the crowd is there");
        let killed = Instant::now();
        hubs.iter_mut().step_by(2).for_each(Process::kill);
        let all = asked.clients as u64;
        let back = seen.wait_for(|(_, connected, disconnects)| *disconnects >= all / 2 - 1 && *connected == all);
        let is_back = tokio::time::timeout(asked.settle * 2, back).await.is_ok();
        end.send_replace(true);
        assert!(is_back, "not everybody is back: {:?}", *seen.borrow());
        killed
    };
    tokio::join!(crowd, storm)
}

/// Who lost its hub: the visits after that, until the end of everything.
fn returns(journey: &Journey, killed: Instant) -> impl Iterator<Item = &Visit> {
    journey.visits.iter().skip(1).filter(move |visit| visit.welcomed >= killed)
}

fn judge(asked: Asked, books: &Books, killed: Instant) {
    let report = books.judge();
    let since = |visit: &Visit| visit.welcomed.duration_since(killed);
    let mut back: Vec<(Duration, &str)> = Vec::new();
    let mut unrecovered = Vec::new();
    for journey in &books.journeys {
        for visit in returns(journey, killed) {
            back.push((since(visit), &visit.node));
        }
        if journey.visits.iter().skip(1).any(|visit| !visit.recovered) {
            unrecovered.push(&journey.client);
        }
    }
    back.sort();
    let mut per_second: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    back.iter().for_each(|(at, node)| *per_second.entry((node, at.as_secs())).or_default() += 1);
    let percentile = |part: f64| back[((back.len() - 1) as f64 * part) as usize].0.as_millis();
    let moved = books.journeys.iter().filter(|journey| returns(journey, killed).next().is_some()).count();
    let figures = json!({
        "clients": asked.clients,
        "hubs": asked.hubs,
        "killed": asked.hubs.div_ceil(2),
        "budget_per_second": asked.budget,
        "moved": moved,
        "connects_per_second_and_hub_max": per_second.values().max(),
        "connects_per_second_max": (0..=back.last().map_or(0, |(at, _)| at.as_secs()))
            .map(|second| back.iter().filter(|(at, _)| at.as_secs() == second).count()).max(),
        "back_ms": {"p50": percentile(0.5), "p99": percentile(0.99), "all": percentile(1.0)},
        "acked": report.acked,
        "received": report.all.received,
        "missing": report.all.missing,
        "told": report.all.told,
        "unrecovered": unrecovered.len(),
    });
    println!("{figures}");
    assert_eq!(books.journeys.len(), asked.clients);
    assert!(books.journeys.iter().all(|journey| journey.stopped.is_none()), "{figures}");
    assert_eq!(report.verdict, Verdict::Complete, "{figures}");
    assert!(unrecovered.is_empty(), "{figures}: {:?}", &unrecovered[..unrecovered.len().min(10)]);
    assert!(moved >= asked.clients / 3, "half of them lost their hub: {figures}");
    // A welcome may be late, never early: so many have come back by then, and no more.
    // A tenth at once, and at least ten at each hub.
    let burst = f64::from(asked.budget) / 10.0 + 10.0 * asked.hubs as f64;
    for (index, (at, _)) in back.iter().enumerate() {
        let most = f64::from(asked.budget) * at.as_secs_f64() + burst;
        assert!((index + 1) as f64 <= most, "{} were back after {at:?}, the budget is {most}: {figures}", index + 1);
    }
}
