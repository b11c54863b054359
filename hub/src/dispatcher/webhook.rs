//! Webhooks: a message becomes an HTTP request to the application, its answer the `ack`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gohub_settings::Route;
use serde_json::{Map, Value, value::RawValue};

use super::Dispatcher;
use crate::clock;
use crate::protocol::{DataRef, ErrorCode, HubMessage, Payload, Request};
use crate::shard::{Command, Session};

/// An answer longer than this is not read.
const MAX_ANSWER: usize = 64 << 10;

pub(super) fn handle(dispatcher: &Dispatcher, session: &mut Session<'_>, request: &Request<'_>, route: &Route) {
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
    let mut call =
        dispatcher.webhooks.post(&route.url).timeout(route.timeout.as_std()).header("content-type", "application/json");
    if !route.secret.is_empty() {
        call = call.bearer_auth(route.secret.expose());
    }
    let call = call.body(body);
    let reference: Option<Box<str>> = request.reference.as_deref().map(Box::from);
    let (handle, key, format, id) = (session.handle(), session.key(), session.format(), request.id);
    let stats = Arc::clone(&dispatcher.stats);
    session.begin_wait();
    dispatcher.tasks.spawn("webhook", async move {
        let answer = ask(call).await;
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
        handle.send(Command::Deliver { key, reference, message });
    });
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
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|_| "the application's answer broke off")? {
        body.extend_from_slice(&part);
        if body.len() > MAX_ANSWER {
            return Err("the application's answer is too long");
        }
    }
    if body.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(body).ok().filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    let text = text.ok_or("the application's answer is not JSON")?;
    Payload::json(text).map(Some).map_err(|_| "the application's answer is not JSON")
}
