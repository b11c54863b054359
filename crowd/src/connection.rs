//! One WebSocket connection in the JSON form, up to its welcome and on to its end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use gohub::protocol::client::{ClientRequest, ServerFrame};
use gohub::protocol::{Epoch, Format, Offset, Welcome};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::target::Target;

/// No handshake takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The host has no address, or nobody listens there.
    #[error("connecting: {0}")]
    Tcp(#[from] std::io::Error),
    /// The hub answered the upgrade with a status that asks to come again.
    #[error("the hub answers {status}")]
    Later {
        /// The status.
        status: StatusCode,
        /// Its `Retry-After`.
        after: Option<Duration>,
    },
    /// The hub answered with a status that means stop.
    #[error("the hub refuses: {status}: {body}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it says.
        body: String,
    },
    /// The upgrade or the welcome broke off.
    #[error("the handshake: {0}")]
    Handshake(String),
}

/// What came.
#[derive(Debug)]
pub enum Incoming {
    /// A message of the hub.
    Frame(ServerFrame),
    /// The end: the close code, if there was a close frame.
    Closed(Option<u16>),
}

/// Who connects.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The client's name.
    pub client: &'a str,
    /// The room it is in from the start.
    pub room: &'a str,
    /// Where it goes on, if it was there before.
    pub resume: Option<(&'a Epoch, Offset)>,
}

/// A connection that was welcomed.
pub struct Connection<S = TcpStream> {
    socket: WebSocketStream<S>,
    /// What the hub said first.
    pub welcome: Welcome,
    hearing: Duration,
    /// When something came last. Kept here, because who waits for the next message may stop waiting, and begin again.
    heard: Instant,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("welcome", &self.welcome).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects through the network.
    ///
    /// # Errors
    /// When there is no welcome.
    pub async fn open(target: &Target, who: Who<'_>) -> Result<Self, ConnectError> {
        let Target { host, port, path } = target;
        let opening = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Self::over(stream, &format!("{host}:{port}"), path, &who).await
        };
        timeout(PATIENCE, opening).await.map_err(|_| ConnectError::Handshake("nothing in time".to_owned()))?
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// The same over a stream that is there already.
    ///
    /// # Errors
    /// When there is no welcome.
    pub async fn over(stream: S, authority: &str, path: &str, who: &Who<'_>) -> Result<Self, ConnectError> {
        let broken = |error: SocketError| ConnectError::Handshake(error.to_string());
        let Who { client, room, resume } = who;
        let resume = resume.map(|(epoch, offset)| format!("&resume={epoch}:{offset}")).unwrap_or_default();
        let uri = format!("ws://{authority}{path}?client_id={client}&rooms={room}{resume}");
        let mut request = uri.into_client_request().map_err(broken)?;
        let subprotocol = HeaderValue::from_static(Format::Json.subprotocol());
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        let mut socket = match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => socket,
            Err(SocketError::Http(response)) => return Err(declined(&response)),
            Err(error) => return Err(broken(error)),
        };
        let mut heard = Instant::now();
        match next(&mut socket, &mut heard, PATIENCE).await {
            Incoming::Frame(ServerFrame::Welcome(welcome)) => {
                let hearing = match welcome.heartbeat_interval_ms {
                    0 => Duration::MAX,
                    interval => Duration::from_millis(interval + 2 * welcome.heartbeat_timeout_ms),
                };
                Ok(Self { socket, welcome, hearing, heard })
            }
            other => Err(ConnectError::Handshake(format!("{other:?} instead of a welcome"))),
        }
    }

    /// The next message; the end also when the hub has been silent for longer than its heartbeat allows.
    pub async fn next(&mut self) -> Incoming {
        // What an SDK finds out with a ping of its own is the same here: the hub pings, so silence means that nobody is there.
        next(&mut self.socket, &mut self.heard, self.hearing).await
    }

    /// Sends a request. That it did not leave is seen as the end of the connection by [`next`](Self::next).
    pub async fn send(&mut self, request: &ClientRequest) {
        let Ok(text) = String::from_utf8(request.encode(Format::Json)) else { return };
        drop(self.socket.send(Message::text(text)).await);
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        drop(timeout(Duration::from_secs(1), self.socket.close(None)).await);
    }
}

fn declined(response: &tokio_tungstenite::tungstenite::http::Response<Option<Vec<u8>>>) -> ConnectError {
    let status = response.status();
    // 404 is also what something else on the way says while the Service has no ready hub.
    let may_change = [StatusCode::TOO_MANY_REQUESTS, StatusCode::NOT_FOUND].contains(&status);
    if status.is_server_error() || may_change {
        let after = response.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        return ConnectError::Later { status, after };
    }
    let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
    ConnectError::Refused { status, body }
}

/// Whatever the hub sends counts as heard, its pings above all.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    heard: &mut Instant,
    hearing: Duration,
) -> Incoming {
    loop {
        let patience = hearing.saturating_sub(heard.elapsed());
        let Ok(received) = timeout(patience, socket.next()).await else { return Incoming::Closed(None) };
        *heard = Instant::now();
        match received {
            Some(Ok(Message::Text(text))) => match ServerFrame::decode(Format::Json, text.as_bytes()) {
                Ok(ping @ ServerFrame::Ping { .. }) => {
                    let pong = String::from_utf8(ClientRequest::pong().encode(Format::Json)).unwrap_or_default();
                    drop(socket.send(Message::text(pong)).await);
                    return Incoming::Frame(ping);
                }
                Ok(frame) => return Incoming::Frame(frame),
                Err(_) => return Incoming::Closed(None),
            },
            Some(Ok(Message::Close(frame))) => return Incoming::Closed(frame.map(|frame| frame.code.into())),
            // Pings are answered by reading on.
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Incoming::Closed(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    const PINGS: u32 = 10;
    const INTERVAL: Duration = Duration::from_secs(25);

    #[tokio::test(start_paused = true)]
    async fn a_hub_that_only_pings_is_there_and_one_that_does_not_is_gone() {
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut client = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let mut hub = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        let pinging = async {
            for _ in 0..PINGS {
                tokio::time::sleep(INTERVAL).await;
                hub.send(Message::Ping(Default::default())).await.expect("it listens");
            }
            std::future::pending::<()>().await;
        };
        let (began, hearing) = (Instant::now(), Duration::from_secs(45));
        let (mut heard, mut elsewhere) = (began, tokio::time::interval(Duration::from_secs(4)));
        let listening = async {
            loop {
                tokio::select! {
                    incoming = next(&mut client, &mut heard, hearing) => break incoming,
                    _ = elsewhere.tick() => {}
                }
            }
        };
        let incoming = tokio::select! {
            incoming = listening => incoming,
            () = pinging => unreachable!("it goes on for ever"),
        };
        assert!(matches!(incoming, Incoming::Closed(None)), "{incoming:?}");
        assert_eq!(
            began.elapsed(),
            INTERVAL * PINGS + hearing,
            "all the pings, and then silence, however often it did something else"
        );
    }
}
