//! Who may use the API: whoever has one of the configured keys.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gohub_settings::{Admin as AdminSettings, ApiScope, Secret};

use super::{Admin, Problem};

const HEADER: &str = "x-api-key";

/// What a request must show a key for.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) admin: Admin,
    pub(super) scope: ApiScope,
}

/// Lets a request pass that has a key for its part of the API; answers 401 to one without a key, and 403 to one with a key for another part.
pub(super) async fn require(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match check(&guard.admin, request.headers(), Some(guard.scope)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The same for `/metrics`, which is open unless the settings close it; then any key does.
pub(super) async fn require_for_metrics(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    if admin.reload.settings().admin.open_metrics {
        return next.run(request).await;
    }
    match check(&admin, request.headers(), None) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(admin: &Admin, headers: &HeaderMap, scope: Option<ApiScope>) -> Result<(), Problem> {
    let settings = admin.reload.settings();
    let keys = &settings.admin;
    let refuse = |message: &str| Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message));
    if keys.api_keys.is_empty() && keys.scoped_keys.is_empty() {
        return refuse("no API key is configured, so nobody may use the API: set admin.api_keys");
    }
    let Some(presented) = presented(headers) else {
        return refuse("send an API key: Authorization: Bearer KEY, or X-API-Key: KEY");
    };
    match judge(presented, keys, scope) {
        Verdict::Good => Ok(()),
        Verdict::OtherScope => {
            let message = "this API key does not open this call (admin.scoped_keys)";
            Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", message))
        }
        Verdict::Unknown => {
            admin.metrics.net().api_refused.inc();
            tracing::warn!("an API call came with a wrong key");
            refuse("the API key is wrong")
        }
    }
}

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    OtherScope,
    Unknown,
}

/// Every key is looked at, whichever is found.
fn judge(presented: &[u8], keys: &AdminSettings, scope: Option<ApiScope>) -> Verdict {
    let mut verdict = if is_known(presented, &keys.api_keys) { Verdict::Good } else { Verdict::Unknown };
    for scoped in &keys.scoped_keys {
        if is_known(presented, std::slice::from_ref(&scoped.key)) {
            let is_enough = scope.is_none_or(|scope| scoped.scopes.contains(&scope));
            verdict = if is_enough { Verdict::Good } else { Verdict::OtherScope };
        }
    }
    verdict
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
    use gohub_settings::ScopedKey;

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

    #[test]
    fn a_scoped_key_opens_its_part_alone() {
        let scoped = |key: &str, scopes: &[ApiScope]| ScopedKey { key: Secret::new(key), scopes: scopes.to_vec() };
        let keys = AdminSettings {
            api_keys: vec![Secret::new("the-key-of-everything")],
            scoped_keys: vec![
                scoped("a-key-that-publishes", &[ApiScope::Publish]),
                scoped("a-key-that-looks-and-kicks", &[ApiScope::Read, ApiScope::Manage]),
            ],
            ..AdminSettings::default()
        };
        use ApiScope::{Manage, Operate, Publish, Read};
        for (key, opened) in [
            ("the-key-of-everything", &[Publish, Read, Manage, Operate][..]),
            ("a-key-that-publishes", &[Publish]),
            ("a-key-that-looks-and-kicks", &[Read, Manage]),
        ] {
            for scope in [Publish, Read, Manage, Operate] {
                let expected = if opened.contains(&scope) { Verdict::Good } else { Verdict::OtherScope };
                assert_eq!(judge(key.as_bytes(), &keys, Some(scope)), expected, "{key} {scope:?}");
            }
            assert_eq!(judge(key.as_bytes(), &keys, None), Verdict::Good);
        }
        assert_eq!(judge(b"nobody's-key", &keys, None), Verdict::Unknown);
    }
}
