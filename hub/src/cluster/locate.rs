//! Where is this client? Asked of all other hubs, many clients at a time.
//!
//! One round of questions is under way; who comes meanwhile shares the next one. Where a client was found is remembered a short
//! while: a conversation between two hubs asks once, not per message.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::peers::Peers;
use crate::inventory::Scope;
use crate::lifecycle::Tasks;
use crate::protocol::ClientId;

/// Clients in one round.
const MAX_ROUND: usize = 1000;
/// Clients that wait for the next rounds; above it the answer is "unclear" at once.
const MAX_WAITING: usize = 10_000;
/// How long a found client is taken as found. A client that left is missed by its hub's log at worst.
const REMEMBERED: Duration = Duration::from_secs(10);
const MAX_REMEMBERED: usize = 100_000;

/// What is known of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// Connected to another hub, or may resume there.
    Known,
    /// Every other hub says no.
    Nowhere,
    /// Nobody says yes, and not everybody answered.
    Unclear,
}

type Question = (ClientId, oneshot::Sender<Whereabouts>);

pub(super) struct Locator {
    questions: mpsc::Sender<Question>,
    memory: Arc<Memory>,
}

impl Locator {
    pub(super) fn start(peers: Arc<Peers>, tasks: &Tasks) -> Self {
        let (questions, waiting) = mpsc::channel(MAX_WAITING);
        let memory = Arc::new(Memory::default());
        let stop = tasks.token();
        let rounds = rounds(peers, waiting, Arc::clone(&memory));
        drop(tasks.spawn("cluster locate", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = rounds => {}
            }
        }));
        Self { questions, memory }
    }

    pub(super) fn locate(&self, client: ClientId) -> BoxFuture<'static, Whereabouts> {
        if self.memory.has(&client) {
            return Box::pin(std::future::ready(Whereabouts::Known));
        }
        let (sender, receiver) = oneshot::channel();
        // Full or closed: the sender is dropped, and the receiver says so.
        drop(self.questions.try_send((client, sender)));
        Box::pin(async move { receiver.await.unwrap_or(Whereabouts::Unclear) })
    }

    pub(super) fn remembers(&self, client: &ClientId) -> bool {
        self.memory.has(client)
    }
}

async fn rounds(peers: Arc<Peers>, mut waiting: mpsc::Receiver<Question>, memory: Arc<Memory>) {
    let mut round = Vec::with_capacity(MAX_ROUND);
    while waiting.recv_many(&mut round, MAX_ROUND).await > 0 {
        let clients: Arc<[ClientId]> = round.iter().map(|(client, _)| client.clone()).collect();
        let (answers, missing) = peers.ask(&Scope::Cluster, |peer| peer.locate(Arc::clone(&clients))).await;
        for (index, (client, sender)) in round.drain(..).enumerate() {
            let is_known = answers.iter().any(|known| known[index]);
            let whereabouts = match (is_known, missing.is_empty()) {
                (true, _) => Whereabouts::Known,
                (false, true) => Whereabouts::Nowhere,
                (false, false) => Whereabouts::Unclear,
            };
            if is_known {
                memory.keep(client);
            }
            // Whoever asked may be gone, and then nobody is left to be told.
            sender.send(whereabouts).ok();
        }
    }
}

#[derive(Default)]
struct Memory(Mutex<Found>);

#[derive(Default)]
struct Found {
    until: HashMap<ClientId, Instant>,
    order: VecDeque<(Instant, ClientId)>,
}

impl Memory {
    fn has(&self, client: &ClientId) -> bool {
        self.found().until.get(client).is_some_and(|until| *until > Instant::now())
    }

    fn keep(&self, client: ClientId) {
        let now = Instant::now();
        let mut found = self.found();
        while let Some((until, _)) = found.order.front()
            && (*until <= now || found.order.len() >= MAX_REMEMBERED)
        {
            if let Some((until, client)) = found.order.pop_front()
                && found.until.get(&client) == Some(&until)
            {
                found.until.remove(&client);
            }
        }
        found.until.insert(client.clone(), now + REMEMBERED);
        found.order.push_back((now + REMEMBERED, client));
    }

    /// A std mutex, held for a look-up.
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
