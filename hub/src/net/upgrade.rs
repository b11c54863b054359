//! The upgrade request, parsed strictly and at once (RFC 6455 section 4.2.1, RFC 9112). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::{EMPTY_HEADER, Header, Request, Status};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::response::Rejection;

/// More headers than any browser and proxy chain sends.
pub const MAX_HEADERS: usize = 100;

/// A valid WebSocket request; who may come in is decided elsewhere. `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The path, still percent-encoded.
    pub path: String,
    /// What stands behind the `?`.
    pub query: String,
    /// The answer to `Sec-WebSocket-Key`.
    pub accept: String,
    /// The values of `Sec-WebSocket-Protocol`.
    pub protocols: Vec<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// The token of `Authorization: Bearer`.
    pub bearer: Option<String>,
    /// The values of the header in which a trusted proxy names the client; empty for anybody else.
    pub forwarded: Vec<String>,
}

impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, query: _, accept: _, protocols, origin, bearer, forwarded } = self;
        let mut shown = f.debug_struct("Upgrade");
        shown.field("path", path).field("protocols", protocols).field("origin", origin).field("forwarded", forwarded);
        shown.field("bearer", &bearer.as_ref().map(|_| "***")).finish_non_exhaustive()
    }
}

impl Upgrade {
    /// Reads a complete head, its last empty line included.
    ///
    /// # Errors
    /// The answer the peer gets instead of 101. `is_path` says which paths exist, `forwarded` which header names the client, if any may.
    pub fn parse(head: &[u8], is_path: impl Fn(&str) -> bool, forwarded: Option<&str>) -> Result<Self, Rejection> {
        if has_bare_line_feed(head) {
            return Err(Rejection::bad_request("a line ends without CR LF"));
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(head) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Rejection::bad_request("the request head is incomplete")),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Rejection::new(431, format!("more than {MAX_HEADERS} headers")));
            }
            Err(httparse::Error::Version) => return Err(Rejection::new(505, "HTTP/1.1 is spoken here")),
            Err(error) => return Err(Rejection::bad_request(format!("malformed request: {error}"))),
        }
        if request.version != Some(1) {
            return Err(Rejection::bad_request("HTTP/1.1 is required"));
        }
        let fields = Fields(request.headers);
        let (path, query) = target(request.path.unwrap_or_default())?;
        fields.check_framing()?;
        if !is_path(path) {
            return Err(Rejection::new(404, "no such path"));
        }
        if request.method != Some("GET") {
            return Err(Rejection {
                header: Some("Allow: GET".to_owned()),
                ..Rejection::new(405, "a WebSocket request is a GET")
            });
        }
        if !fields.has_token("Upgrade", "websocket")? || !fields.has_token("Connection", "upgrade")? {
            return Err(Rejection::upgrade_required("this is a WebSocket endpoint"));
        }
        if fields.one("Sec-WebSocket-Version")? != Some("13") {
            return Err(Rejection::upgrade_required("Sec-WebSocket-Version must be 13"));
        }
        let key = fields.one("Sec-WebSocket-Key")?.unwrap_or_default();
        if !STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
            return Err(Rejection::bad_request("Sec-WebSocket-Key must be 16 bytes in base64"));
        }
        Ok(Self {
            path: path.to_owned(),
            query: query.to_owned(),
            accept: derive_accept_key(key.as_bytes()),
            protocols: fields
                .all("Sec-WebSocket-Protocol")
                .map(|value| value.map(str::to_owned))
                .collect::<Result<_, _>>()?,
            origin: fields.one("Origin")?.map(str::to_owned),
            bearer: bearer(fields.one("Authorization")?)?,
            forwarded: match forwarded {
                Some(name) => fields.all(name).map(|value| value.map(str::to_owned)).collect::<Result<_, _>>()?,
                None => Vec::new(),
            },
        })
    }
}

/// Whether a line ends as no HTTP line may. The first byte is not judged: what stood before it is not known.
pub(super) fn has_bare_line_feed(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
}

/// Path and query of the request target: origin-form, or absolute-form as proxies send it.
fn target(target: &str) -> Result<(&str, &str), Rejection> {
    let no_path = || Rejection::bad_request("the request target must be a path");
    let origin_form = if target.starts_with('/') {
        target
    } else {
        let (scheme, rest) = target.split_once("://").ok_or_else(no_path)?;
        let is_ours = ["http", "https", "ws", "wss"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours));
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if !is_ours || !is_authority(authority) || path.starts_with('?') {
            return Err(no_path());
        }
        if path.is_empty() { "/" } else { path }
    };
    Ok(origin_form.split_once('?').unwrap_or((origin_form, "")))
}

/// `host` or `host:port` and nothing that another parser could take for more.
fn is_authority(text: &str) -> bool {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'%' | b':' | b'[' | b']')
    };
    !text.is_empty() && text.bytes().all(is_part)
}

fn bearer(value: Option<&str>) -> Result<Option<String>, Rejection> {
    let Some(value) = value else { return Ok(None) };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(Rejection::unauthorized("Authorization must be: Bearer <token>")),
    }
}

/// The headers, asked by name without regard to case.
struct Fields<'a>(&'a [Header<'a>]);

impl<'a> Fields<'a> {
    /// All values of a header; only visible ASCII, space and tab are values we read.
    fn all(&self, name: &str) -> impl Iterator<Item = Result<&'a str, Rejection>> {
        let named = self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(move |header| {
            let text = std::str::from_utf8(header.value)
                .ok()
                .filter(|value| value.bytes().all(|byte| byte == b'\t' || (b' '..0x7F).contains(&byte)));
            text.ok_or_else(|| Rejection::bad_request(format!("{name} has bytes outside of ASCII")))
        })
    }

    fn one(&self, name: &'static str) -> Result<Option<&'a str>, Rejection> {
        let mut values = self.all(name);
        let first = values.next().transpose()?;
        match values.next() {
            None => Ok(first.map(str::trim)),
            Some(_) => Err(Rejection::bad_request(format!("{name} is there twice"))),
        }
    }

    fn has_token(&self, name: &'static str, token: &str) -> Result<bool, Rejection> {
        for value in self.all(name) {
            if value?.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One host, and no body: nothing that two parsers could read differently (request smuggling).
    fn check_framing(&self) -> Result<(), Rejection> {
        match self.one("Host")? {
            None => return Err(Rejection::bad_request("Host is missing")),
            Some(host) if !is_authority(host) => return Err(Rejection::bad_request("Host is no host and port")),
            Some(_) => {}
        }
        if self.all("Transfer-Encoding").next().is_some() {
            return Err(Rejection::bad_request("Transfer-Encoding: a WebSocket request has no body"));
        }
        match self.one("Content-Length")? {
            None | Some("0") => Ok(()),
            Some(_) => Err(Rejection::bad_request("Content-Length: a WebSocket request has no body")),
        }
    }
}

#[cfg(test)]
mod tests;
