//! What the fuzzer feeds bytes to: each function takes what a stranger, a file or a neighbour can send, and holds what must be true of any of it.
//!
//! It is there in tests, which replay `fuzz/corpus`, and with `--cfg fuzzing`, which `make fuzz` builds by. A function panics when something is
//! found, and for no other reason.

use std::ops::ControlFlow;

use gohub_settings::Settings;

use crate::protocol::client::ServerFrame;
use crate::protocol::{
    ClientId, CloseCode, DataRef, Format, MAX_FIELD_BYTES, MAX_TOKEN_BYTES, MessageId, Offset, Publication, Refused,
    Request, RoomName, Target, decode, encode_publication,
};
use crate::ws::{Event, FrameLimits, Inbound, Library, Pool};

pub use crate::auth::fuzz::tokens;
pub use crate::bus::fuzz::batch;

/// All targets by name.
pub const TARGETS: [(&str, fn(&[u8])); 5] =
    [("frames", frames), ("protocol", protocol), ("settings", settings), ("batch", batch), ("tokens", tokens)];

/// What a connection had sent by its end.
type Outcome = (Vec<String>, Option<CloseCode>);

/// The stream of a connection. The first byte says how it is cut; no cut and no library makes a difference, and no message is over the limit.
pub fn frames(bytes: &[u8]) {
    let Some((step, stream)) = bytes.split_first() else { return };
    let limits = FrameLimits { max_message: 300, max_fragments: 8 };
    let step = usize::from(*step).max(1);
    for library in Library::ALL {
        let whole = received(&mut Pool::new(*library, limits), &mut [stream].into_iter(), limits);
        let cut = received(&mut Pool::new(*library, limits), &mut stream.chunks(step), limits);
        assert_eq!(whole, cut, "{library:?}, cut by {step}");
    }
}

fn received(pool: &mut Pool, pieces: &mut dyn Iterator<Item = &[u8]>, limits: FrameLimits) -> Outcome {
    let (mut inbound, mut events) = (Inbound::default(), Vec::new());
    for piece in pieces {
        let mut on = |event: Event<'_>| {
            if let Event::Text(data) | Event::Binary(data) = &event {
                assert!(data.len() as u64 <= limits.max_message, "a message of {} bytes", data.len());
            }
            if let Event::Text(text) = &event {
                assert!(std::str::from_utf8(text).is_ok(), "a text that is none");
            }
            events.push(format!("{event:?}"));
            if matches!(event, Event::Close(_)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match inbound.receive(pool, piece, &mut on) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return (events, None),
            Err(fault) => return (events, Some(fault.code)),
        }
    }
    (events, None)
}

/// A request in either form. What is let through reaches receivers of both forms as it was sent.
pub fn protocol(bytes: &[u8]) {
    for format in Format::ALL {
        match decode(format, bytes) {
            Ok(request) => republish(&request),
            Err(Refused { message, reference, .. }) => {
                assert!(reference.is_none_or(|reference| reference.len() <= MAX_FIELD_BYTES));
                assert!(!message.is_empty() && message.len() < 300, "{message}");
            }
        }
    }
}

fn republish(request: &Request<'_>) {
    for text in [&request.reference, &request.key, &request.message_type, &request.after].into_iter().flatten() {
        assert!(text.len() <= MAX_FIELD_BYTES);
    }
    assert!(request.token.as_ref().is_none_or(|token| token.expose().len() <= MAX_TOKEN_BYTES));
    assert!(request.key.as_ref().is_none_or(|key| !key.is_empty()));
    let room = request.room.as_deref().and_then(|name| RoomName::parse(name).ok()).map(Target::Room);
    let client = || request.to.as_deref().and_then(|name| ClientId::parse(name).ok()).map(Target::Client);
    let publication = Publication {
        target: room.or_else(client).unwrap_or(Target::Broadcast),
        id: if MessageId::is_publication(request.id) { request.id } else { 1000 },
        message_type: request.message_type.as_deref().map(Into::into),
        // Spaces around a value are none of it: the binary form may have some, the JSON form has no place for them.
        data: request.data.as_ref().map(|data| match data {
            DataRef::Json(text) => DataRef::Json(text.trim_ascii()).to_payload(),
            DataRef::Binary(_) => data.to_payload(),
        }),
        from: ClientId::parse("alice").ok(),
        ts: 1_748_000_000_000,
        key: request.key.as_deref().map(Into::into),
    };
    let offset = request.from_offset.unwrap_or(Offset::ZERO);
    for format in Format::ALL {
        let mut sent = Vec::new();
        encode_publication(format, &publication, offset, &mut sent);
        let read = ServerFrame::decode(format, &sent);
        assert_eq!(read, Ok(ServerFrame::Publication(publication.clone(), offset)), "{format:?}");
    }
}

/// A settings file. What is accepted means the same when it is written out and read again.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let nobody = || std::iter::empty();
    if let Ok(settings) = Settings::from_yaml(text, nobody()) {
        let written = settings.to_yaml_with_secrets();
        let again = Settings::from_yaml(&written, nobody());
        let again = again.unwrap_or_else(|error| panic!("{error}: {written}"));
        assert!(settings == again, "{written}");
        assert_eq!(settings.hash(), again.hash());
    }
}

#[cfg(test)]
mod tests;
