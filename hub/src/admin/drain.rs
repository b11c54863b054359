//! `POST /api/v1/drain`: send the clients elsewhere and end, as SIGTERM does.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Admin, Problem};

/// The answer to a drain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Draining {
    /// Whether this call began it; false when it had begun already.
    began: bool,
}

/// Drains this hub: it stops accepting, sends its clients away at a pace, and ends.
#[utoipa::path(
    post, path = "/api/v1/drain", operation_id = "drain", tag = "operations", security(("api_key" = [])),
    responses((status = 202, body = Draining), (status = 401, body = Problem)),
)]
pub(super) async fn post(State(admin): State<Admin>) -> (StatusCode, Json<Draining>) {
    (StatusCode::ACCEPTED, Json(Draining { began: admin.control.drain() }))
}
