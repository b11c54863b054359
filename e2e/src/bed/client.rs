//! A WebSocket client of one given hub pod, for tests that must know which hub they talk to.

use std::time::Duration;

use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{Offset, Payload, Publication};
use gohub_crowd::connection::{Connection, Incoming, Who};
use tokio::time::timeout;

use super::forward::Stream;
use super::namespace::Bed;

const PUBLIC: u16 = 8080;
/// No answer takes longer.
const ANSWER: Duration = Duration::from_secs(20);

/// A connected client.
#[derive(Debug)]
pub struct HubClient {
    connection: Connection<Box<dyn Stream>>,
    requests: u64,
}

impl Bed {
    /// Connects `client`, in `room`, to this hub.
    ///
    /// # Panics
    /// When there is no welcome.
    pub async fn client(&self, pod: &str, client: &str, room: &str) -> HubClient {
        let stream = self.forward(pod, PUBLIC).await.unwrap_or_else(|error| panic!("{pod}: {error}"));
        let who = Who { client, room, resume: None };
        let connection = Connection::over(stream, "localhost", "/ws", &who).await;
        let connection = connection.unwrap_or_else(|error| panic!("{client} at {pod}: {error}"));
        HubClient { connection, requests: 0 }
    }
}

impl HubClient {
    /// Publishes and returns where it stands; what comes before the ack is thrown away.
    ///
    /// # Panics
    /// When it is not acked.
    pub async fn publish(&mut self, request: ClientRequest) -> Offset {
        self.requests += 1;
        let reference = self.requests.to_string();
        self.connection.send(&request.reference(reference.as_str())).await;
        loop {
            match self.next().await {
                ServerFrame::Ack { reference: Some(of), offset: Some(offset), .. } if of == reference => return offset,
                ServerFrame::Error { code, message, .. } => panic!("not acked: {code:?}: {message}"),
                _ => {}
            }
        }
    }

    /// The next publication and its text.
    pub async fn publication(&mut self) -> (Offset, String) {
        loop {
            if let ServerFrame::Publication(Publication { data: Some(Payload::Json(text)), .. }, offset) =
                self.next().await
            {
                return (offset, String::from_utf8_lossy(&text).into_owned());
            }
        }
    }

    async fn next(&mut self) -> ServerFrame {
        match timeout(ANSWER, self.connection.next()).await {
            Ok(Incoming::Frame(frame)) => frame,
            Ok(Incoming::Closed(code)) => panic!("the hub closed the connection with {code:?}"),
            Err(_) => panic!("nothing within {ANSWER:?}"),
        }
    }
}
