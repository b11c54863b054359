//! The bus's side of a hub: an `EtcdBus` whose deliveries a test can look at and wait for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gohub::bus::{
    BufferLimits, BusMetrics, Delivery, EtcdBus, EtcdParts, Inlet, MessageBus, NoObserver, Partition, PublishError,
    Receipt, SeenLimits,
};
use gohub::lifecycle::Tasks;
use gohub::protocol::{ClientId, Epoch, Mode, Offset, Payload, Publication, RoomName, Target};
use gohub_settings::Etcd;

use crate::etcd::PATIENCE;

/// Remembers deliveries.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<Delivery>>);

impl Inlet for Log {
    fn deliver(&self, delivery: Delivery) {
        self.0.lock().unwrap().push(delivery);
    }
}

pub(crate) struct Hub {
    pub(crate) bus: Arc<EtcdBus>,
    pub(crate) log: Arc<Log>,
    pub(crate) metrics: Arc<BusMetrics>,
}

/// Settings for tests: as the defaults, with short times.
pub(crate) fn settings(endpoints: Vec<String>) -> Etcd {
    Etcd {
        endpoints,
        request_timeout: gohub_settings::Duration::from_secs(4),
        dial_timeout: gohub_settings::Duration::from_secs(2),
        watch_timeout: gohub_settings::Duration::from_secs(6),
        lease_ttl: gohub_settings::Duration::from_secs(4),
        ..Etcd::default()
    }
}

/// What a room that buffers keeps.
pub(crate) const KEPT: BufferLimits = BufferLimits { messages: 5, bytes: 1 << 20, age: Duration::from_secs(120) };

impl Hub {
    /// A hub that has caught up.
    pub(crate) async fn start(node: &str, etcd: Etcd) -> Self {
        let hub = Self::connecting(node, etcd);
        tokio::time::timeout(PATIENCE, hub.bus.ready()).await.expect("the bus becomes ready");
        hub
    }

    /// A hub that may never get there. Rooms whose name begins with `here` are `local_only`, those with `keep` hold [`KEPT`].
    pub(crate) fn connecting(node: &str, etcd: Etcd) -> Self {
        let log = Arc::new(Log::default());
        let metrics = Arc::new(BusMetrics::default());
        let address = format!("{node}:9191");
        let bus = EtcdBus::start(EtcdParts {
            etcd,
            node: node.to_owned(),
            seen: SeenLimits { max_keys: 1000, max_age: Duration::from_secs(300) },
            policy: Arc::new(|target| match target {
                Target::Room(room) if room.as_str().starts_with("here") => Partition::LocalOnly,
                Target::Room(room) if room.as_str().starts_with("keep") => Partition::Buffer(KEPT),
                Target::Room(room) if room.as_str() == "brief" => {
                    Partition::Buffer(BufferLimits { age: Duration::from_secs(1), ..KEPT })
                }
                _ => Partition::FailClosed,
            }),
            entry: Arc::new(move || format!("{{\"address\":\"{address}\"}}")),
            inlet: log.clone(),
            metrics: Arc::clone(&metrics),
            observer: Arc::new(NoObserver),
            tasks: Tasks::new(tokio::runtime::Handle::current()),
        });
        Self { bus, log, metrics }
    }

    /// Publishes and returns at once.
    pub(crate) fn begin(&self, publication: Publication) -> impl Future<Output = Result<Offset, PublishError>> + use<> {
        let (receipt, answer) = Receipt::channel();
        self.bus.publish(publication, receipt);
        answer
    }

    /// Publishes and waits for the receipt.
    pub(crate) async fn publish(&self, publication: Publication) -> Result<Offset, PublishError> {
        let (receipt, answer) = Receipt::channel();
        self.bus.publish(publication, receipt);
        tokio::time::timeout(PATIENCE, answer).await.expect("every receipt is resolved in bounded time")
    }

    /// Everything delivered since the start: offset and text.
    pub(crate) fn delivered(&self) -> Vec<(Offset, String)> {
        let all = self.log.0.lock().unwrap();
        let lists = all.iter().filter_map(|delivery| match delivery {
            Delivery::Publications(list) => Some(list),
            _ => None,
        });
        lists.flatten().map(|(offset, publication)| (*offset, text_of(publication))).collect()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.delivered().into_iter().map(|(_, text)| text).collect()
    }

    /// Gaps, epochs and modes, as short texts.
    pub(crate) fn notices(&self) -> Vec<String> {
        let all = self.log.0.lock().unwrap();
        all.iter()
            .filter_map(|delivery| match delivery {
                Delivery::Publications(_) | Delivery::CaughtUp => None,
                Delivery::Gap { reason, .. } => Some(format!("gap {}", reason.name())),
                Delivery::Epoch { .. } => Some("epoch".to_owned()),
                Delivery::Mode { mode, .. } => Some(mode.name().to_owned()),
            })
            .collect()
    }

    pub(crate) fn gaps(&self) -> Vec<(Offset, Offset)> {
        let all = self.log.0.lock().unwrap();
        all.iter()
            .filter_map(|d| if let Delivery::Gap { from, to, .. } = d { Some((*from, *to)) } else { None })
            .collect()
    }

    /// Up to where what was delivered was said before this hub came: nobody who is connected gets that.
    pub(crate) fn past(&self) -> Offset {
        let all = self.log.0.lock().unwrap();
        let past = |delivery: &Delivery| if let Delivery::Epoch { past, .. } = delivery { Some(*past) } else { None };
        all.iter().rev().find_map(past).expect("an epoch has begun")
    }

    pub(crate) fn epochs(&self) -> Vec<Epoch> {
        let all = self.log.0.lock().unwrap();
        all.iter()
            .filter_map(|d| if let Delivery::Epoch { epoch, .. } = d { Some(epoch.clone()) } else { None })
            .collect()
    }

    /// Waits until a text was delivered.
    pub(crate) async fn heard(&self, text: &str) {
        until(&format!("{text:?} is delivered"), || self.texts().iter().any(|heard| heard == text)).await;
    }

    /// Waits until the bus is in this mode and, when it is the normal one, works.
    pub(crate) async fn mode(&self, mode: Mode) {
        until(&format!("mode {}", mode.name()), || {
            let health = self.bus.health();
            health.mode == mode && (mode == Mode::Degraded || health.delivering)
        })
        .await;
    }

    /// Publishes the text again and again until it is accepted.
    pub(crate) async fn publish_until_accepted(&self, text: &str) -> Offset {
        let deadline = Instant::now() + PATIENCE;
        let once = Publication { key: Some(text.into()), ..broadcast(text) };
        loop {
            match self.publish(once.clone()).await {
                Ok(offset) => return offset,
                Err(error) => assert!(error.is_retryable() && Instant::now() < deadline, "{text}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Waits for a condition, with a deadline.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn broadcast(text: &str) -> Publication {
    to(Target::Broadcast, 20, text)
}

pub(crate) fn room(room: &str, text: &str) -> Publication {
    to(Target::Room(RoomName::parse(room).unwrap()), 22, text)
}

pub(crate) fn unicast(client: &str, text: &str) -> Publication {
    to(Target::Client(ClientId::parse(client).unwrap()), 21, text)
}

fn to(target: Target, id: u32, text: &str) -> Publication {
    let data = Some(Payload::json(serde_json::to_string(text).unwrap()).unwrap());
    let from = Some(ClientId::parse("alice").unwrap());
    Publication { target, id, message_type: None, data, from, ts: 1_748_000_000_000, key: None }
}

fn text_of(publication: &Publication) -> String {
    match &publication.data {
        Some(Payload::Json(text)) => serde_json::from_slice(text).unwrap_or_else(|_| "?".to_owned()),
        _ => String::new(),
    }
}
