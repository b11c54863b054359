//! The client: sends requests, reads frames in order, and keeps what came while it waited for an answer.

use std::collections::VecDeque;

use futures::{SinkExt, StreamExt};
use gohub::Hub;
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{Format, Offset, Payload, Publication, Welcome};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::connect::{Connect, Stream};
use crate::payload::{json, text_of};
use crate::wait::within;

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A message of the hub.
    Frame(ServerFrame),
    /// A WebSocket ping; it is answered by reading on.
    Ping,
    /// A WebSocket pong and its payload.
    Pong(Vec<u8>),
    /// The hub's close frame, or the end of the stream without one.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close frame's code; `None`: the stream ended without one.
    pub code: Option<u16>,
    /// Its reason.
    pub reason: String,
}

/// A connected client.
pub struct Client {
    socket: WebSocketStream<Box<dyn Stream>>,
    format: Format,
    /// The first message, which says who we are and where the log stands.
    pub welcome: Welcome,
    kept: VecDeque<Received>,
    references: u64,
    last: Offset,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("client", &self.welcome.client_id)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to this hub as `client`, in JSON.
    pub async fn connect(hub: &Hub, client: &str) -> Self {
        Connect::to(hub).id(client).open().await
    }

    /// A client over a stream whose upgrade is done, or never was: for tests of a shard without a listener.
    pub async fn over(stream: impl Stream + 'static, format: Format) -> Self {
        let stream: Box<dyn Stream> = Box::new(stream);
        Self::greeted(WebSocketStream::from_raw_socket(stream, Role::Client, None).await, format).await
    }

    pub(crate) async fn greeted(socket: WebSocketStream<Box<dyn Stream>>, format: Format) -> Self {
        let mut socket = socket;
        let first = within("the welcome", next(&mut socket, format)).await;
        let Received::Frame(ServerFrame::Welcome(welcome)) = first else { panic!("no welcome but {first:?}") };
        let last = welcome.offset;
        Self { socket, format, welcome, kept: VecDeque::new(), references: 0, last }
    }

    /// The client's name.
    pub fn id(&self) -> String {
        self.welcome.client_id.as_str().to_owned()
    }

    /// The epoch of the last welcome.
    pub fn epoch(&self) -> String {
        self.welcome.epoch.as_str().to_owned()
    }

    /// The newest offset seen: what a resume names.
    pub fn last(&self) -> Offset {
        self.last
    }

    /// The socket itself, for what no well-behaved client does.
    pub fn socket(&mut self) -> &mut WebSocketStream<Box<dyn Stream>> {
        &mut self.socket
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, request: &ClientRequest) {
        self.try_send(request).await.expect("the connection is there");
    }

    /// Sends a request on a connection that may be gone.
    ///
    /// # Errors
    /// When it is.
    pub async fn try_send(&mut self, request: &ClientRequest) -> Result<(), Error> {
        let message = self.message(request);
        within("sending", self.socket.send(message)).await
    }

    fn message(&self, request: &ClientRequest) -> Message {
        let bytes = request.encode(self.format);
        match self.format {
            Format::Json => Message::text(String::from_utf8(bytes).expect("JSON is text")),
            Format::Cbor => Message::binary(bytes),
        }
    }

    /// Sends these in one write, so that the hub reads many of them together.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_together(&mut self, requests: impl IntoIterator<Item = ClientRequest>) {
        for request in requests {
            let message = self.message(&request);
            self.socket().feed(message).await.expect("the connection is there");
        }
        self.socket().flush().await.expect("the connection is there");
    }

    /// Sends anything.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, message: Message) {
        within("sending", self.socket.send(message)).await.expect("the connection is there");
    }

    /// The next thing that came.
    pub async fn receive(&mut self) -> Received {
        match self.kept.pop_front() {
            Some(kept) => kept,
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Received {
        let received = within("the next message", next(&mut self.socket, self.format)).await;
        match &received {
            Received::Frame(ServerFrame::Publication(_, offset)) => self.last = *offset,
            Received::Frame(
                ServerFrame::Pong { offset: Some(offset), .. } | ServerFrame::Ping { offset: Some(offset) },
            ) => {
                self.last = self.last.max(*offset);
            }
            Received::Frame(ServerFrame::Welcome(welcome)) => self.welcome = welcome.clone(),
            _ => {}
        }
        received
    }

    /// The next message of the hub.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.receive().await {
                Received::Frame(frame) => return frame,
                Received::Ping | Received::Pong(_) => {}
                Received::Closed(closed) => panic!("{self:?} was closed: {closed:?}"),
            }
        }
    }

    /// The next message, which must be a publication.
    ///
    /// # Panics
    /// When it is something else.
    pub async fn publication(&mut self) -> (Publication, Offset) {
        match self.frame().await {
            ServerFrame::Publication(publication, offset) => (publication, offset),
            other => panic!("{self:?} got no publication but {other:?}"),
        }
    }

    /// The data of the next message, which must be a publication.
    pub async fn text(&mut self) -> String {
        text_of(&self.publication().await.0)
    }

    /// The same of the next `count` messages.
    pub async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::with_capacity(count);
        while texts.len() < count {
            texts.push(self.text().await);
        }
        texts
    }

    /// Sends a request with a `ref` and returns what answers it; what comes before the answer is kept for later.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub async fn request(&mut self, request: ClientRequest) -> ServerFrame {
        self.references += 1;
        let reference = format!("r{}", self.references);
        self.send(&request.reference(reference.as_str())).await;
        loop {
            match self.read().await {
                Received::Frame(frame) if reference_of(&frame) == Some(&reference) => return frame,
                Received::Closed(closed) => panic!("{self:?} was closed: {closed:?}"),
                other => self.kept.push_back(other),
            }
        }
    }

    /// Sends a request that must succeed; the offset of its `ack`.
    ///
    /// # Panics
    /// When it does not.
    pub async fn ack(&mut self, request: ClientRequest) -> Option<Offset> {
        match self.request(request.clone()).await {
            ServerFrame::Ack { offset, .. } => offset,
            other => panic!("{request:?} was answered {other:?}"),
        }
    }

    /// Publishes, and returns where it stands.
    ///
    /// # Panics
    /// When the hub refuses.
    pub async fn publish(&mut self, request: ClientRequest) -> Offset {
        self.ack(request).await.expect("an ack of a publication has an offset")
    }

    /// Enters a room.
    pub async fn join(&mut self, room: &str) -> Offset {
        self.publish(ClientRequest::join(room)).await
    }

    /// Everything up to a message to itself that is sent now: what the log had for this client before it.
    pub async fn settle(&mut self) -> Vec<ServerFrame> {
        self.references += 1;
        let marker = format!("\"marker-{}\"", self.references);
        let to = self.id();
        self.send(&ClientRequest::unicast(to, json(marker.as_str()))).await;
        let mut before = Vec::new();
        loop {
            match self.frame().await {
                ServerFrame::Publication(Publication { data: Some(Payload::Json(text)), .. }, _)
                    if text == marker.as_bytes() =>
                {
                    return before;
                }
                frame => before.push(frame),
            }
        }
    }

    /// Reads to the end: the messages, and how it ended.
    pub async fn until_closed(&mut self) -> (Vec<ServerFrame>, Closed) {
        let mut frames = Vec::new();
        loop {
            match self.receive().await {
                Received::Frame(frame) => frames.push(frame),
                Received::Ping | Received::Pong(_) => {}
                Received::Closed(closed) => return (frames, closed),
            }
        }
    }

    /// The code it is closed with; messages before that are thrown away.
    ///
    /// # Panics
    /// When there is no close frame.
    pub async fn close_code(&mut self) -> u16 {
        let (_, closed) = self.until_closed().await;
        closed.code.unwrap_or_else(|| panic!("{self:?}: the stream ended without a close frame"))
    }

    /// Closes as a browser does, and waits for the hub's answer.
    pub async fn close(mut self) {
        // The hub may have closed first: then there is nothing to say.
        drop(self.socket.close(None).await);
        self.until_closed().await;
    }
}

fn reference_of(frame: &ServerFrame) -> Option<&String> {
    match frame {
        ServerFrame::Pong { reference, .. }
        | ServerFrame::Ack { reference, .. }
        | ServerFrame::Error { reference, .. }
        | ServerFrame::Presence { reference, .. }
        | ServerFrame::History { reference, .. } => reference.as_ref(),
        _ => None,
    }
}

async fn next(socket: &mut WebSocketStream<Box<dyn Stream>>, format: Format) -> Received {
    let read = |bytes: &[u8]| {
        ServerFrame::decode(format, bytes).unwrap_or_else(|error| {
            panic!("the hub sent what no client reads: {error}: {}", String::from_utf8_lossy(bytes))
        })
    };
    loop {
        let cut = Closed { code: None, reason: String::new() };
        return match socket.next().await {
            Some(Ok(Message::Text(text))) if format == Format::Json => Received::Frame(read(text.as_bytes())),
            Some(Ok(Message::Binary(bytes))) if format == Format::Cbor => Received::Frame(read(&bytes)),
            Some(Ok(Message::Ping(_))) => Received::Ping,
            Some(Ok(Message::Pong(payload))) => Received::Pong(payload.to_vec()),
            Some(Ok(Message::Close(frame))) => Received::Closed(frame.map_or(cut, |frame| Closed {
                code: Some(frame.code.into()),
                reason: frame.reason.as_str().to_owned(),
            })),
            Some(Ok(Message::Frame(_))) => continue,
            Some(Ok(other)) => panic!("a frame of the wrong kind: {other:?}"),
            Some(Err(Error::Protocol(error))) if !error.to_string().contains("closing handshake") => {
                panic!("the hub broke the WebSocket protocol: {error}")
            }
            Some(Err(_)) | None => Received::Closed(cut),
        };
    }
}
