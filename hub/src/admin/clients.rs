//! What the back end does to a client that is connected: into a room and out of it, other rights, a new token wanted; on whatever hub it is.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gohub_settings::Grant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lists::{scope, valid};
use super::publish::{client_id, room_name};
use super::{Admin, Problem, body};
use crate::cluster::Imposition;
use crate::inventory::{Missing, RefusedInfo};
use crate::protocol::ErrorCode;
use crate::shard::{Placement, Whom};

/// Longest time a client is given to bring a new token.
const DAY: u64 = 24 * 60 * 60;

/// Which of the client's connections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only on this hub.
    node: Option<String>,
    /// Only the connection with this id (as the list of clients shows it).
    connection: Option<u64>,
}

/// What a connection's token does not count for any more. At least one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTerms {
    /// The client is told that its token ends, and is closed with 4004 after so many seconds unless it brings a new one. 1 to a day; never later than the
    /// token's own end.
    #[schema(minimum = 1, maximum = 86_400)]
    within_seconds: Option<u64>,
    /// What the connections may do from now on, until they bring a new token: in the form of the claim `capabilities`. Rooms they may not be in are left.
    /// The client's next connection begins with what its token says.
    #[schema(value_type = Option<Object>, example = json!({"rooms": [{"pattern": "chat:*", "allow": ["join", "publish"]}], "clients": [], "broadcast": false}))]
    capabilities: Option<Grant>,
}

/// Whom it concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reached {
    /// Connections.
    pub connections: u64,
    /// Hubs that did not answer: connections there may be as before.
    pub missing: Vec<Missing>,
}

/// Who is where it was wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlacedAnswer {
    /// Connections that are.
    pub connections: u64,
    /// Connections that are not.
    pub refused: Vec<RefusedInfo>,
    /// Hubs that did not answer: connections there may be as before.
    pub missing: Vec<Missing>,
}

/// Tells a client that it needs a new token, or changes what it may do; without a reconnect.
#[utoipa::path(
    post, path = "/api/v1/clients/{id}/refresh", operation_id = "refresh_client", tag = "clients", security(("api_key" = [])),
    params(("id" = String, Path, description = "The client."), Part), request_body = NewTerms,
    responses(
        (status = 200, body = Reached), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
)]
pub(super) async fn refresh(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    part: Result<Query<Part>, QueryRejection>,
    body::Json(wanted): body::Json<NewTerms>,
) -> Result<Json<Reached>, Problem> {
    let Part { node, connection } = valid(part)?;
    let whom = Whom { client: client_id(&id, "id")?, connection };
    let reached = admin.control.impose(scope(node), whom, imposition(wanted)?).await?;
    if reached.connections == 0 && reached.missing.is_empty() {
        return Err(nowhere());
    }
    tracing::info!(client = %id, connections = reached.connections, "a new token or other rights through the API");
    Ok(Json(reached))
}

fn imposition(wanted: NewTerms) -> Result<Imposition, Problem> {
    let bad = |field: &str, message: String| Err(Problem::bad(ErrorCode::BadRequest, field, message));
    let NewTerms { within_seconds, capabilities } = wanted;
    match (&within_seconds, &capabilities) {
        (None, None) => return bad("within_seconds", "say within_seconds or capabilities".to_owned()),
        (Some(seconds), _) if !(1..=DAY).contains(seconds) => {
            return bad("within_seconds", format!("within_seconds is 1 to {DAY}, got {seconds}"));
        }
        (_, Some(grant)) if grant.is_too_large() => {
            return bad("capabilities", "capabilities has more rules than a grant may have".to_owned());
        }
        _ => {}
    }
    Ok(Imposition { within: within_seconds.map(Duration::from_secs), capabilities })
}

/// Puts a client's connections into a room, whatever its token allows. They are told, and get what is said there from now on.
#[utoipa::path(
    put, path = "/api/v1/clients/{id}/rooms/{room}", operation_id = "join_client", tag = "clients", security(("api_key" = [])),
    params(("id" = String, Path, description = "The client."), ("room" = String, Path, description = "The room."), Part),
    responses(
        (status = 200, body = PlacedAnswer), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 429, body = Problem),
    ),
)]
pub(super) async fn join(
    State(admin): State<Admin>,
    Path(path): Path<(String, String)>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<PlacedAnswer>, Problem> {
    place(&admin, path, valid(part)?, Placement::In).await
}

/// Takes a client's connections out of a room. They are told.
#[utoipa::path(
    delete, path = "/api/v1/clients/{id}/rooms/{room}", operation_id = "leave_client", tag = "clients", security(("api_key" = [])),
    params(("id" = String, Path, description = "The client."), ("room" = String, Path, description = "The room."), Part),
    responses(
        (status = 200, body = PlacedAnswer), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
)]
pub(super) async fn leave(
    State(admin): State<Admin>,
    Path(path): Path<(String, String)>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<PlacedAnswer>, Problem> {
    place(&admin, path, valid(part)?, Placement::Out).await
}

async fn place(
    admin: &Admin,
    (id, room): (String, String),
    part: Part,
    placement: Placement,
) -> Result<Json<PlacedAnswer>, Problem> {
    let whom = Whom { client: client_id(&id, "id")?, connection: part.connection };
    let answer = admin.control.place(scope(part.node), whom, room_name(&room, "room")?, placement).await?;
    if answer.connections == 0 && answer.missing.is_empty() {
        return Err(match answer.refused.first() {
            Some(refused) => {
                let code = ErrorCode::from_name(&refused.code).unwrap_or(ErrorCode::Internal);
                super::Failure::new(code, refused.message.clone()).into()
            }
            None => nowhere(),
        });
    }
    Ok(Json(answer))
}

fn nowhere() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, ErrorCode::ClientUnknown.name(), "no such client is connected")
}
