//! Eras: a new epoch under live connections, on a shard of its own, so that the log can be driven by hand.

use std::sync::Arc;
use std::time::Duration;

use gohub::log::{Log, Retention, Signal};
use gohub::metrics::Metrics;
use gohub::protocol::client::ServerFrame;
use gohub::protocol::{ClientId, Epoch, Format, HubMessage, Mode, Offset, Publication, Target, Welcome};
use gohub::shard::{
    Adopt, Application, Command, Identity, Resume, Session, Shard, ShardConfig, ShardHandle, SharedRates, SlowPolicy,
    Transport,
};
use gohub::ws::{FrameLimits, Library};
use gohub_test_client::{Client, padded, text_of, until};
use tokio::net::{TcpListener, TcpSocket};

/// Greets, and wants nothing.
struct Greeter;

impl Application for Greeter {
    fn message(&self, _session: &mut Session<'_>, _bytes: &[u8]) {}

    fn welcome(&self, session: &mut Session<'_>, recovered: bool) {
        let (epoch, offset) = session.starting_point();
        let welcome = Welcome {
            client_id: session.client(),
            connection_id: "1".into(),
            node: "n".into(),
            epoch,
            offset,
            recovered,
            heartbeat_interval_ms: 1,
            heartbeat_timeout_ms: 1,
            max_message: 1,
            max_rooms: 1,
            mode: Mode::Normal,
            rooms: session.rooms(),
            ticket: None,
        };
        session.reply(&HubMessage::Welcome(welcome));
    }
}

struct Bench {
    log: Arc<Log>,
    shard: ShardHandle,
    metrics: Metrics,
    ids: u64,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shard.send(Command::Stop);
    }
}

impl Bench {
    fn start(slow_bytes: usize) -> Self {
        let retention = Retention { max_bytes: 64 << 20, max_age: Duration::from_secs(600), max_entries: 1_000_000 };
        let log = Arc::new(Log::new(Epoch::parse("a").unwrap(), retention));
        let metrics = Metrics::default();
        let minute = Duration::from_secs(60);
        let config = ShardConfig {
            trail_events: 32,
            library: Library::default(),
            frames: FrameLimits { max_message: 1000, max_fragments: 10 },
            read_buffer: 64 << 10,
            read_timeout: minute,
            write_timeout: minute,
            close_timeout: minute,
            heartbeat_interval: minute,
            heartbeat_timeout: minute,
            app_interval: None,
            expiry_warning: Duration::ZERO,
            out_buffer: 64 << 10,
            max_inflight: 10,
            max_rooms: 10,
            message_rate: 0,
            message_burst: 0,
            byte_rate: 0,
            shared: SharedRates::default(),
            control_rate: 0,
            max_errors: 0,
            slow_policy: SlowPolicy::Drop,
            slow_bytes,
            slow_age: minute,
            max_history: 100,
        };
        let (shard, handle) = Shard::new(Arc::clone(&log), Arc::new(Greeter), config, metrics.shard()).unwrap();
        std::thread::spawn(move || shard.run());
        Self { log, shard: handle, metrics, ids: 0 }
    }

    async fn connect(&mut self, resume: Option<(&str, Offset)>) -> Client {
        self.ids += 1;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, address) = listener.accept().await.unwrap();
        socket2::SockRef::from(&accepted).set_send_buffer_size(8192).unwrap();
        let identity = Identity {
            client: ClientId::parse("c").unwrap(),
            connection: self.ids,
            address,
            expires: None,
            rights: gohub::auth::Rights::ALL,
            pass: None,
            judged: gohub::auth::Judged::default(),
            ticket_at: 0,
            echo: false,
            permit: Box::new(()),
        };
        let resume = resume.map(|(epoch, offset)| Resume { epoch: epoch.to_owned(), offset });
        self.shard.send(Command::Adopt(Box::new(Adopt {
            transport: Transport::Plain(mio::net::TcpStream::from_std(accepted.into_std().unwrap())),
            early: Vec::new(),
            identity,
            format: Format::Json,
            resume,
            rooms: Vec::new(),
        })));
        Client::over(stream, Format::Json).await
    }

    /// Appends messages named after their epoch and number, with offsets from `from` on.
    fn publish(&self, epoch: &str, from: u64, count: u64, size: usize) {
        let entries = (from..from + count).map(|number| {
            let data = Some(padded(&format!("{epoch}{number}"), size));
            let publication = Publication {
                target: Target::Broadcast,
                id: 20,
                message_type: None,
                data,
                from: None,
                ts: 1,
                key: None,
            };
            (Offset::new(number, 0), publication)
        });
        self.log.append(entries.collect::<Vec<_>>());
        self.shard.wake();
    }

    fn begin(&self, epoch: &str, floor: u64) {
        self.log.begin_era(Epoch::parse(epoch).unwrap(), Offset::new(floor, 0));
        self.shard.wake();
    }
}

/// What came, in short: `w a 3` for a welcome of epoch a at 3-0, `a4` for a message, `gap 3..7 n` for a gap.
async fn said(client: &mut Client, until: &str) -> Vec<String> {
    let mut said = Vec::new();
    while said.last().is_none_or(|last| last != until) {
        said.push(match client.frame().await {
            ServerFrame::Welcome(welcome) => format!("w {} {}", welcome.epoch, welcome.offset.major),
            ServerFrame::Publication(publication, _) => text_of(&publication),
            ServerFrame::Gap { from, to, count, .. } => {
                format!("gap {}..{} {}", from.major, to.major, count.map_or("?".to_owned(), |count| count.to_string()))
            }
            other => panic!("unexpected {other:?}"),
        });
    }
    said
}

#[tokio::test]
async fn entries_of_a_new_epoch_come_after_the_welcome_that_names_it() {
    let mut bench = Bench::start(1 << 20);
    let mut client = bench.connect(None).await;
    bench.publish("a", 1, 3, 10);
    bench.begin("b", 100);
    bench.publish("b", 101, 2, 10);
    assert_eq!(said(&mut client, "b102").await, ["a1", "a2", "a3", "w b 100", "b101", "b102"]);
    bench.begin("c", 0);
    assert_eq!(said(&mut client, "w c 0").await, ["w c 0"], "also when nothing is said in it");
}

#[tokio::test]
async fn whoever_lags_passes_through_every_era_in_order() {
    let mut bench = Bench::start(16 << 20);
    let mut client = bench.connect(None).await;
    bench.publish("a", 1, 60, 1000);
    let blocked = || bench.metrics.shards().iter().map(|shard| shard.bytes_out.get()).sum::<u64>() > 1000;
    until("the shard writes", blocked).await;
    bench.begin("b", 10);
    bench.publish("b", 11, 60, 1000);
    bench.begin("empty", 0);
    bench.begin("c", 5);
    bench.publish("c", 6, 60, 1000);
    let numbers = |epoch: &str, range: std::ops::Range<u64>| range.map(|n| format!("{epoch}{n}")).collect::<Vec<_>>();
    let mut expected = numbers("a", 1..61);
    expected.push("w b 10".to_owned());
    expected.extend(numbers("b", 11..71));
    expected.push("w c 5".to_owned());
    expected.extend(numbers("c", 6..66));
    assert_eq!(said(&mut client, "c65").await, expected);
}

#[tokio::test]
async fn a_client_of_an_older_epoch_gets_its_rest_and_is_greeted_anew() {
    let mut bench = Bench::start(16 << 20);
    bench.publish("a", 1, 5, 10);
    bench.begin("b", 2);
    bench.publish("b", 3, 2, 10);
    let mut client = bench.connect(Some(("a", Offset::new(3, 0)))).await;
    assert!(client.welcome.recovered);
    assert_eq!((client.epoch().as_str(), client.welcome.offset), ("a", Offset::new(3, 0)));
    assert_eq!(said(&mut client, "b4").await, ["a4", "a5", "w b 2", "b3", "b4"]);
    let mut complete = bench.connect(Some(("a", Offset::new(5, 0)))).await;
    assert_eq!(said(&mut complete, "b4").await, ["w b 2", "b3", "b4"]);
    let mut current = bench.connect(Some(("b", Offset::new(3, 0)))).await;
    assert_eq!(said(&mut current, "b4").await, ["b4"]);
    let lost = bench.connect(Some(("b", Offset::new(1, 0)))).await;
    assert!(!lost.welcome.recovered, "b was delivered here after 2-0 only");
}

#[tokio::test]
async fn a_slow_one_is_told_what_it_missed_era_by_era() {
    let mut bench = Bench::start(64 << 10);
    let mut client = bench.connect(None).await;
    bench.publish("a", 1, 40, 1000);
    let begun = || bench.metrics.shards().iter().map(|shard| shard.bytes_out.get()).sum::<u64>() > 1000;
    until("the shard writes", begun).await;
    bench.begin("b", 10);
    for batch in 0..10 {
        let seen = bench.metrics.shards()[0].passes.get();
        bench.publish("b", 11 + batch * 20, 20, 1000);
        until("it is seen", || bench.metrics.shards()[0].passes.get() > seen).await;
    }
    let dropped = || bench.metrics.shards().iter().any(|shard| shard.gaps.total() > 0);
    until("the client is moved on", dropped).await;
    bench.publish("b", 500, 1, 10);
    let said = said(&mut client, "b500").await;
    let welcome = said.iter().position(|said| said == "w b 10").expect("the new epoch is named");
    assert!(said[..welcome].iter().all(|said| said.starts_with('a') || said.starts_with("gap ")), "{said:?}");
    assert!(said[welcome + 1..].iter().all(|said| said.starts_with('b') || said.starts_with("gap ")), "{said:?}");
    let gap = said[..welcome].last().unwrap();
    assert!(gap.starts_with("gap ") && gap.contains("..40 "), "the rest of a, and nothing of b: {said:?}");
    assert!(said[welcome + 1].starts_with("gap 11.."), "{said:?}");
}

#[tokio::test]
async fn a_client_that_missed_a_change_of_the_mode_is_told_the_mode() {
    let mut bench = Bench::start(64 << 10);
    let mut client = bench.connect(None).await;
    bench.publish("a", 1, 40, 1000);
    let begun = || bench.metrics.shards().iter().map(|shard| shard.bytes_out.get()).sum::<u64>() > 1000;
    until("the shard writes", begun).await;
    for mode in [Mode::Degraded, Mode::Normal, Mode::Degraded] {
        bench.log.signal(Signal::Mode { mode, reason: "why".to_owned() });
    }
    bench.publish("a", 41, 100, 1000);
    let dropped = || bench.metrics.shards().iter().any(|shard| shard.gaps.total() > 0);
    until("the client is moved on", dropped).await;
    bench.publish("a", 200, 1, 10);
    let (mut got, mut missed, mut modes) = (0, 0, Vec::new());
    loop {
        match client.frame().await {
            ServerFrame::Publication(publication, _) if text_of(&publication) == "a200" => break,
            ServerFrame::Publication(..) => got += 1,
            ServerFrame::Gap { count, .. } => missed += count.unwrap(),
            ServerFrame::Mode { mode, reason } => modes.push((mode, reason)),
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(got + missed, 140, "the hub's own words are not counted");
    assert_eq!(modes, [(Mode::Degraded, "why".to_owned())], "what it is now, once");
}
