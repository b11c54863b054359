//! `/api/v1/clients/{id}/why`: what became of a client's connections, on all hubs.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::lists::{scope, valid};
use super::publish::client_id;
use super::{Admin, Problem};
use crate::blackbox::Lives;
use crate::protocol::ErrorCode;
use crate::shard::Whom;

/// Connections of an answer when the call does not say how many.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only on this hub.
    node: Option<String>,
    /// Only the connection with this id.
    connection: Option<u64>,
    /// Most connections, 1 to 100; 10 without it. The newest come first.
    limit: Option<usize>,
}

/// What became of a client's connections: the open ones, and those that ended not too long ago (`why.keep`, `why.keep_for`).
#[utoipa::path(
    get, path = "/api/v1/clients/{id}/why", operation_id = "why_client", tag = "inventory", security(("api_key" = [])),
    params(("id" = String, Path, description = "The client."), Part),
    responses((status = 200, body = Lives), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn why(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Lives>, Problem> {
    let Part { node, connection, limit } = valid(part)?;
    let whom = Whom { client: client_id(&id, "id")?, connection };
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let message = format!("limit is 1 to {MAX_LIMIT}, got {limit}");
        return Err(Problem::bad(ErrorCode::BadRequest, "limit", message));
    }
    Ok(Json(admin.control.why(scope(node), whom, limit).await?))
}
