//! A room as the back end sees it: who is in it, and what was said there.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::lists::{page, valid};
use super::publish::room_name;
use super::{Admin, Failure, Problem};
use crate::inventory::Missing;
use crate::protocol::{ClientId, ErrorCode, Offset};
use crate::shard::Page;

/// Messages of an answer when the call does not say how many.
const DEFAULT_LIMIT: usize = 100;

/// Which part of the members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersPart {
    /// Most clients, 1 to 1000; 100 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryPart {
    /// Most messages, 1 to `limits.max_page`; 100 without it.
    limit: Option<usize>,
    /// Those after this offset, oldest first; without it the newest.
    since: Option<String>,
}

/// Who is in a room.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Members {
    /// The room.
    room: String,
    /// This page: each client once, in the order of their names.
    clients: Vec<String>,
    /// What to ask for next (`?after=`); absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Clients in the room, on all hubs that answered.
    total: u64,
    /// Hubs that did not answer: their clients are not here.
    missing: Vec<Missing>,
}

/// What was said in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct History {
    /// The room.
    room: String,
    /// The life of the log that the offsets belong to: those of another cannot be compared.
    epoch: String,
    /// The newest offset of the log.
    #[schema(example = "17-0")]
    offset: String,
    /// The messages as clients get them in the JSON form, oldest first.
    #[schema(value_type = Vec<Object>)]
    messages: Vec<Box<RawValue>>,
    /// Whether nothing that was asked for is missing. `false`: some is not kept any more, or did not fit.
    complete: bool,
}

/// Who is in a room, on all hubs.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/members", operation_id = "list_members", tag = "inventory", security(("api_key" = [])),
    params(("room" = String, Path, description = "The room."), MembersPart),
    responses((status = 200, body = Members), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn members(
    State(admin): State<Admin>,
    Path(room): Path<String>,
    part: Result<Query<MembersPart>, QueryRejection>,
) -> Result<Json<Members>, Problem> {
    let MembersPart { limit, after } = valid(part)?;
    let page = page(limit, after)?;
    let (all, missing) = admin.control.members(room_name(&room, "room")?).await?;
    let from = page.after.as_deref().map_or(0, |after| all.partition_point(|client| client.as_str() <= after));
    let clients: Vec<String> = all[from..].iter().take(page.limit).map(ClientId::to_string).collect();
    let next = (from + clients.len() < all.len()).then(|| clients.last().cloned()).flatten();
    Ok(Json(Members { room, clients, next, total: all.len() as u64, missing }))
}

/// What was said in a room, as far as the hub that is asked still has it; all hubs have the same, but one that started later has less.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/history", operation_id = "get_history", tag = "inventory", security(("api_key" = [])),
    params(("room" = String, Path, description = "The room."), HistoryPart),
    responses((status = 200, body = History), (status = 400, body = Problem), (status = 401, body = Problem), (status = 504, body = Problem)),
)]
pub(super) async fn history(
    State(admin): State<Admin>,
    Path(room): Path<String>,
    part: Result<Query<HistoryPart>, QueryRejection>,
) -> Result<Json<History>, Problem> {
    let HistoryPart { limit, since } = valid(part)?;
    let max = admin.reload.settings().limits.max_page as usize;
    let limit = limit.unwrap_or(DEFAULT_LIMIT.min(max));
    if !(1..=max).contains(&limit) {
        let message = format!("limit is 1 to {max} (limits.max_page), got {limit}");
        return Err(Problem::bad(ErrorCode::BadRequest, "limit", message));
    }
    let page = match since {
        None => Page::Last(limit),
        Some(text) => {
            let bad = |_| Problem::bad(ErrorCode::BadRequest, "since", format!("since is an offset, got {text:?}"));
            Page::Since(text.parse::<Offset>().map_err(bad)?, limit)
        }
    };
    let found = admin.control.history(room_name(&room, "room")?, page).await?;
    let raw = |message: Vec<u8>| String::from_utf8(message).ok().and_then(|text| RawValue::from_string(text).ok());
    let messages: Option<Vec<_>> = found.messages.into_iter().map(raw).collect();
    let messages = messages.ok_or_else(|| Failure::new(ErrorCode::Internal, "a message of the log is no JSON"))?;
    Ok(Json(History {
        room,
        epoch: found.epoch.as_str().to_owned(),
        offset: found.offset.to_string(),
        messages,
        complete: found.complete,
    }))
}
