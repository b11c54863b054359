//! The golden vectors of the protocol, which every SDK runs too. They were not written by this
//! code and are never rewritten by it: a change here breaks clients that are already deployed.

use std::{fs, path::Path};

use gohub::protocol::{
    Format, Handshake, HubMessage, Payload, Request, ResumeToken,
    client::{ClientRequest, ServerFrame},
    decode, encode_publication,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

fn vectors<V: DeserializeOwned>(name: &str) -> Vec<V> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/protocol/vectors").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let file: File<V> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!file.vectors.is_empty());
    file.vectors
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    assert_eq!(digits.len() % 2, 0);
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A message in both forms, and what it says.
#[derive(Deserialize)]
struct Both {
    name: String,
    message: Value,
    json: String,
    cbor: String,
}

impl Both {
    fn bytes(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Json => self.json.clone().into_bytes(),
            Format::Cbor => unhex(&self.cbor),
        }
    }
}

/// The text of a field in the description of a message.
fn text(message: &Value, field: &str) -> Option<String> {
    message.get(field).map(|value| value.as_str().unwrap().to_owned())
}

fn payload(message: &Value) -> Option<Payload> {
    let json = text(message, "data_text").map(|text| Payload::json(text).unwrap());
    json.or_else(|| text(message, "data_hex").map(|hex| Payload::Binary(unhex(&hex).into())))
}

/// Sets one text field of a request.
type Setter = fn(ClientRequest, String) -> ClientRequest;

/// Builds the request that the description asks for.
fn request(message: &Value) -> ClientRequest {
    let uint = |field: &str| message.get(field).map(|value| u32::try_from(value.as_u64().unwrap()).unwrap());
    let mut request = ClientRequest::new(uint("message_id").unwrap());
    let setters: [(&str, Setter); 7] = [
        ("message_type", ClientRequest::message_type),
        ("room", ClientRequest::room),
        ("to", ClientRequest::to),
        ("ref", ClientRequest::reference),
        ("key", ClientRequest::key),
        ("after", ClientRequest::after),
        ("token", ClientRequest::token),
    ];
    for (field, set) in setters {
        if let Some(text) = text(message, field) {
            request = set(request, text);
        }
    }
    if let Some(offset) = text(message, "from_offset") {
        request = request.from_offset(offset.parse().unwrap());
    }
    if let Some(limit) = uint("limit") {
        request = request.limit(limit);
    }
    if let Some(data) = payload(message) {
        request = request.data(data);
    }
    request
}

#[test]
fn requests_are_read_and_written_in_both_forms() {
    for vector in vectors::<Both>("requests.json") {
        let expected = request(&vector.message);
        for format in Format::ALL {
            let bytes = vector.bytes(format);
            let read: Request<'_> =
                decode(format, &bytes).unwrap_or_else(|refused| panic!("{}: {refused}", vector.name));
            assert_eq!(read, expected.as_request(), "{} {format:?}", vector.name);
            assert_eq!(decode(format, &expected.encode(format)), Ok(read), "{} {format:?}", vector.name);
        }
    }
}

#[derive(Deserialize)]
struct Bad {
    name: String,
    json: Option<String>,
    cbor: Option<String>,
    code: String,
    says: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

#[test]
fn what_is_refused_names_its_fault_and_keeps_its_ref() {
    for vector in vectors::<Bad>("refused.json") {
        let (format, bytes) = match (vector.json, vector.cbor) {
            (Some(json), None) => (Format::Json, json.into_bytes()),
            (None, Some(cbor)) => (Format::Cbor, unhex(&cbor)),
            _ => panic!("{}: either json or cbor", vector.name),
        };
        let refused = decode(format, &bytes).expect_err(&vector.name);
        assert_eq!(refused.code.name(), vector.code, "{}", vector.name);
        assert!(refused.message.contains(&vector.says), "{}: {}", vector.name, refused.message);
        assert_eq!(refused.reference, vector.reference, "{}", vector.name);
    }
}

/// Writes a message that was read as the hub would.
fn write(frame: &ServerFrame, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    match frame {
        ServerFrame::Publication(publication, offset) => {
            encode_publication(format, publication, *offset, &mut out);
            return out;
        }
        ServerFrame::History { reference, room, messages, complete } => {
            let written: Vec<Vec<u8>> = messages
                .iter()
                .map(|(publication, offset)| write(&ServerFrame::Publication(publication.clone(), *offset), format))
                .collect();
            let messages: Vec<&[u8]> = written.iter().map(Vec::as_slice).collect();
            HubMessage::History { reference: reference.as_deref(), room, messages: &messages, complete: *complete }
                .encode(format, &mut out);
            return out;
        }
        _ => {}
    }
    let message = match frame {
        ServerFrame::Ping { offset } => HubMessage::Ping { offset: *offset },
        ServerFrame::Pong { reference, offset, ticket } => {
            HubMessage::Pong { reference: reference.as_deref(), offset: *offset, ticket: ticket.as_deref() }
        }
        ServerFrame::Welcome(welcome) => HubMessage::Welcome(welcome.clone()),
        ServerFrame::Ack { reference, offset, data } => HubMessage::Ack {
            reference: reference.as_deref(),
            offset: *offset,
            data: data.as_ref().map(Payload::as_data),
        },
        ServerFrame::Error { reference, code, retryable, message } => {
            assert_eq!(*retryable, code.retryable());
            HubMessage::Error { reference: reference.as_deref(), code: *code, message }
        }
        ServerFrame::Joined { room, offset } => HubMessage::Joined { room, offset: *offset },
        ServerFrame::Left { room } => HubMessage::Left { room },
        ServerFrame::Presence { reference, room, clients, next, total } => HubMessage::Presence {
            reference: reference.as_deref(),
            room,
            clients,
            next: next.as_deref(),
            total: *total,
        },
        ServerFrame::Drain { close_in_ms, reconnect_in_ms, reason, ticket } => HubMessage::Drain {
            close_in_ms: *close_in_ms,
            reconnect_in_ms: *reconnect_in_ms,
            reason,
            ticket: ticket.as_deref(),
        },
        ServerFrame::Gap { from, to, count, reason, room, offset } => HubMessage::Gap {
            from: *from,
            to: *to,
            count: *count,
            reason: *reason,
            room: room.as_deref(),
            offset: *offset,
        },
        ServerFrame::Mode { mode, reason } => HubMessage::Mode { mode: *mode, reason },
        ServerFrame::Refresh { close_in_ms } => HubMessage::Refresh { close_in_ms: *close_in_ms },
        ServerFrame::Retry { after_ms, reason } => HubMessage::Retry { after_ms: *after_ms, reason },
        ServerFrame::Publication(..) | ServerFrame::History { .. } | ServerFrame::Unknown { .. } => {
            panic!("not a message of the hub's own: {frame:?}")
        }
    };
    message.to_vec(format)
}

/// The description of a message with JSON data, as the JSON form has it.
fn without_notes(message: &Value) -> Value {
    let mut message = message.clone();
    let fields = message.as_object_mut().unwrap();
    fields.remove("data_text");
    if let Some(messages) = fields.get_mut("messages") {
        messages.as_array_mut().unwrap().iter_mut().for_each(|message| *message = without_notes(message));
    }
    message
}

#[test]
fn what_the_hub_says_is_the_same_in_both_forms_byte_for_byte() {
    for vector in vectors::<Both>("hub_messages.json") {
        for format in Format::ALL {
            let frame = ServerFrame::decode(format, &vector.bytes(format))
                .unwrap_or_else(|error| panic!("{} {format:?}: {error}", vector.name));
            assert_eq!(String::from_utf8(write(&frame, Format::Json)).unwrap(), vector.json, "{}", vector.name);
            assert_eq!(write(&frame, Format::Cbor), unhex(&vector.cbor), "{}", vector.name);
        }
        if !vector.json.contains("base64") {
            let json: Value = serde_json::from_str(&vector.json).unwrap();
            assert_eq!(json, without_notes(&vector.message), "{}", vector.name);
        }
    }
}

#[test]
fn every_message_of_the_hub_has_a_vector() {
    let ids: Vec<u64> = vectors::<Both>("hub_messages.json")
        .iter()
        .map(|vector| vector.message["message_id"].as_u64().unwrap())
        .collect();
    for id in [1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 33, 1000] {
        assert!(ids.contains(&id), "{id}");
    }
}

#[derive(Deserialize)]
struct Query {
    name: String,
    query: String,
    client_id: Option<String>,
    token: Option<String>,
    ticket: Option<String>,
    resume: Option<Resume>,
    #[serde(default)]
    rooms: Vec<String>,
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Resume {
    epoch: String,
    offset: String,
}

#[test]
fn queries_are_read_or_refused_by_the_parameter() {
    for vector in vectors::<Query>("handshake.json") {
        let read = Handshake::parse(&vector.query);
        if let Some(parameter) = vector.refused {
            let error = read.expect_err(&vector.name).to_string();
            assert!(error.starts_with(&parameter), "{}: {error}", vector.name);
            continue;
        }
        let read = read.unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let resume: Option<ResumeToken> =
            vector.resume.map(|resume| format!("{}:{}", resume.epoch, resume.offset).parse().unwrap());
        assert_eq!(read.client_id.map(|client| client.to_string()), vector.client_id, "{}", vector.name);
        assert_eq!(read.token, vector.token, "{}", vector.name);
        assert_eq!(read.ticket, vector.ticket, "{}", vector.name);
        assert_eq!(read.resume, resume, "{}", vector.name);
        assert_eq!(read.rooms.iter().map(ToString::to_string).collect::<Vec<_>>(), vector.rooms, "{}", vector.name);
    }
}
