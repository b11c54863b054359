//! The query of the upgrade request: who the client says it is, and where it wants to go on.

use std::{borrow::Cow, fmt};

use thiserror::Error;

use super::{ClientId, NameError, ResumeToken, ResumeTokenError, RoomName};

/// The most rooms in `rooms`; `limits.max_rooms_per_connection` may be lower.
pub const MAX_QUERY_ROOMS: usize = 1024;

/// What a client says in its URL. Unknown parameters are skipped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Handshake {
    /// `client_id`.
    pub client_id: Option<ClientId>,
    /// `token`: a secret, which `Debug` does not show.
    pub token: Option<String>,
    /// `resume`: `<epoch>:<offset>`.
    pub resume: Option<ResumeToken>,
    /// `ticket`: a resume ticket, a secret too.
    pub ticket: Option<String>,
    /// `rooms`: to be in from the start, separated by commas; a comma inside a name is `%2C`.
    pub rooms: Vec<RoomName>,
}

/// Why the query is refused: answered with 400 before the upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// A `%` without two hex digits, or bytes that are not UTF-8.
    #[error("{0} is not percent-encoded UTF-8")]
    Encoding(&'static str),
    /// The parameter is there twice.
    #[error("{0} is there twice")]
    Duplicate(&'static str),
    /// The client's name.
    #[error("client_id {0}")]
    ClientId(NameError),
    /// A room's name.
    #[error("rooms: a name {0}")]
    Room(NameError),
    /// More than [`MAX_QUERY_ROOMS`].
    #[error("rooms names more than {MAX_QUERY_ROOMS}")]
    TooManyRooms,
    /// Not a resume token.
    #[error("resume {0}")]
    Resume(ResumeTokenError),
}

impl Handshake {
    /// Reads the query string, without its `?`. An empty value counts as absent.
    ///
    /// # Errors
    /// The first parameter that is wrong.
    pub fn parse(query: &str) -> Result<Self, HandshakeError> {
        const NAMES: [&str; 5] = ["client_id", "token", "resume", "rooms", "ticket"];
        let mut handshake = Self::default();
        let mut seen = [false; NAMES.len()];
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let Some(index) = NAMES.iter().position(|known| *known == name) else {
                continue;
            };
            let name = NAMES[index];
            if std::mem::replace(&mut seen[index], true) {
                return Err(HandshakeError::Duplicate(name));
            }
            if value.is_empty() {
                continue;
            }
            let text = |raw| percent_decode(raw).ok_or(HandshakeError::Encoding(name));
            match name {
                "client_id" => {
                    handshake.client_id = Some(ClientId::parse(&text(value)?).map_err(HandshakeError::ClientId)?)
                }
                "token" => handshake.token = Some(text(value)?.into_owned()),
                "ticket" => handshake.ticket = Some(text(value)?.into_owned()),
                "resume" => handshake.resume = Some(text(value)?.parse().map_err(HandshakeError::Resume)?),
                _ => {
                    for raw in value.split(',') {
                        let room = RoomName::parse(&text(raw)?).map_err(HandshakeError::Room)?;
                        if handshake.rooms.len() == MAX_QUERY_ROOMS {
                            return Err(HandshakeError::TooManyRooms);
                        }
                        if !handshake.rooms.contains(&room) {
                            handshake.rooms.push(room);
                        }
                    }
                }
            }
        }
        Ok(handshake)
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, token, resume, ticket, rooms } = self;
        let mut shown = formatter.debug_struct("Handshake");
        shown.field("client_id", client_id).field("token", &token.as_ref().map(|_| "***"));
        shown.field("ticket", &ticket.as_ref().map(|_| "***"));
        shown.field("resume", resume).field("rooms", rooms).finish()
    }
}

/// `%41` and `+` as forms write them; `None` when it is broken or not UTF-8.
fn percent_decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
        decoded.push(match byte {
            b'%' => (hex(bytes.next())? << 4 | hex(bytes.next())?) as u8,
            b'+' => b' ',
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_query_is_read() {
        let handshake =
            Handshake::parse("client_id=al+ice&x=1&token=a%2Bb&resume=e1:17-3&rooms=a,b%2Cc,a,%C3%A4").unwrap();
        let room = |name| RoomName::parse(name).unwrap();
        assert_eq!(handshake.client_id, Some(ClientId::parse("al ice").unwrap()));
        assert_eq!(handshake.token.as_deref(), Some("a+b"));
        assert_eq!(handshake.resume.map(|token| token.to_string()).as_deref(), Some("e1:17-3"));
        assert_eq!(handshake.rooms, [room("a"), room("b,c"), room("ä")]);
    }

    #[test]
    fn the_token_is_not_shown() {
        let shown = format!("{:?}", Handshake::parse("client_id=alice&token=s3cret&ticket=s3cret").unwrap());
        assert!(shown.contains("alice") && shown.contains("***") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn nothing_is_required() {
        for query in ["", "client_id=&rooms=&token=", "x", "&&="] {
            assert_eq!(Handshake::parse(query), Ok(Handshake::default()), "{query}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let many =
            format!("rooms={}", (0..=MAX_QUERY_ROOMS).map(|room| room.to_string()).collect::<Vec<_>>().join(","));
        for (query, error) in [
            ("token=%f", "token is not percent-encoded UTF-8"),
            ("token=%ff", "token is not percent-encoded UTF-8"),
            ("token=%zz", "token is not percent-encoded UTF-8"),
            ("client_id=a&client_id=b", "client_id is there twice"),
            ("client_id=a%2Fb", "client_id must not contain '/'"),
            ("rooms=a,,b", "rooms: a name is empty"),
            ("resume=17-0", "resume is not \"<epoch>:<offset>\""),
            (many.as_str(), "rooms names more than 1024"),
        ] {
            assert_eq!(Handshake::parse(query).unwrap_err().to_string(), error, "{query:.40}");
        }
    }
}
