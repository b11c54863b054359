//! The hub's shards as one: who is woken, told and asked.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::protocol::ClientId;
use crate::protocol::{CloseCode, Offset, RoomName};
use crate::shard::{
    Adopt, Answer, ClientRow, Command, HistoryPage, Kick, Living, Page, Placed, Placement, RoomRow, ShardHandle, Terms,
    Whom,
};

/// How long a shard is waited for. It answers between two passes; one that takes longer is broken, and the canary says so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Set once, when the shards exist: the log's inlet and the dispatcher are made before them.
#[derive(Debug, Default)]
pub struct Shards {
    handles: OnceLock<Vec<ShardHandle>>,
    next: AtomicUsize,
    failed: AtomicUsize,
}

impl Shards {
    pub(super) fn set(&self, handles: Vec<ShardHandle>) {
        if self.handles.set(handles).is_err() {
            tracing::error!("shards were set twice");
        }
    }

    fn all(&self) -> &[ShardHandle] {
        self.handles.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Shards whose loop has ended by a fault: their connections are dead, and only a restart helps.
    pub(super) fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        self.all().len()
    }

    /// There is something new in the log.
    pub(super) fn wake(&self) {
        for shard in self.all() {
            shard.wake();
        }
    }

    pub(super) fn tell(&self, command: impl Fn() -> Command) {
        for shard in self.all() {
            shard.send(command());
        }
    }

    pub(super) fn stop(&self) {
        self.tell(|| Command::Stop);
    }

    /// Connections go round: they all cost the same until they speak.
    pub(super) fn adopt(&self, adopt: Adopt) {
        let shards = self.all();
        if let Some(shard) = shards.get(self.next.fetch_add(1, Ordering::Relaxed) % shards.len().max(1)) {
            shard.send(Command::Adopt(Box::new(adopt)));
        }
    }

    async fn ask<T: Send + 'static>(&self, question: impl Fn(Answer<T>) -> Command) -> Vec<T> {
        let mut answers = Vec::with_capacity(self.len());
        for shard in self.all() {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            shard.send(question(Box::new(move |answer| drop(sender.send(answer)))));
            answers.push(receiver);
        }
        // A shard that has stopped has nothing to say, and one that hangs must not keep the others' answers.
        let answers = answers.into_iter().map(|answer| tokio::time::timeout(PATIENCE, answer));
        futures::future::join_all(answers).await.into_iter().filter_map(|answer| answer.ok()?.ok()).collect()
    }

    /// How far the shard has handed out the log; `None` when it gives no sign within `patience`.
    pub(super) async fn handed(&self, shard: usize, patience: Duration) -> Option<Offset> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.all().get(shard)?.send(Command::Pulse(Box::new(move |offset| {
            sender.send(offset).ok();
        })));
        tokio::time::timeout(patience, receiver).await.ok()?.ok()
    }

    /// Gives the shard the socket out of which what is said to `client` comes.
    pub(super) fn probe(&self, shard: usize, client: ClientId, socket: mio::net::TcpStream) {
        if let Some(shard) = self.all().get(shard) {
            shard.send(Command::Probe(client, socket));
        }
    }

    /// All connections of this hub, in order of client and connection.
    pub async fn clients(&self) -> Vec<ClientRow> {
        let mut rows: Vec<ClientRow> = self.ask(Command::Clients).await.into_iter().flatten().collect();
        rows.sort_by(|a, b| (a.client.as_str(), a.connection).cmp(&(b.client.as_str(), b.connection)));
        rows
    }

    /// All rooms of this hub with somebody in them, in order of their names.
    pub async fn rooms(&self) -> Vec<RoomRow> {
        let mut rows: Vec<RoomRow> = self.ask(Command::Rooms).await.into_iter().flatten().collect();
        rows.sort_by(|a, b| a.room.as_str().cmp(b.room.as_str()));
        rows.dedup_by(|next, row| {
            let is_same = next.room == row.room;
            if is_same {
                row.members += next.members;
            }
            is_same
        });
        rows
    }

    /// Everybody of this hub in a room, each client once, in order.
    pub async fn members(&self, room: &RoomName) -> Vec<ClientId> {
        let parts = self.ask(|answer| Command::Members(room.clone(), answer)).await;
        let mut members: Vec<ClientId> = parts.into_iter().flatten().collect();
        members.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        members.dedup();
        members
    }

    /// Puts connections of a client into a room, or takes them out.
    pub async fn place(&self, whom: &Whom, room: &RoomName, placement: Placement) -> Placed {
        let question = |answer| Command::Place(whom.clone(), room.clone(), placement, answer);
        self.ask(question).await.into_iter().fold(Placed::default(), Placed::and)
    }

    /// Changes what counts for connections of a client; how many it were.
    pub async fn impose(&self, whom: &Whom, terms: &Terms) -> usize {
        self.ask(|answer| Command::Impose(whom.clone(), terms.clone(), answer)).await.into_iter().sum()
    }

    /// The connections of a client that are here.
    pub async fn lives(&self, whom: &Whom) -> Vec<Living> {
        self.ask(|answer| Command::Lives(whom.clone(), answer)).await.into_iter().flatten().collect()
    }

    /// A page of what was said in a room. Every shard reads the same log: one is asked, the next one each time.
    pub async fn history(&self, room: &RoomName, page: Page) -> Option<HistoryPage> {
        let shards = self.all();
        let shard = shards.get(self.next.fetch_add(1, Ordering::Relaxed) % shards.len().max(1))?;
        let (sender, receiver) = tokio::sync::oneshot::channel();
        shard.send(Command::History(room.clone(), page, Box::new(move |answer| drop(sender.send(answer)))));
        tokio::time::timeout(PATIENCE, receiver).await.ok()?.ok()
    }

    /// Closes connections; how many it were.
    pub async fn kick(&self, who: &Kick, code: CloseCode, reason: &str) -> usize {
        let counts =
            self.ask(|answer| Command::Kick { who: who.clone(), code, reason: reason.to_owned(), answer }).await;
        counts.into_iter().sum()
    }

    /// The same without waiting for the count.
    pub(super) fn kick_now(&self, who: &Kick, code: CloseCode, reason: &str) {
        self.tell(|| Command::Kick { who: who.clone(), code, reason: reason.to_owned(), answer: Box::new(|_| {}) });
    }
}
