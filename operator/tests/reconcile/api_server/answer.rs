//! What the server says, and its routes.

use bytes::Bytes;
use futures::Stream;
use http::{Method, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};

use super::objects::Conflict;
use super::{Call, State};

pub(crate) type Body = UnsyncBoxBody<Bytes, tower::BoxError>;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Json(u16, Value),
    /// The connection breaks.
    Broken,
    Watch {
        collection: String,
        from: u64,
    },
}

/// A refusal in Kubernetes' own form.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    Answer::Json(
        code,
        json!({ "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message }),
    )
}

pub(super) fn json(code: u16, value: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(value.to_string())).map_err(Into::into).boxed_unsync();
    Response::builder().status(code).header("content-type", "application/json").body(body).unwrap()
}

pub(super) fn stream(lines: impl Stream<Item = Value> + Send + 'static) -> Response<Body> {
    use futures::StreamExt;
    let frames = lines.map(|line| Ok(Frame::data(Bytes::from(format!("{line}\n")))));
    Response::builder().status(200).body(StreamBody::new(frames).boxed_unsync()).unwrap()
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    Some(value.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/"))
}

impl State {
    pub(super) fn route(&mut self, call: &Call, content: &str) -> Answer {
        let path = call.path.trim_end_matches('/');
        let place = Place::of(path);
        if path == "/apis/monitoring.coreos.com/v1" {
            return self.monitoring();
        }
        if place.plural == "selfsubjectaccessreviews" {
            let mut review = call.body.clone();
            review["status"] = json!({ "allowed": true });
            return Answer::Json(201, review);
        }
        if self.unknown.contains(place.plural) {
            return status(404, "NotFound", "the server could not find the requested resource");
        }
        match (&call.method, place.name) {
            (&Method::GET, None) => self.collection(path, &call.query),
            (&Method::GET, Some(_)) => match self.objects.get(place.object) {
                Some(object) => Answer::Json(200, object.clone()),
                None => absent(&place),
            },
            (&Method::POST, None) => {
                let name = call.body["metadata"]["name"].as_str().unwrap_or_default();
                let path = format!("{path}/{name}");
                if self.objects.get(&path).is_some() {
                    return status(409, "AlreadyExists", &format!("{name:?} already exists"));
                }
                Answer::Json(201, self.objects.put(&path, call.body.clone()))
            }
            (&Method::PATCH, Some(_)) if content.contains("apply") => {
                let force = parameter(&call.query, "force").as_deref() == Some("true");
                let manager = parameter(&call.query, "fieldManager").unwrap_or_default();
                match self.objects.apply(place.object, &manager, &call.body, force) {
                    Ok(object) => Answer::Json(200, object),
                    Err(conflicts) => contested(&conflicts),
                }
            }
            (&Method::PATCH, Some(_)) => self.merge(&place, &call.body),
            (&Method::PUT, Some(_)) => match self.objects.get(place.object) {
                None => absent(&place),
                Some(live) if live["metadata"]["resourceVersion"] != call.body["metadata"]["resourceVersion"] => {
                    status(409, "Conflict", "the object has been modified")
                }
                Some(_) => Answer::Json(200, self.objects.put(place.object, call.body.clone())),
            },
            (&Method::DELETE, Some(_)) => match self.objects.get(place.object) {
                None => absent(&place),
                Some(live) => {
                    let wanted = &call.body["preconditions"];
                    let differs = |field: &str| !wanted[field].is_null() && wanted[field] != live["metadata"][field];
                    if differs("uid") || differs("resourceVersion") {
                        return status(409, "Conflict", "the precondition failed");
                    }
                    let gone = live.clone();
                    self.objects.remove_path(place.object);
                    Answer::Json(200, gone)
                }
            },
            _ => status(405, "MethodNotAllowed", path),
        }
    }

    fn monitoring(&self) -> Answer {
        let kinds = [("servicemonitors", "ServiceMonitor"), ("prometheusrules", "PrometheusRule")];
        let served: Vec<Value> = kinds
            .iter()
            .filter(|(plural, _)| !self.unknown.contains(*plural))
            .map(|(plural, kind)| json!({ "name": plural, "kind": kind, "singularName": "", "namespaced": true, "verbs": [] }))
            .collect();
        if served.is_empty() {
            return status(404, "NotFound", "the server could not find the requested resource");
        }
        let list =
            json!({ "kind": "APIResourceList", "groupVersion": "monitoring.coreos.com/v1", "resources": served });
        Answer::Json(200, list)
    }

    fn collection(&mut self, path: &str, query: &str) -> Answer {
        if matches!(parameter(query, "watch").as_deref(), Some("true" | "1")) {
            let from = parameter(query, "resourceVersion").and_then(|from| from.parse().ok()).unwrap_or_default();
            if from < self.objects.oldest() {
                return status(410, "Expired", "too old resource version");
            }
            return Answer::Watch { collection: path.to_owned(), from };
        }
        let selector = parameter(query, "labelSelector").unwrap_or_default();
        let matches = |object: &Value| {
            let pairs = selector.split(',').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().all(|(key, value)| object["metadata"]["labels"][key] == value)
        };
        let items: Vec<Value> = self.objects.inside(path).filter(|object| matches(object)).cloned().collect();
        Answer::Json(
            200,
            json!({
                "apiVersion": "v1", "kind": "List",
                "metadata": { "resourceVersion": self.objects.version().to_string() }, "items": items,
            }),
        )
    }

    fn merge(&mut self, place: &Place<'_>, patch: &Value) -> Answer {
        let Some(live) = self.objects.get(place.object) else { return absent(place) };
        let uid = &patch["metadata"]["uid"];
        if !uid.is_null() && *uid != live["metadata"]["uid"] {
            return status(409, "Conflict", "the uid is another one");
        }
        let mut new = live.clone();
        if place.is_status {
            merge_into(&mut new["status"], &patch["status"]);
        } else {
            merge_into(&mut new, patch);
        }
        Answer::Json(200, self.objects.put(place.object, new))
    }
}

fn merge_into(live: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *live = patch.clone();
        return;
    };
    if !live.is_object() {
        *live = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            live.as_object_mut().unwrap().remove(key);
        } else {
            merge_into(&mut live[key], value);
        }
    }
}

fn absent(place: &Place<'_>) -> Answer {
    status(404, "NotFound", &format!("{} {:?} not found", place.plural, place.name.unwrap_or_default()))
}

fn contested(conflicts: &[Conflict]) -> Answer {
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|conflict| {
            let message = format!("conflict with {:?} using apps/v1", conflict.manager);
            json!({ "reason": "FieldManagerConflict", "message": message, "field": conflict.pointer.replace('/', ".") })
        })
        .collect();
    Answer::Json(
        409,
        json!({
            "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict",
            "message": "Apply failed with conflicts", "details": { "causes": causes },
        }),
    )
}

/// What a path speaks of.
pub(super) struct Place<'a> {
    pub(crate) plural: &'a str,
    pub(crate) name: Option<&'a str>,
    /// The path of the object without its subresource.
    pub(crate) object: &'a str,
    pub(crate) is_status: bool,
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let object = path.strip_suffix("/status").unwrap_or(path);
        let parts: Vec<&str> = object.split('/').skip(1).collect();
        // /api/v1/... or /apis/group/version/...
        let rest = if parts[0] == "api" { &parts[2..] } else { &parts[3.min(parts.len())..] };
        let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { rest };
        Self {
            plural: rest.first().unwrap_or(&""),
            name: rest.get(1).copied(),
            object,
            is_status: object.len() < path.len(),
        }
    }
}
