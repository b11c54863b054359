//! `/livez`, `/readyz`, `/accepting` and `/metrics`: what Kubernetes, load balancers and Prometheus ask.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Admin, Problem};
use crate::lifecycle::Phase;

/// The answer to a probe.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Probe {
    /// Whether the answer is yes.
    ok: bool,
    /// The hub's phase: `starting`, `ready`, `draining`, `stopped`.
    phase: &'static str,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn probe(phase: Phase, verdict: Result<(), String>) -> (StatusCode, Json<Probe>) {
    let status = if verdict.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Probe { ok: verdict.is_ok(), phase: phase.as_str(), reason: verdict.err() }))
}

/// The phase alone may say no: a draining hub must leave the load balancer however well it delivers.
fn in_service(phase: Phase) -> Result<(), String> {
    if phase == Phase::Ready { Ok(()) } else { Err(format!("the hub is {phase}")) }
}

/// Should the process live on?
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Probe), (status = 503, body = Probe)))]
pub(super) async fn livez(State(admin): State<Admin>) -> impl IntoResponse {
    probe(admin.lifecycle.phase(), admin.control.alive())
}

/// Does it serve: listener up, bus delivering?
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Probe), (status = 503, body = Probe)))]
pub(super) async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    let phase = admin.lifecycle.phase();
    probe(phase, in_service(phase).and_then(|()| admin.control.ready()))
}

/// Does it want more connections?
#[utoipa::path(get, path = "/accepting", tag = "health", responses((status = 200, body = Probe), (status = 503, body = Probe)))]
pub(super) async fn accepting(State(admin): State<Admin>) -> impl IntoResponse {
    let phase = admin.lifecycle.phase();
    probe(phase, in_service(phase).and_then(|()| admin.control.accepting()))
}

/// Figures in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 401, body = Problem)),
)]
pub(super) async fn metrics(State(admin): State<Admin>) -> Result<Response, Problem> {
    let text = admin
        .metrics
        .render()
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
