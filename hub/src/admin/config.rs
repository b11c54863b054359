//! `/api/v1/config`: what is in force, and what a file would do. Secrets are struck out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Admin, Problem, body};
use crate::reload::Status;

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Config {
    /// Which they are, and whether a newer file was refused.
    status: Status,
    /// All of them as YAML, defaults included, each secret as `***`.
    settings: String,
}

/// The settings in force.
#[utoipa::path(
    get, path = "/api/v1/config", operation_id = "get_config", tag = "operations", security(("api_key" = [])),
    responses((status = 200, body = Config), (status = 401, body = Problem)),
)]
pub(super) async fn get(State(admin): State<Admin>) -> Json<Config> {
    Json(Config { status: admin.reload.status(), settings: admin.reload.settings().to_yaml() })
}

/// What a file would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checked {
    /// The hash it would be known by.
    hash: String,
    /// Settings it changes.
    changed: Vec<String>,
    /// Those of them that count only after a restart.
    restart_required: Vec<String>,
}

/// Judges a settings file (the body, YAML) as a reload would, under the hub's environment; changes nothing.
#[utoipa::path(
    post, path = "/api/v1/config/check", operation_id = "check_config", tag = "operations", security(("api_key" = [])),
    request_body(content = String, content_type = "application/yaml"),
    responses((status = 200, body = Checked), (status = 401, body = Problem), (status = 422, body = Problem)),
)]
pub(super) async fn check(State(admin): State<Admin>, body::Raw(body): body::Raw) -> Result<Json<Checked>, Problem> {
    let invalid = |message: String, field: Option<&str>| Problem {
        field: field.map(str::to_owned),
        ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", message)
    };
    let text = std::str::from_utf8(&body).map_err(|_| invalid("the body is not UTF-8 text".to_owned(), None))?;
    let checked = admin.reload.check(text).map_err(|error| invalid(error.to_string(), error.field()))?;
    let gohub_settings::Diff { changed, restart } = checked.diff;
    Ok(Json(Checked { hash: checked.hash, changed, restart_required: restart }))
}
