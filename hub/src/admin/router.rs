//! Which path is which handler, and the OpenAPI document of it: both from one registration, so they cannot differ.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gohub_settings::ApiScope;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Admin, Problem, clients, config, drain, health, key, lists, log_level, publish, revocations, rooms, why};

/// Time any call has: longer than every wait inside the hub, so that its own answer comes first.
const TIME: Duration = Duration::from_secs(30);

/// The OpenAPI document of the admin listener.
#[must_use]
pub fn openapi() -> OpenApi {
    let parts = parts().into_iter().fold(probes().merge(scrape()), |all, (_, part)| all.merge(part));
    described(parts.split_for_parts().1)
}

/// All of the admin listener's paths.
pub fn router(admin: Admin) -> Router {
    let document = openapi();
    let open = Router::from(probes());
    let scraped = Router::from(scrape()).route_layer(from_fn_with_state(admin.clone(), key::require_for_metrics));
    let keyed = parts().into_iter().fold(Router::new(), |all, (scope, part)| {
        let guard = key::Guard { admin: admin.clone(), scope };
        all.merge(Router::from(part).route_layer(from_fn_with_state(guard, key::require)))
    });
    open.merge(scraped)
        .merge(keyed)
        .route("/api/v1/openapi.json", get(async move || Json(document)))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not take that method")
        })
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(admin.clone(), counted))
        .with_state(admin)
}

fn probes() -> OpenApiRouter<Admin> {
    OpenApiRouter::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::accepting))
}

fn scrape() -> OpenApiRouter<Admin> {
    OpenApiRouter::new().routes(routes!(health::metrics))
}

/// The server API by what a key must open.
fn parts() -> [(ApiScope, OpenApiRouter<Admin>); 4] {
    let publish = OpenApiRouter::new()
        .routes(routes!(publish::broadcast))
        .routes(routes!(publish::room))
        .routes(routes!(publish::client))
        .routes(routes!(publish::batch));
    let read = OpenApiRouter::new()
        .routes(routes!(lists::clients))
        .routes(routes!(lists::rooms))
        .routes(routes!(lists::nodes))
        .routes(routes!(rooms::members))
        .routes(routes!(rooms::history))
        .routes(routes!(why::why));
    let manage = OpenApiRouter::new()
        .routes(routes!(lists::kick))
        .routes(routes!(clients::refresh))
        .routes(routes!(clients::join, clients::leave))
        .routes(routes!(revocations::post, revocations::get, revocations::delete));
    let operate = OpenApiRouter::new()
        .routes(routes!(config::get))
        .routes(routes!(config::check))
        .routes(routes!(log_level::get, log_level::put))
        .routes(routes!(drain::post));
    [(ApiScope::Publish, publish), (ApiScope::Read, read), (ApiScope::Manage, manage), (ApiScope::Operate, operate)]
}

fn described(api: OpenApi) -> OpenApi {
    let info = InfoBuilder::new()
        .title("gohub admin API")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(LicenseBuilder::new().name("MIT").build()))
        .description(Some("Health, metrics and the server API of a gohub, on its admin listener (`admin.addr`)."));
    let mut components = api.components.unwrap_or_default();
    components.add_security_scheme(
        "api_key",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("One of `admin.api_keys`, or of `admin.scoped_keys` with the scope of the call; the header `X-API-Key` does as well."))
                .build(),
        ),
    );
    OpenApiBuilder::new().info(info.build()).paths(api.paths).components(Some(components)).build()
}

/// No call hangs for ever, whatever the hub waits for.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem {
            retryable: true,
            ..Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "the hub did not answer in time")
        }
        .into_response(),
    }
}

async fn counted(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    admin.metrics.net().api_answers.inc(response.status().as_u16());
    response
}
