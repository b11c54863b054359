//! A client that publishes numbered texts and gives none up: what fails is tried again with the same key, on another hub if need be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{ErrorCode, Format, Offset};
use gohub_test_client::{Connect, Stream, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::witness::ROOM;

/// No answer may take longer: the request timeout of the hubs here, and time for a busy machine.
pub(crate) const ANSWER: Duration = Duration::from_secs(12);
/// Between two publications of one publisher.
const PACE: Duration = Duration::from_millis(1);

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Acked(Offset),
    Refused {
        code: ErrorCode,
        retryable: bool,
    },
    /// The connection is gone.
    Gone,
}

/// What a publisher has to show.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Text and where its ack says it stands.
    pub(crate) acked: Vec<(String, Offset)>,
    /// Attempts that failed, by what they were told.
    pub(crate) refused: Vec<ErrorCode>,
    /// The longest any answer took.
    pub(crate) slowest: Duration,
    /// Connections that broke under it.
    pub(crate) lost: usize,
}

/// A connected publisher.
pub(crate) struct Publisher {
    name: String,
    socket: WebSocketStream<Box<dyn Stream>>,
    references: usize,
    slowest: Duration,
}

impl Publisher {
    pub(crate) async fn new(name: &str, address: SocketAddr) -> Self {
        let connected = Connect::to_address(address).id(name).upgrade().await;
        let socket = connected.unwrap_or_else(|declined| panic!("{name}: the hub declined: {declined:?}"));
        Self { name: name.to_owned(), socket, references: 0, slowest: Duration::ZERO }
    }

    /// Sends one request and waits for what answers it.
    pub(crate) async fn request(&mut self, request: ClientRequest) -> Answer {
        self.references += 1;
        let reference = format!("r{}", self.references);
        let text = String::from_utf8(request.reference(reference.as_str()).encode(Format::Json)).unwrap();
        let started = Instant::now();
        let answered = timeout(ANSWER, async {
            if self.socket.send(Message::text(text)).await.is_err() {
                return Answer::Gone;
            }
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => match read(&text) {
                        ServerFrame::Ack { reference: Some(r), offset, .. } if r == reference => {
                            return Answer::Acked(offset.expect("a publication has an offset"));
                        }
                        ServerFrame::Error { reference: Some(r), code, retryable, .. } if r == reference => {
                            return Answer::Refused { code, retryable };
                        }
                        _ => {}
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Answer::Gone,
                    Some(Ok(_)) => {}
                }
            }
        });
        let answer = answered.await.unwrap_or_else(|_| panic!("{}: no answer within {ANSWER:?}", self.name));
        self.slowest = self.slowest.max(started.elapsed());
        answer
    }

    /// Sends that many texts `<name>-<number>` to everybody without waiting, and then reads the answers: by number, what became of each.
    pub(crate) async fn burst(self, count: usize) -> Vec<Answer> {
        let (mut sender, mut receiver) = self.socket.split();
        let name = self.name.as_str();
        let sending = async {
            for number in 0..count {
                let request = ClientRequest::broadcast(json(format!("\"{name}-{number}\"")));
                let text = request.reference(number.to_string()).encode(Format::Json);
                sender.send(Message::text(String::from_utf8(text).unwrap())).await.expect("the connection is there");
            }
        };
        let reading = async {
            let mut answers = vec![Answer::Gone; count];
            let mut left = count;
            while left > 0 {
                let next = timeout(crate::deadline::PATIENCE, receiver.next()).await;
                let Some(Ok(message)) = next.unwrap_or_else(|_| panic!("{name}: {left} of {count} answers missing"))
                else {
                    break;
                };
                let Message::Text(text) = message else { continue };
                let (reference, answer) = match read(&text) {
                    ServerFrame::Ack { reference, offset: Some(offset), .. } => (reference, Answer::Acked(offset)),
                    ServerFrame::Error { reference, code, retryable, .. } => {
                        (reference, Answer::Refused { code, retryable })
                    }
                    _ => continue,
                };
                let number: usize = reference.expect("every request had a ref").parse().unwrap();
                answers[number] = answer;
                left -= 1;
            }
            answers
        };
        futures::join!(sending, reading).1
    }

    /// Publishes `text` to everybody and takes no for an answer.
    pub(crate) async fn broadcast(&mut self, text: &str) -> Answer {
        self.request(ClientRequest::broadcast(json(format!("{text:?}")))).await
    }
}

fn read(text: &str) -> ServerFrame {
    ServerFrame::decode(Format::Json, text.as_bytes()).expect("the hub sends what a client reads")
}

/// What publishers and the test know of one another.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    acked: AtomicUsize,
    stop: AtomicBool,
}

impl Progress {
    /// Waits until that many more are acked.
    pub(crate) async fn more(&self, count: usize) {
        let wanted = self.acked.load(Ordering::Relaxed) + count;
        let acked = || std::future::ready(self.acked.load(Ordering::Relaxed));
        crate::deadline::eventually("publications are acked", acked, |acked| *acked >= wanted).await;
    }

    /// Every publisher ends with what it is publishing now.
    pub(crate) async fn stop(&self, publishers: Vec<JoinHandle<Report>>) -> Vec<Report> {
        self.stop.store(true, Ordering::Relaxed);
        futures::future::join_all(publishers)
            .await
            .into_iter()
            .map(|report| report.expect("a publisher ends"))
            .collect()
    }
}

/// Publishes texts `<name>-<number>` one after the other, every other one to the room, each until it is acked. Starts on the first
/// address and goes on to the next when a connection breaks.
pub(crate) fn publish(name: &str, addresses: Vec<SocketAddr>, progress: &Arc<Progress>) -> JoinHandle<Report> {
    let (name, progress) = (name.to_owned(), Arc::clone(progress));
    tokio::spawn(async move {
        let mut report = Report::default();
        let mut hub = 0;
        let mut publisher = Publisher::new(&name, addresses[hub]).await;
        for number in 0.. {
            if progress.stop.load(Ordering::Relaxed) {
                break;
            }
            let text = format!("{name}-{number}");
            let data = json(format!("{text:?}"));
            let request =
                if number % 2 == 0 { ClientRequest::broadcast(data) } else { ClientRequest::room_message(ROOM, data) };
            let request = request.key(text.as_str());
            loop {
                match publisher.request(request.clone()).await {
                    Answer::Acked(offset) => {
                        report.acked.push((text, offset));
                        progress.acked.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    Answer::Refused { code, retryable } => {
                        assert!(retryable, "{text}: {code:?} is not to be tried again");
                        report.refused.push(code);
                        sleep(Duration::from_millis(50)).await;
                    }
                    Answer::Gone => {
                        report.lost += 1;
                        report.slowest = report.slowest.max(publisher.slowest);
                        hub = (hub + 1) % addresses.len();
                        publisher = Publisher::new(&name, addresses[hub]).await;
                    }
                }
            }
            sleep(PACE).await;
        }
        report.slowest = report.slowest.max(publisher.slowest);
        report
    })
}

/// Everything that was acked was seen, once, where the ack says; each publisher's texts in its order; and nothing else.
pub(crate) fn assert_all_seen(seen: &[(Offset, String)], reports: &[Report]) {
    let mut left: std::collections::HashMap<&str, Offset> =
        reports.iter().flat_map(|report| &report.acked).map(|(text, offset)| (text.as_str(), *offset)).collect();
    let mut last: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for (offset, text) in seen {
        let Some((name, number)) = text.rsplit_once('-') else { continue };
        let acked = left.remove(text.as_str());
        assert_eq!(acked, Some(*offset), "{text}: acked and seen at different places, or seen twice");
        let number: usize = number.parse().unwrap();
        if let Some(before) = last.insert(name, number) {
            assert!(before < number, "{name}: {number} came after {before}");
        }
    }
    assert!(left.is_empty(), "acked and never seen: {left:?}");
}
