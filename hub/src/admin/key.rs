//! Who may use the API: whoever has one of the configured keys.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gohub_settings::Secret;

use super::{Admin, Problem};

const HEADER: &str = "x-api-key";

/// Lets a request pass that has a key, and answers 401 to any other.
pub(super) async fn require(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    match check(&admin, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The same for `/metrics`, which is open unless the settings close it.
pub(super) async fn require_for_metrics(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    if admin.reload.settings().admin.open_metrics {
        next.run(request).await
    } else {
        require(State(admin), request, next).await
    }
}

fn check(admin: &Admin, headers: &HeaderMap) -> Result<(), Problem> {
    let settings = admin.reload.settings();
    let refuse = |message: &str| Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message));
    if settings.admin.api_keys.is_empty() {
        return refuse("no API key is configured, so nobody may use the API: set admin.api_keys");
    }
    let Some(presented) = presented(headers) else {
        return refuse("send an API key: Authorization: Bearer KEY, or X-API-Key: KEY");
    };
    if is_known(presented, &settings.admin.api_keys) {
        return Ok(());
    }
    admin.metrics.net().api_refused.inc();
    tracing::warn!("an API call came with a wrong key");
    refuse("the API key is wrong")
}

fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(key) = headers.get(HEADER) {
        return Some(key.as_bytes());
    }
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| key.trim_ascii())
}

/// Compares digests, which are of one length, in constant time, and looks at every key: the time tells neither how much of a key was
/// right nor which.
fn is_known(presented: &[u8], keys: &[Secret]) -> bool {
    let presented = digest(&SHA256, presented);
    keys.iter().filter(|key| !key.is_empty()).fold(false, |known, key| {
        let key = digest(&SHA256, key.expose().as_bytes());
        verify_slices_are_equal(presented.as_ref(), key.as_ref()).is_ok() | known
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_key_opens() {
        let keys = [Secret::new("first-key-0123456789"), Secret::new("second-key-0123456789")];
        for (presented, opens) in [
            ("first-key-0123456789", true),
            ("second-key-0123456789", true),
            ("first-key-012345678", false),
            ("first-key-01234567890", false),
            ("", false),
        ] {
            assert_eq!(is_known(presented.as_bytes(), &keys), opens, "{presented:?}");
        }
        assert!(!is_known(b"", &[Secret::default()]), "an empty key is none");
    }

    #[test]
    fn both_headers_are_read_and_other_schemes_are_not() {
        let with = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(header::HeaderName::from_static(name), header::HeaderValue::from_static(value))])
        };
        assert_eq!(presented(&with("x-api-key", "k")), Some(&b"k"[..]));
        assert_eq!(presented(&with("authorization", "bearer k")), Some(&b"k"[..]));
        assert_eq!(presented(&with("authorization", "Basic k")), None);
        assert_eq!(presented(&with("authorization", "Bear")), None);
    }
}
