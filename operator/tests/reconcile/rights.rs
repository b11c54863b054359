//! What a call needs a right to, and whether the operator's roles have it: the API server in memory refuses what a real one would, so that every
//! test is one of the roles, too.

use gohub_operator::access::ACCESS;
use http::Method;

/// A right that a call needs: group, resource with its subresource, verb.
pub(crate) type Right = (String, String, &'static str);

/// What the call needs a right to; `None`: everybody may ask that.
pub(crate) fn needed(method: &Method, path: &str, query: &str) -> Option<Right> {
    let mut parts = path.trim_start_matches('/').split('/');
    let group = match parts.next()? {
        "api" => String::new(),
        "apis" => parts.next()?.to_owned(),
        _ => return None,
    };
    let _version = parts.next()?;
    let mut parts = parts.peekable();
    if parts.peek() == Some(&"namespaces") {
        parts.nth(1);
    }
    let resource = parts.next()?;
    // Everybody may ask what they may do.
    if group == "authorization.k8s.io" {
        return None;
    }
    let name = parts.next();
    let resource = parts.next().map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}"));
    let verb = match (method.as_str(), name) {
        ("GET", Some(_)) => "get",
        ("GET", None) if query.contains("watch=") => "watch",
        ("GET", None) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", Some(_)) => "delete",
        ("DELETE", None) => "deletecollection",
        _ => return None,
    };
    Some((group, resource, verb))
}

/// Whether the operator's roles have it.
pub(crate) fn is_granted((group, resource, verb): &Right) -> bool {
    ACCESS.iter().any(|row| row.group == group && row.resource == resource && row.verbs.contains(verb))
}

#[test]
fn a_call_needs_the_right_that_a_real_api_server_asks_for() {
    for (method, path, query, expected) in [
        (Method::GET, "/api/v1/namespaces/demo/pods/a", "", Some(("", "pods", "get"))),
        (Method::GET, "/api/v1/pods", "limit=5", Some(("", "pods", "list"))),
        (
            Method::GET,
            "/apis/apps/v1/namespaces/demo/deployments",
            "watch=true",
            Some(("apps", "deployments", "watch")),
        ),
        (Method::POST, "/api/v1/namespaces/demo/pods/a/eviction", "", Some(("", "pods/eviction", "create"))),
        (
            Method::PATCH,
            "/apis/gohub.io/v1alpha1/namespaces/demo/gohubs/x/status",
            "",
            Some(("gohub.io", "gohubs/status", "patch")),
        ),
        (Method::DELETE, "/api/v1/namespaces/demo/secrets", "", Some(("", "secrets", "deletecollection"))),
        (Method::GET, "/apis/apps/v1", "", None),
        (Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "", None),
    ] {
        let expected = expected.map(|(group, resource, verb)| (group.to_owned(), resource.to_owned(), verb));
        assert_eq!(needed(&method, path, query), expected, "{method} {path}");
    }
    assert!(!is_granted(&(String::new(), "nodes".to_owned(), "get")));
}
