//! What the API says when it cannot do what was asked: one shape for every refusal.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::control::Failure;
use crate::protocol::ErrorCode;

/// Why a call was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A word for programs: one of the protocol's error codes, or `unauthorized`, `not_found`, `method_not_allowed`, `invalid_config`.
    pub code: String,
    /// The same for people.
    pub message: String,
    /// The field, parameter or setting it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The HTTP status, not repeated in the body.
    #[serde(skip)]
    pub(super) status: StatusCode,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), field: None, retryable: false, status }
    }

    /// A mistake in the call, about `field`.
    pub(super) fn bad(code: ErrorCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Failure::new(code, message).into() }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self {
            retryable: failure.code.retryable(),
            ..Self::new(status(failure.code), failure.code.name(), failure.message)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::BadRoom
        | ErrorCode::BadClient
        | ErrorCode::UnknownMessage
        | ErrorCode::NotJoined => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::RateLimited | ErrorCode::TooManyRooms => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::ClientUnknown | ErrorCode::HistoryUnavailable => StatusCode::NOT_FOUND,
        ErrorCode::Overloaded | ErrorCode::BusUnavailable | ErrorCode::Degraded | ErrorCode::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::HandlerFailed => StatusCode::BAD_GATEWAY,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
