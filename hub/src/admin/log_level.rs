//! `/api/v1/log-level`: look closer at a hub without restarting it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, Problem, body};

/// The level of the hub's own log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLevel {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`; parts may differ: `info,gohub::bus=debug`.
    level: String,
}

/// The level in force.
#[utoipa::path(
    get, path = "/api/v1/log-level", operation_id = "get_log_level", tag = "operations", security(("api_key" = [])),
    responses((status = 200, body = LogLevel), (status = 401, body = Problem)),
)]
pub(super) async fn get(State(admin): State<Admin>) -> Json<LogLevel> {
    Json(LogLevel { level: admin.telemetry.level() })
}

/// Puts another level in force, until it is put again or `log.level` changes in the settings.
#[utoipa::path(
    put, path = "/api/v1/log-level", operation_id = "put_log_level", tag = "operations", security(("api_key" = [])), request_body = LogLevel,
    responses((status = 200, body = LogLevel), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn put(
    State(admin): State<Admin>,
    body::Json(wanted): body::Json<LogLevel>,
) -> Result<Json<LogLevel>, Problem> {
    admin.telemetry.set_level(&wanted.level).map_err(|error| Problem {
        field: Some("level".to_owned()),
        ..Problem::new(StatusCode::BAD_REQUEST, "bad_request", error.to_string())
    })?;
    Ok(Json(wanted))
}
