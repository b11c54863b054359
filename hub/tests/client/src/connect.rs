//! Connecting: who the client says it is, where it goes on, over which stream.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use gohub::Hub;
use gohub::protocol::{Format, Offset};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, pki_types::ServerName};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use crate::client::Client;
use crate::wait::within;

/// What a client talks through.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The hub did not say 101.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: String,
}

/// A connection to be.
#[derive(Debug, Clone)]
pub struct Connect {
    address: SocketAddr,
    path: String,
    format: Format,
    query: Vec<String>,
    headers: Vec<(&'static str, String)>,
    receive_buffer: Option<u32>,
    from: Option<IpAddr>,
    tls: Option<Arc<ClientConfig>>,
}

impl Connect {
    /// To this hub, anonymously, in JSON.
    pub fn to(hub: &Hub) -> Self {
        Self::to_address(hub.address())
    }

    /// The same by address.
    pub fn to_address(address: SocketAddr) -> Self {
        let format = Format::Json;
        Self {
            address,
            path: "/ws".to_owned(),
            format,
            query: vec![],
            headers: vec![],
            receive_buffer: None,
            from: None,
            tls: None,
        }
    }

    /// As this client. The name is taken as it is: percent-encoding is the caller's.
    #[must_use]
    pub fn id(self, client: &str) -> Self {
        self.query("client_id", client)
    }

    /// One more parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(format!("{name}={value}"));
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// On this path instead of `/ws`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// In the binary form.
    #[must_use]
    pub fn cbor(mut self) -> Self {
        self.format = Format::Cbor;
        self
    }

    /// In this form.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Goes on after `offset` of `epoch`.
    #[must_use]
    pub fn resume(self, epoch: &str, offset: Offset) -> Self {
        self.query("resume", &format!("{epoch}:{offset}"))
    }

    /// In these rooms from the start.
    #[must_use]
    pub fn rooms(self, rooms: &[&str]) -> Self {
        self.query("rooms", &rooms.join(","))
    }

    /// With so small a receive buffer in the kernel, in bytes: a client that does not read is noticed soon.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// From this address of the machine.
    #[must_use]
    pub fn from(mut self, ip: IpAddr) -> Self {
        self.from = Some(ip);
        self
    }

    /// Through TLS, to `localhost`.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Only the stream: TCP, and TLS when asked for, before any HTTP.
    ///
    /// # Panics
    /// When there is nobody.
    pub async fn stream(&self) -> Box<dyn Stream> {
        let socket = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes).expect("a receive buffer");
        }
        if let Some(ip) = self.from {
            socket.bind((ip, 0).into()).expect("an address of this machine");
        }
        let stream = within("connecting", socket.connect(self.address)).await.expect("the hub listens");
        stream.set_nodelay(true).expect("a socket option");
        let Some(config) = &self.tls else { return Box::new(stream) };
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        Box::new(within("the TLS handshake", stream).await.expect("a TLS session"))
    }

    /// Connects and takes the `welcome`.
    ///
    /// # Panics
    /// When the hub says anything else.
    pub async fn open(self) -> Client {
        match self.try_open().await {
            Ok(client) => client,
            Err(declined) => panic!("the hub declined: {declined:?}"),
        }
    }

    /// The same, for clients that may not be let in.
    ///
    /// # Errors
    /// The hub's answer when it is not 101.
    ///
    /// # Panics
    /// When the hub answers nothing that is HTTP.
    pub async fn try_open(self) -> Result<Client, Declined> {
        let format = self.format;
        let socket = self.upgrade().await?;
        Ok(Client::greeted(socket, format).await)
    }

    /// Through the upgrade and no further: no `welcome` is awaited.
    ///
    /// # Errors
    /// The hub's answer when it is not 101.
    ///
    /// # Panics
    /// When the hub answers nothing that is HTTP.
    pub async fn upgrade(self) -> Result<tokio_tungstenite::WebSocketStream<Box<dyn Stream>>, Declined> {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query.join("&")) };
        let uri = format!("ws://localhost:{}{}{query}", self.address.port(), self.path);
        let mut request = uri.into_client_request().expect("a valid URI");
        let subprotocol = HeaderValue::from_static(self.format.subprotocol());
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let stream = self.stream().await;
        match within("the upgrade", tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => {
                let retry_after = response.headers().get("retry-after");
                Err(Declined {
                    status: response.status().as_u16(),
                    retry_after: retry_after.and_then(|value| value.to_str().ok()?.parse().ok()),
                    body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned(),
                })
            }
            Err(error) => panic!("the upgrade failed: {error}"),
        }
    }
}
