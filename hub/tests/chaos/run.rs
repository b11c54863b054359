//! One run: the plan is printed, done to the scene under the crowd, and the books are judged.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gohub_crowd::report::Report;
use gohub_crowd::transcript::transcript;
use gohub_crowd::{Books, Event as Told, Gathering, Plan};
use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::deadline::bounded;
use crate::plan::{Event, plan};
use crate::scene::{Scene, Strike};
use crate::site::raise_descriptors;
use crate::verdict::{Asked, Outcome, outcome};

/// Everybody is connected by then, and everybody has everything by then.
const SETTLE: Duration = Duration::from_secs(90);
/// So many clients share a room.
const PER_ROOM: usize = 25;
/// At most so many records of a failed run are kept.
const KEPT: usize = 20;

/// What `make chaos` asks for, or the short run.
fn asked() -> Asked {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
    };
    Asked {
        seed: number("CHAOS_SEED", 1),
        seconds: number("CHAOS_SECONDS", 30),
        clients: number("CHAOS_CLIENTS", 50) as usize,
        rate: number("CHAOS_RATE", 20) as u32,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_seeded_faults_nobody_loses_anything_in_silence_and_who_lost_its_hub_is_back_in_time() {
    let asked = asked();
    raise_descriptors();
    let length = Duration::from_secs(asked.seconds);
    let events = plan(asked.seed, length);
    let planned: Vec<String> = events.iter().map(ToString::to_string).collect();
    let title = format!("seed {}, {} s, {} clients", asked.seed, asked.seconds, asked.clients);
    eprintln!("{title}:\n{}", planned.join("\n"));
    bounded(length + 4 * SETTLE, async {
        let mut scene = Scene::open().await;
        let (books, strikes, began) = perform(&mut scene, asked, &events).await;
        let report = books.judge();
        let (outcome, offenders) = outcome(asked, &report, &books.journeys, &strikes);
        show(&outcome);
        if !outcome.passed {
            let directory = directory(asked.seed);
            std::fs::write(directory.join("plan.txt"), format!("{title}:\n{}\n", planned.join("\n"))).unwrap();
            keep(&directory, &books, &report, &outcome, &offenders, began);
            scene.keep_logs(&directory);
            panic!("seed {} failed; plan, records and logs are in {}", asked.seed, directory.display());
        }
    })
    .await;
}

async fn perform(scene: &mut Scene, asked: Asked, events: &[Event]) -> (Books, Vec<Strike>, Instant) {
    let rooms = (0..asked.clients.div_ceil(PER_ROOM)).map(|index| format!("room-{index}")).collect();
    let plan = Plan {
        targets: scene.doors(),
        clients: asked.clients,
        name: "c".to_owned(),
        rooms,
        publishers: 4,
        rate: asked.rate,
        padding: 300,
        settle: SETTLE,
    };
    let (end, ended) = watch::channel(false);
    let (gathered, mut all_there) = watch::channel(false);
    let mut said = Instant::now();
    let crowd = Gathering::begin(plan).run(ended, move |event| match event {
        Told::Gathered { .. } => drop(gathered.send_replace(true)),
        Told::Progress(progress) if said.elapsed() > Duration::from_secs(20) => {
            said = Instant::now();
            eprintln!("{}", serde_json::to_string(progress).unwrap_or_default());
        }
        _ => {}
    });
    let faults = async {
        all_there.wait_for(|there| *there).await.expect("the crowd is there");
        let began = Instant::now();
        let strikes = happen(scene, events, began).await;
        sleep_until((began + Duration::from_secs(asked.seconds)).into()).await;
        end.send_replace(true);
        (strikes, began)
    };
    let (books, (strikes, began)) = tokio::join!(crowd, faults);
    (books, strikes, began)
}

/// Strikes and mends, each in its time.
async fn happen(scene: &mut Scene, events: &[Event], began: Instant) -> Vec<Strike> {
    let strikes = events.iter().map(|event| (event.at, true, event));
    let mut steps: Vec<_> = strikes.chain(events.iter().map(|event| (event.ends(), false, event))).collect();
    // What begins and ends at once, begins first.
    steps.sort_by_key(|(at, begins, _)| (*at, !begins));
    let mut struck = Vec::new();
    for (at, begins, event) in steps {
        sleep_until((began + at).into()).await;
        if begins {
            eprintln!("{event}");
            struck.push(scene.strike(event).await);
        } else {
            scene.mend(event).await;
        }
    }
    struck
}

/// One line of JSON, and one for people.
fn show(outcome: &Outcome) {
    println!("{}", serde_json::to_string(outcome).unwrap());
    for back in &outcome.returns {
        let (node, clients, p50, p99, max) = (&back.node, back.clients, back.p50_ms, back.p99_ms, back.max_ms);
        eprintln!("{node} killed: its {clients} clients back elsewhere after p50 {p50} ms, p99 {p99} ms, max {max} ms");
    }
    let Outcome { seed, faults, acked, received, told, reconnects, failures, .. } = outcome;
    let word = if outcome.passed { "passed" } else { "FAILED" };
    eprintln!(
        "seed {seed} {word}: {faults} faults, {acked} acked, {received} received, {told} not received and told of, {reconnects} \
         reconnects"
    );
    failures.iter().take(KEPT).for_each(|failure| eprintln!("  {failure}"));
}

fn directory(seed: u64) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{seed}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn keep(directory: &Path, books: &Books, report: &Report, outcome: &Outcome, offenders: &[String], began: Instant) {
    std::fs::write(directory.join("outcome.json"), serde_json::to_string_pretty(outcome).unwrap()).unwrap();
    std::fs::write(directory.join("report.json"), serde_json::to_string(report).unwrap()).unwrap();
    for client in offenders.iter().take(KEPT) {
        for journey in books.journeys.iter().filter(|journey| journey.client == *client) {
            let text = transcript(journey, &books.ledger, began);
            std::fs::write(directory.join(format!("{client}.txt")), text).unwrap();
        }
    }
}
