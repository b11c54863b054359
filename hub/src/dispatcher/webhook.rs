//! Webhooks: a message becomes an HTTP request to the application, its answer the `ack`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gohub_settings::Route;
use serde_json::{Map, Value, value::RawValue};
use tokio::sync::Semaphore;

use super::Dispatcher;
use crate::clock;
use crate::http::{self, BodyError};
use crate::protocol::{DataRef, ErrorCode, HubMessage, Payload, Request};
use crate::shard::{Command, Refusal, Session};

/// An answer longer than this is not read.
const MAX_ANSWER: usize = 64 << 10;

/// Calls under way at once, of all clients together: each holds a descriptor, and the application is meant to answer them.
const MAX_CALLS: usize = 256;

/// The hub's way to call applications.
pub(super) struct Webhooks {
    /// None if the system's certificates could not be read.
    client: Option<reqwest::Client>,
    places: Arc<Semaphore>,
}

impl Webhooks {
    pub(super) fn new() -> Self {
        Self { client: http::client(), places: Arc::new(Semaphore::new(MAX_CALLS)) }
    }
}

pub(super) fn handle(
    dispatcher: &Dispatcher,
    session: &mut Session<'_>,
    request: &Request<'_>,
    route: &Route,
) -> Result<(), Refusal> {
    session.has_room_for_wait()?;
    let full = || Refusal::new(ErrorCode::Overloaded, format!("{MAX_CALLS} webhooks are under way"));
    let place = Arc::clone(&dispatcher.webhooks.places).try_acquire_owned().map_err(|_| full())?;
    let mut body = Map::new();
    let mut put =
        |name: &str, value: Option<String>| value.map(|value| body.insert(name.to_owned(), Value::String(value)));
    put("message_type", request.message_type.as_deref().map(str::to_owned));
    put("room", request.room.as_deref().map(str::to_owned));
    put("to", request.to.as_deref().map(str::to_owned));
    put("key", request.key.as_deref().map(str::to_owned));
    put("from", Some(session.client().as_str().to_owned()));
    body.insert("message_id".to_owned(), request.id.into());
    body.insert("ts".to_owned(), clock::unix_millis().into());
    let body = with_data(body, request.data.as_ref());
    let call = dispatcher
        .webhooks
        .client
        .as_ref()
        .map(|client| http::post(client, &route.url, &route.secret, body).timeout(route.timeout.as_std()));
    let reference: Option<Box<str>> = request.reference.as_deref().map(Box::from);
    let (handle, key, format, id) = (session.handle(), session.key(), session.format(), request.id);
    let stats = Arc::clone(&dispatcher.stats);
    session.begin_wait();
    dispatcher.tasks.spawn("webhook", async move {
        let _place = place;
        let answer = match call {
            Some(call) => ask(call).await,
            None => Err("this hub cannot make HTTP calls"),
        };
        stats.webhooks.inc(if answer.is_ok() { "ok" } else { "failed" });
        if let Err(reason) = &answer {
            tracing::warn!(connection = key.id, message_id = id, reason, "webhook failed");
        }
        let message = answer.map_err(|reason| (ErrorCode::HandlerFailed, reason.to_owned())).map(|payload| {
            let data = payload.as_ref().map(Payload::as_data);
            // Without a tag nobody asked for the answer: an empty message only ends the wait.
            reference.as_deref().map_or_else(Vec::new, |reference| {
                HubMessage::Ack { reference: Some(reference), offset: None, data }.to_vec(format)
            })
        });
        handle.send(Command::Deliver { key, reference, message, is_question: false });
    });
    Ok(())
}

/// The fields, and `data` exactly as the client wrote it.
fn with_data(mut fields: Map<String, Value>, data: Option<&DataRef<'_>>) -> String {
    let raw = match data {
        Some(DataRef::Json(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        Some(DataRef::Binary(bytes)) => {
            fields.insert("encoding".to_owned(), "base64".into());
            Some(Value::String(STANDARD.encode(bytes)).to_string())
        }
        None => None,
    };
    let mut text = Value::Object(fields).to_string();
    if let Some(raw) = raw {
        text.truncate(text.len() - 1);
        text.push_str(",\"data\":");
        text.push_str(&raw);
        text.push('}');
    }
    text
}

/// 2xx with JSON, or nothing: success. The reasons say nothing about the URL: they are told to clients.
async fn ask(call: reqwest::RequestBuilder) -> Result<Option<Payload>, &'static str> {
    let mut response = call.send().await.map_err(|error| {
        if error.is_timeout() {
            "the application did not answer in time"
        } else {
            "the application could not be reached"
        }
    })?;
    if !response.status().is_success() {
        return Err("the application refused");
    }
    let body = http::body(&mut response, MAX_ANSWER).await.map_err(|error| match error {
        BodyError::BrokenOff => "the application's answer broke off",
        BodyError::TooLong => "the application's answer is too long",
    })?;
    if body.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(body).ok().filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    let text = text.ok_or("the application's answer is not JSON")?;
    Payload::json(text).map(Some).map_err(|_| "the application's answer is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_sent_as_the_client_wrote_it() {
        let data = DataRef::Json(b"{\"a\": 1.0}");
        let fields = Map::from_iter([("message_id".to_owned(), Value::from(1000))]);
        assert_eq!(with_data(fields, Some(&data)), r#"{"message_id":1000,"data":{"a": 1.0}}"#);
    }
}
