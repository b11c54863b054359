//! Publishing from a back end: to everybody, to a room, to a client, or many at once.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Admin, Failure, Problem, body};
use crate::protocol::{ClientId, ErrorCode, MAX_FIELD_BYTES, Payload, Publication, RoomName, Target};

/// Most messages of one batch.
const MAX_BATCH: usize = 1000;
/// The first id that belongs to applications.
const FIRST_APPLICATION_ID: u32 = 1000;

/// What is published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// The message's id: 1000 or above for the application's own; without it 20, 21 or 22 by who receives it.
    message_id: Option<u32>,
    /// The application's own name of it.
    message_type: Option<String>,
    /// Any JSON, passed on as it is; with `encoding` a text.
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// `base64`: `data` is a text that stands for opaque bytes.
    encoding: Option<Encoding>,
    /// Idempotency key: the same key again, within the hub's window, publishes nothing and answers the first offset.
    key: Option<String>,
}

/// How `data` stands for bytes.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    /// Standard base64 with padding.
    Base64,
}

/// A message of a batch, with who receives it: the room, the client, or everybody where neither is given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Addressed {
    /// The room that receives it.
    room: Option<String>,
    /// The client that receives it.
    to: Option<String>,
    /// As in a single message.
    message_id: Option<u32>,
    /// As in a single message.
    message_type: Option<String>,
    /// As in a single message.
    #[schema(value_type = Option<serde_json::Value>)]
    data: Option<Box<RawValue>>,
    /// As in a single message.
    encoding: Option<Encoding>,
    /// As in a single message.
    key: Option<String>,
}

/// Messages that are published in this order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    /// 1 to 1000 of them.
    messages: Vec<Addressed>,
}

/// It is on the bus: every connected subscriber gets it, or is told of a gap.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// Where it stands in the log.
    #[schema(example = "17-0")]
    offset: String,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchPublished {
    /// One for each message, in their order.
    results: Vec<Outcome>,
    /// How many of them failed.
    failed: usize,
}

/// What became of a message of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcome {
    /// Where it stands in the log, when it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// Publishes to every connection.
#[utoipa::path(
    post, path = "/api/v1/broadcast", operation_id = "publish_broadcast", tag = "publish", security(("api_key" = [])), request_body = Message,
    responses(
        (status = 200, body = Published), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem), (status = 504, body = Problem),
    ),
)]
pub(super) async fn broadcast(
    State(admin): State<Admin>,
    body::Json(message): body::Json<Message>,
) -> Result<Json<Published>, Problem> {
    one(&admin, Target::Broadcast, message).await
}

/// Publishes to everybody in a room.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/messages", operation_id = "publish_to_room", tag = "publish", security(("api_key" = [])), request_body = Message,
    params(("room" = String, Path, description = "The room.")),
    responses(
        (status = 200, body = Published), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem), (status = 503, body = Problem), (status = 504, body = Problem),
    ),
)]
pub(super) async fn room(
    State(admin): State<Admin>,
    Path(room): Path<String>,
    body::Json(message): body::Json<Message>,
) -> Result<Json<Published>, Problem> {
    one(&admin, Target::Room(room_name(&room, "room")?), message).await
}

/// Publishes to every connection of a client; 404 when no hub has one.
#[utoipa::path(
    post, path = "/api/v1/clients/{id}/messages", operation_id = "publish_to_client", tag = "publish", security(("api_key" = [])), request_body = Message,
    params(("id" = String, Path, description = "The client.")),
    responses(
        (status = 200, body = Published), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 413, body = Problem), (status = 503, body = Problem),
        (status = 504, body = Problem),
    ),
)]
pub(super) async fn client(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    body::Json(message): body::Json<Message>,
) -> Result<Json<Published>, Problem> {
    one(&admin, Target::Client(client_id(&id, "id")?), message).await
}

/// Publishes many messages in their order. A message that is wrong in itself refuses the whole batch before anything is published;
/// after that each succeeds or fails alone, so look at `failed`.
#[utoipa::path(
    post, path = "/api/v1/batch", operation_id = "publish_batch", tag = "publish", security(("api_key" = [])), request_body = Batch,
    responses(
        (status = 200, body = BatchPublished), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 413, body = Problem),
    ),
)]
pub(super) async fn batch(
    State(admin): State<Admin>,
    body::Json(batch): body::Json<Batch>,
) -> Result<Json<BatchPublished>, Problem> {
    if batch.messages.is_empty() || batch.messages.len() > MAX_BATCH {
        return Err(Problem::bad(
            ErrorCode::BadRequest,
            "messages",
            format!("a batch has 1 to {MAX_BATCH} messages, this one {}", batch.messages.len()),
        ));
    }
    let mut publications = Vec::with_capacity(batch.messages.len());
    for (index, addressed) in batch.messages.into_iter().enumerate() {
        publications.push(publication_of(&admin, addressed).map_err(|mut problem| {
            let field = problem.field.unwrap_or_default();
            problem.field = Some(format!("messages[{index}].{field}"));
            problem
        })?);
    }
    let results: Vec<Outcome> = admin
        .control
        .publish(publications)
        .await
        .into_iter()
        .map(|result| match result {
            Ok(offset) => Outcome { offset: Some(offset.to_string()), error: None },
            Err(failure) => Outcome { offset: None, error: Some(failure.into()) },
        })
        .collect();
    let failed = results.iter().filter(|outcome| outcome.error.is_some()).count();
    Ok(Json(BatchPublished { results, failed }))
}

async fn one(admin: &Admin, target: Target, message: Message) -> Result<Json<Published>, Problem> {
    let publication = publication(admin, target, message)?;
    let result = admin.control.publish(vec![publication]).await.pop();
    let offset = result.unwrap_or_else(|| Err(Failure::new(ErrorCode::Internal, "the hub gave no answer")))?;
    Ok(Json(Published { offset: offset.to_string() }))
}

fn publication_of(admin: &Admin, addressed: Addressed) -> Result<Publication, Problem> {
    let Addressed { room, to, message_id, message_type, data, encoding, key } = addressed;
    let target = match (room, to) {
        (Some(room), None) => Target::Room(room_name(&room, "room")?),
        (None, Some(to)) => Target::Client(client_id(&to, "to")?),
        (None, None) => Target::Broadcast,
        (Some(_), Some(_)) => {
            return Err(Problem::bad(
                ErrorCode::BadRequest,
                "to",
                "a message goes to a room or to a client, not to both",
            ));
        }
    };
    publication(admin, target, Message { message_id, message_type, data, encoding, key })
}

fn publication(admin: &Admin, target: Target, message: Message) -> Result<Publication, Problem> {
    let own = match target {
        Target::Broadcast => 20,
        Target::Client(_) => 21,
        Target::Room(_) => 22,
    };
    let id = message.message_id.unwrap_or(own);
    if id != own && id < FIRST_APPLICATION_ID {
        let wanted =
            format!("message_id is {own} here, or an application's own from {FIRST_APPLICATION_ID} on; got {id}");
        return Err(Problem::bad(ErrorCode::BadRequest, "message_id", wanted));
    }
    let data = message.data.map(|data| payload(&data, message.encoding)).transpose()?;
    let most = admin.reload.settings().limits.max_message;
    if data.as_ref().is_some_and(|data| data.len() > most.as_usize()) {
        return Err(Problem::bad(
            ErrorCode::TooLarge,
            "data",
            format!("data is larger than limits.max_message ({most})"),
        ));
    }
    Ok(Publication {
        target,
        id,
        message_type: short(message.message_type, "message_type")?,
        data,
        from: None,
        ts: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
        key: short(message.key, "key")?,
    })
}

fn payload(data: &RawValue, encoding: Option<Encoding>) -> Result<Payload, Problem> {
    let bad = |message: String| Problem::bad(ErrorCode::BadRequest, "data", message);
    match encoding {
        None => Payload::json(data.get().to_owned()).map_err(|error| bad(error.to_string())),
        Some(Encoding::Base64) => {
            let text: String = serde_json::from_str(data.get())
                .map_err(|_| bad("data must be a text when encoding is given".to_owned()))?;
            let bytes = STANDARD.decode(text).map_err(|error| bad(format!("data is no base64: {error}")))?;
            Ok(Payload::Binary(bytes.into()))
        }
    }
}

fn short(text: Option<String>, field: &str) -> Result<Option<Box<str>>, Problem> {
    match text {
        Some(text) if text.len() > MAX_FIELD_BYTES => Err(Problem::bad(
            ErrorCode::BadRequest,
            field,
            format!("{field} has {} bytes, at most {MAX_FIELD_BYTES} are allowed", text.len()),
        )),
        text => Ok(text.map(String::into_boxed_str)),
    }
}

pub(super) fn room_name(text: &str, field: &str) -> Result<RoomName, Problem> {
    RoomName::parse(text).map_err(|error| Problem::bad(ErrorCode::BadRoom, field, error.to_string()))
}

pub(super) fn client_id(text: &str, field: &str) -> Result<ClientId, Problem> {
    ClientId::parse(text).map_err(|error| Problem::bad(ErrorCode::BadClient, field, error.to_string()))
}
