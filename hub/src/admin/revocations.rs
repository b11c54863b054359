//! `/api/v1/revocations`: tokens that count no more before their end, by their id or by their client.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::publish::client_id;
use super::{Admin, Problem, body};
use crate::auth::{Revocation, Subject, TokenId};
use crate::clock;
use crate::protocol::ErrorCode;

/// How long a revocation lasts when the call does not say.
const DAY: u64 = 24 * 60 * 60;
const YEAR: u64 = 365 * DAY;

/// What to revoke: either `token_id` or `client`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The id of a token, its `jti` claim. Kept and shown as a digest only.
    token_id: Option<String>,
    /// A client, whose tokens all count no more.
    client: Option<String>,
    /// Of a client, only tokens issued (`iat`) at this time or before, in seconds since 1970; now without it. A token without `iat` counts as older.
    issued_before: Option<u64>,
    /// How long, in seconds, 1 to one year; a day without it. It must last until the tokens have ended by themselves.
    #[schema(minimum = 1, maximum = 31_536_000)]
    for_seconds: Option<u64>,
}

/// A revocation in force.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Shown {
    /// The digest of a token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// A client.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// Of a client, tokens issued at this time or before, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_before: Option<u64>,
    /// When it is over, in milliseconds since 1970.
    until: u64,
}

impl From<Revocation> for Shown {
    fn from(revocation: Revocation) -> Self {
        let Revocation { subject, before, until } = revocation;
        match subject {
            Subject::Token(id) => Self { token: Some(id.to_string()), client: None, issued_before: None, until },
            Subject::Client(client) => {
                Self { token: None, client: Some(client.to_string()), issued_before: Some(before), until }
            }
        }
    }
}

/// All revocations in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct All {
    /// In order of token and client.
    items: Vec<Shown>,
}

/// Which revocation: either `token_id` or `client`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The id of a token, its `jti` claim.
    token_id: Option<String>,
    /// A client.
    client: Option<String>,
}

/// Revokes tokens on all hubs. Connections that live by them are closed with 4503.
#[utoipa::path(
    post, path = "/api/v1/revocations", operation_id = "revoke", tag = "identity", security(("api_key" = [])),
    request_body = Wanted,
    responses(
        (status = 200, body = Shown), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem),
    ),
)]
pub(super) async fn post(
    State(admin): State<Admin>,
    body::Json(wanted): body::Json<Wanted>,
) -> Result<Json<Shown>, Problem> {
    let subject = subject(wanted.token_id, wanted.client)?;
    let seconds = wanted.for_seconds.unwrap_or(DAY);
    if !(1..=YEAR).contains(&seconds) {
        let message = format!("for_seconds is 1 to {YEAR}, got {seconds}");
        return Err(Problem::bad(ErrorCode::BadRequest, "for_seconds", message));
    }
    let now = clock::unix_millis();
    let before = match &subject {
        Subject::Token(_) => 0,
        Subject::Client(_) => wanted.issued_before.unwrap_or(now / 1000),
    };
    let revocation = Revocation { subject, before, until: now + seconds * 1000 };
    admin.control.revoke(revocation.clone(), seconds).await?;
    tracing::info!(subject = ?revocation.subject, until = revocation.until, "revoked through the API");
    Ok(Json(revocation.into()))
}

/// The revocations in force.
#[utoipa::path(
    get, path = "/api/v1/revocations", operation_id = "list_revocations", tag = "identity", security(("api_key" = [])),
    responses((status = 200, body = All), (status = 401, body = Problem)),
)]
pub(super) async fn get(State(admin): State<Admin>) -> Json<All> {
    Json(All { items: admin.control.revocations().into_iter().map(Shown::from).collect() })
}

/// Takes a revocation back: the tokens count again.
#[utoipa::path(
    delete, path = "/api/v1/revocations", operation_id = "restore", tag = "identity", security(("api_key" = [])), params(Which),
    responses(
        (status = 204), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem),
    ),
)]
pub(super) async fn delete(
    State(admin): State<Admin>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(which) =
        which.map_err(|rejection| Problem::bad(ErrorCode::BadRequest, "query", rejection.body_text()))?;
    let subject = subject(which.token_id, which.client)?;
    if !admin.control.restore(subject.clone()).await? {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such revocation"));
    }
    tracing::info!(?subject, "revocation taken back through the API");
    Ok(StatusCode::NO_CONTENT)
}

fn subject(token_id: Option<String>, client: Option<String>) -> Result<Subject, Problem> {
    let bad = |field, message: &str| Err(Problem::bad(ErrorCode::BadRequest, field, message));
    match (token_id, client) {
        (Some(id), None) if id.is_empty() || id.len() > 1024 => bad("token_id", "token_id has 1 to 1024 bytes"),
        (Some(id), None) => Ok(Subject::Token(TokenId::of(&id))),
        (None, Some(client)) => Ok(Subject::Client(client_id(&client, "client")?)),
        _ => bad("token_id", "name either token_id or client"),
    }
}
