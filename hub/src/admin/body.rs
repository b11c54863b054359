//! Reads a request's body: bounded in bytes and in time, and refused with the field's name.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::{Admin, Problem};
use crate::protocol::ErrorCode;

/// Time a caller has to send a body.
const TIME: Duration = Duration::from_secs(10);

/// The body as it came.
pub(super) struct Raw(pub Bytes);

/// The body as JSON of one shape, whatever its content type says.
pub(super) struct Json<T>(pub T);

impl FromRequest<Admin> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, admin: &Admin) -> Result<Self, Problem> {
        let limit = admin.reload.settings().admin.max_body;
        match tokio::time::timeout(TIME, to_bytes(request.into_body(), limit.as_usize())).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            // The only errors are a body over the limit and a connection that broke, which nobody reads the answer of.
            Ok(Err(_)) => Err(Problem::bad(
                ErrorCode::TooLarge,
                "body",
                format!("the body is larger than admin.max_body ({limit})"),
            )),
            Err(_) => {
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come within ten seconds"))
            }
        }
    }
}

impl<T: DeserializeOwned> FromRequest<Admin> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, admin: &Admin) -> Result<Self, Problem> {
        let Raw(bytes) = Raw::from_request(request, admin).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let message = error.to_string();
            // serde quotes a field it complains about: "unknown field `x`, expected ..."
            let field = message.contains("field `").then(|| message.split('`').nth(1).unwrap_or_default().to_owned());
            Problem { field, ..Problem::new(StatusCode::BAD_REQUEST, "bad_request", message.clone()) }
        })
    }
}
