//! A client that writes down all it sees, over as many connections as it takes, and resumes as an SDK does.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt;
use gohub::protocol::client::ServerFrame;
use gohub::protocol::{Epoch, Format, GapReason, Mode, Offset};
use gohub_test_client::{Connect, Stream, text_of};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// The room every witness is in.
pub(crate) const ROOM: &str = "lobby";

/// What it was told it does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Offset,
    pub(crate) to: Offset,
    pub(crate) reason: GapReason,
}

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What it waited for is there.
    Reached,
    /// The connection is gone.
    Closed,
}

/// What one client has seen.
pub(crate) struct Witness {
    pub(crate) name: String,
    /// Publications in the order they came.
    pub(crate) seen: Vec<(Offset, String)>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) modes: Vec<Mode>,
    /// Of every welcome: epoch, `offset`, `recovered`.
    pub(crate) welcomes: Vec<(Epoch, Offset, bool)>,
    /// As an SDK counts it: the greatest of `welcome.offset`, publications and `gap.to`.
    position: Offset,
    socket: Option<WebSocketStream<Box<dyn Stream>>>,
}

impl Witness {
    /// Connects for the first time.
    pub(crate) async fn new(name: &str, address: SocketAddr) -> Self {
        let mut witness = Self {
            name: name.to_owned(),
            seen: Vec::new(),
            gaps: Vec::new(),
            modes: Vec::new(),
            welcomes: Vec::new(),
            position: Offset::ZERO,
            socket: None,
        };
        witness.connect(Connect::to_address(address)).await;
        witness
    }

    /// One on each of these addresses in turn, `count` in all.
    pub(crate) async fn several(prefix: &str, count: usize, addresses: &[SocketAddr]) -> Vec<Self> {
        let mut all = Vec::with_capacity(count);
        for index in 0..count {
            all.push(Self::new(&format!("{prefix}{index}"), addresses[index % addresses.len()]).await);
        }
        all
    }

    /// Connects anew and goes on where it stopped.
    pub(crate) async fn resume(&mut self, address: SocketAddr) {
        let epoch = self.epoch().to_string();
        self.connect(Connect::to_address(address).resume(&epoch, self.position)).await;
    }

    async fn connect(&mut self, connect: Connect) {
        let connect = connect.id(&self.name).rooms(&[ROOM]);
        let declined = |declined| panic!("{}: the hub declined: {declined:?}", self.name);
        self.socket = Some(connect.upgrade().await.unwrap_or_else(declined));
        let welcomes = self.welcomes.len() + 1;
        let ended = self.until("the welcome", |witness| witness.welcomes.len() == welcomes).await;
        assert_eq!(ended, Ended::Reached, "{}: closed before the welcome", self.name);
    }

    pub(crate) fn epoch(&self) -> &Epoch {
        &self.welcomes.last().expect("it was welcomed").0
    }

    pub(crate) fn position(&self) -> Offset {
        self.position
    }

    /// The texts alone.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.seen.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Hangs up without a word.
    pub(crate) fn cut(&mut self) {
        self.socket = None;
    }

    /// Reads until this text has come.
    pub(crate) async fn until_text(&mut self, text: &str) -> Ended {
        let what = format!("the message {text:?}");
        self.until(&what, |witness| witness.seen.iter().rev().any(|(_, seen)| seen == text)).await
    }

    /// Reads until the connection is gone.
    pub(crate) async fn until_closed(&mut self) {
        let ended = self.until("the end of the connection", |_| false).await;
        assert_eq!(ended, Ended::Closed);
    }

    /// Reads until the condition holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Ended {
        self.within(crate::deadline::PATIENCE, what, holds).await
    }

    /// The same with a limit of its own.
    pub(crate) async fn within(&mut self, limit: Duration, what: &str, holds: impl Fn(&Self) -> bool) -> Ended {
        let deadline = Instant::now() + limit;
        while !holds(self) {
            let Some(socket) = &mut self.socket else { return Ended::Closed };
            let next = timeout_at(deadline, socket.next()).await;
            let Ok(next) = next else {
                let Self { name, gaps, modes, welcomes, seen, .. } = self;
                let last = seen.last();
                panic!(
                    "{name}: not within {limit:?}: {what}; {} seen, last {last:?}, gaps {gaps:?}, modes {modes:?}, welcomes {welcomes:?}",
                    seen.len(),
                );
            };
            match next {
                Some(Ok(Message::Text(text))) => self.note(text.as_bytes()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Binary(_))) => panic!("{}: binary in the JSON form", self.name),
                Some(Ok(Message::Close(_)) | Err(_)) | None => self.socket = None,
            }
        }
        Ended::Reached
    }

    fn note(&mut self, bytes: &[u8]) {
        let frame = ServerFrame::decode(Format::Json, bytes).expect("the hub sends what a client reads");
        match frame {
            ServerFrame::Publication(publication, offset) => {
                self.seen.push((offset, text_of(&publication).trim_matches('"').to_owned()));
                self.position = self.position.max(offset);
            }
            ServerFrame::Gap { from, to, reason, room: None, .. } => {
                self.gaps.push(Gap { from, to, reason });
                self.position = self.position.max(to);
            }
            ServerFrame::Mode { mode, .. } => self.modes.push(mode),
            ServerFrame::Welcome(welcome) => {
                if self.welcomes.last().is_some_and(|(epoch, ..)| *epoch != welcome.epoch) {
                    self.position = Offset::ZERO;
                }
                self.position = self.position.max(welcome.offset);
                self.welcomes.push((welcome.epoch, welcome.offset, welcome.recovered));
            }
            _ => {}
        }
    }
}

/// Lets all of them read at the same time until each has seen `text`.
pub(crate) async fn all_until_text(witnesses: &mut [Witness], text: &str) {
    let reading = witnesses.iter_mut().map(|witness| witness.until_text(text));
    for ended in futures::future::join_all(reading).await {
        assert_eq!(ended, Ended::Reached, "a connection was closed before {text:?}");
    }
}

/// All of them saw the same publications at the same offsets, each once, in growing order.
pub(crate) fn assert_same<'a>(witnesses: impl IntoIterator<Item = &'a Witness>) {
    let mut first: Option<&Witness> = None;
    for witness in witnesses {
        let grows = witness.seen.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(grows, "{}: offsets do not grow: {:?}", witness.name, witness.seen);
        let first = first.get_or_insert(witness);
        if let Some(at) = first.seen.iter().zip(&witness.seen).position(|(a, b)| a != b) {
            let (a, b) = (&first.seen[at], &witness.seen[at]);
            panic!("{} and {} differ at {at}: {a:?} and {b:?}", first.name, witness.name);
        }
        assert_eq!(first.seen.len(), witness.seen.len(), "{} and {} differ in number", first.name, witness.name);
    }
}
