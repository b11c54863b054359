//! The upgrade request, parsed strictly and at once (RFC 6455 section 4.2.1, RFC 9112). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::{EMPTY_HEADER, Header, Request, Status};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::response::Rejection;

/// More headers than any browser and proxy chain sends.
pub const MAX_HEADERS: usize = 100;

/// A valid WebSocket request; who may come in is decided elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Upgrade {
    /// Reads a complete head, its last empty line included.
    ///
    /// # Errors
    /// The answer the peer gets instead of 101. `is_path` says which paths exist.
    pub fn parse(head: &[u8], is_path: impl Fn(&str) -> bool) -> Result<Self, Rejection> {
        let bare_line_feed =
            head.iter().zip(std::iter::once(&0).chain(head)).any(|(byte, before)| *byte == b'\n' && *before != b'\r');
        if bare_line_feed {
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
        })
    }
}

/// Path and query of the request target: origin-form, or absolute-form as proxies send it.
fn target(target: &str) -> Result<(&str, &str), Rejection> {
    let origin_form = match target.strip_prefix("http://").or_else(|| target.strip_prefix("ws://")) {
        Some(rest) => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
        None => target,
    };
    if !origin_form.starts_with('/') {
        return Err(Rejection::bad_request("the request target must be a path"));
    }
    Ok(origin_form.split_once('?').unwrap_or((origin_form, "")))
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
    fn all(&self, name: &'static str) -> impl Iterator<Item = Result<&'a str, Rejection>> {
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
        if self.one("Host")?.is_none() {
            return Err(Rejection::bad_request("Host is missing"));
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
