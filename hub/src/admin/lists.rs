//! Who is here: connections, rooms and hubs, and the way to send somebody away.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::control::{ClientFilter, Kicked};
use super::publish::{client_id, room_name};
use super::{Admin, Problem};
use crate::inventory::{ClientInfo, Listing, MAX_PAGE, NodeInfo, Page, RoomInfo, Scope};
use crate::protocol::ErrorCode;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only this hub; without it the whole cluster is asked, and `missing` names the hubs that did not answer.
    node: Option<String>,
    /// Most items, 1 to 1000; 100 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ClientPart {
    /// Only this hub; without it the whole cluster is asked, and `missing` names the hubs that did not answer.
    node: Option<String>,
    /// Most items, 1 to 1000; 100 without it.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Only connections of this client.
    client: Option<String>,
    /// Only connections in this room.
    room: Option<String>,
}

/// Which connections are closed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct KickPart {
    /// Only on this hub.
    node: Option<String>,
    /// Only the connection with this id (as the list of clients shows it).
    connection: Option<u64>,
}

/// Connections, by client.
#[utoipa::path(
    get, path = "/api/v1/clients", operation_id = "list_clients", tag = "inventory", security(("api_key" = [])), params(ClientPart),
    responses((status = 200, body = Listing<ClientInfo>), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn clients(
    State(admin): State<Admin>,
    part: Result<Query<ClientPart>, QueryRejection>,
) -> Result<Json<Listing<ClientInfo>>, Problem> {
    let part = valid(part)?;
    let filter = ClientFilter {
        client: part.client.map(|client| client_id(&client, "client")).transpose()?,
        room: part.room.map(|room| room_name(&room, "room")).transpose()?,
    };
    Ok(Json(admin.control.clients(scope(part.node), filter, page(part.limit, part.after)?).await?))
}

/// Rooms somebody is in, by name.
#[utoipa::path(
    get, path = "/api/v1/rooms", operation_id = "list_rooms", tag = "inventory", security(("api_key" = [])), params(Part),
    responses((status = 200, body = Listing<RoomInfo>), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn rooms(
    State(admin): State<Admin>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Listing<RoomInfo>>, Problem> {
    let part = valid(part)?;
    Ok(Json(admin.control.rooms(scope(part.node), page(part.limit, part.after)?).await?))
}

/// The hubs, by node id.
#[utoipa::path(
    get, path = "/api/v1/nodes", operation_id = "list_nodes", tag = "inventory", security(("api_key" = [])), params(Part),
    responses((status = 200, body = Listing<NodeInfo>), (status = 400, body = Problem), (status = 401, body = Problem)),
)]
pub(super) async fn nodes(
    State(admin): State<Admin>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Listing<NodeInfo>>, Problem> {
    let part = valid(part)?;
    let mut listing = admin.control.nodes(page(part.limit, part.after)?).await?;
    if let Some(only) = part.node {
        listing.items.retain(|node| node.node == only);
        listing.missing.retain(|node| node.node == only);
    }
    Ok(Json(listing))
}

/// Closes a client's connections and tells its SDK not to come back.
#[utoipa::path(
    delete, path = "/api/v1/clients/{id}", operation_id = "kick_client", tag = "inventory", security(("api_key" = [])),
    params(("id" = String, Path, description = "The client."), KickPart),
    responses(
        (status = 200, body = Kicked), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem),
    ),
)]
pub(super) async fn kick(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    part: Result<Query<KickPart>, QueryRejection>,
) -> Result<Json<Kicked>, Problem> {
    let part = valid(part)?;
    let kicked = admin.control.kick(scope(part.node), client_id(&id, "id")?, part.connection).await?;
    if kicked.connections == 0 && kicked.missing.is_empty() {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            ErrorCode::ClientUnknown.name(),
            "no such client is connected",
        ));
    }
    tracing::info!(client = %id, connections = kicked.connections, "client kicked through the API");
    Ok(Json(kicked))
}

pub(super) fn valid<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    match query {
        Ok(Query(part)) => Ok(part),
        Err(rejection) => Err(Problem::bad(ErrorCode::BadRequest, "query", rejection.body_text())),
    }
}

pub(super) fn scope(node: Option<String>) -> Scope {
    node.map_or(Scope::Cluster, Scope::Node)
}

pub(super) fn page(limit: Option<usize>, after: Option<String>) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(Page::default().limit);
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(Page { limit, after });
    }
    Err(Problem::bad(ErrorCode::BadRequest, "limit", format!("limit is 1 to {MAX_PAGE}, got {limit}")))
}
