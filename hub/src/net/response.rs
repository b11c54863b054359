//! The HTTP answers of the public listener: one 101, and refusals that say why.

use std::time::Duration;

/// A refusal before the upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// For people; repeats nothing of what the peer sent.
    pub reason: String,
    /// A header that goes with the status, as `Name: value`.
    pub header: Option<String>,
}

impl Rejection {
    /// A refusal with this status.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), header: None }
    }

    /// 400: the request is malformed.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }

    /// 426: this is no WebSocket request of the version we speak (RFC 6455 section 4.4).
    pub fn upgrade_required(reason: impl Into<String>) -> Self {
        let header = "Upgrade: websocket\r\nSec-WebSocket-Version: 13".to_owned();
        Self { header: Some(header), ..Self::new(426, reason) }
    }

    /// 401: a token is missing or wrong.
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self { header: Some("WWW-Authenticate: Bearer".to_owned()), ..Self::new(401, reason) }
    }

    /// 503: no room now.
    pub fn unavailable(reason: impl Into<String>, retry_after: Duration) -> Self {
        // Rounded up: who comes a moment too early has to come twice.
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        Self { header: Some(format!("Retry-After: {seconds}")), ..Self::new(503, reason) }
    }

    /// 429: this peer asks for too much.
    pub fn too_many(reason: impl Into<String>, retry_after: Duration) -> Self {
        Self { status: 429, ..Self::unavailable(reason, retry_after) }
    }

    /// The whole answer; the connection ends with it.
    pub fn encode(&self) -> Vec<u8> {
        let phrase = match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            414 => "URI Too Long",
            426 => "Upgrade Required",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "Error",
        };
        let header = self.header.as_ref().map(|header| format!("{header}\r\n")).unwrap_or_default();
        let (status, reason) = (self.status, &self.reason);
        let length = reason.len() + 1;
        format!(
            "HTTP/1.1 {status} {phrase}\r\n{header}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{reason}\n"
        )
        .into_bytes()
    }
}

/// The answer that makes the connection a WebSocket.
pub(super) fn switching(accept: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let subprotocol = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{subprotocol}\r\n").into_bytes()
}
