//! Everything the operator asks of the API server, in one table: the chart's roles and the self-check at start both read it.
//!
//! A right that is missing shows itself late and oddly (a watch that stays silent, a child that is never pruned), so each is asked for
//! by name before anything else is done. What is not here is not used.

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every namespace that is watched.
    Watched,
    /// In the operator's own namespace alone.
    Own,
}

/// A resource and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// API group; the core group is the empty text.
    pub group: &'static str,
    /// Plural of the kind, with its subresource behind a slash.
    pub resource: &'static str,
    /// What is done.
    pub verbs: &'static [&'static str],
    /// Where.
    pub scope: Scope,
}

/// Server-side apply creates by `patch` and `create`; pruning deletes; a watch begins with a list.
const CHILD: &[&str] = &["create", "delete", "get", "list", "patch", "watch"];

const fn row(group: &'static str, resource: &'static str, verbs: &'static [&'static str]) -> Access {
    Access { group, resource, verbs, scope: Scope::Watched }
}

const fn own(group: &'static str, resource: &'static str, verbs: &'static [&'static str]) -> Access {
    Access { scope: Scope::Own, ..row(group, resource, verbs) }
}

/// All of it, in the order of the groups.
pub const ACCESS: &[Access] = &[
    row("", "configmaps", CHILD),
    row("", "persistentvolumeclaims", CHILD),
    row("", "pods", CHILD),
    // A member is restarted by eviction, which asks its disruption budget.
    row("", "pods/eviction", &["create"]),
    row("", "secrets", CHILD),
    row("", "serviceaccounts", CHILD),
    row("", "services", CHILD),
    row("apps", "deployments", CHILD),
    row("autoscaling", "horizontalpodautoscalers", CHILD),
    own("coordination.k8s.io", "leases", &["create", "get", "update"]),
    row("events.k8s.io", "events", &["create", "patch"]),
    row("gohub.io", "gohubs", &["get", "list", "watch"]),
    // A child names its owner with `blockOwnerDeletion`, which some API servers allow only to who may change the owner's finalizers.
    row("gohub.io", "gohubs/finalizers", &["update"]),
    row("gohub.io", "gohubs/status", &["patch"]),
    row("monitoring.coreos.com", "prometheusrules", CHILD),
    row("monitoring.coreos.com", "servicemonitors", CHILD),
    row("networking.k8s.io", "ingresses", CHILD),
    row("networking.k8s.io", "networkpolicies", CHILD),
    row("policy", "poddisruptionbudgets", CHILD),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_stands_once_with_sorted_verbs() {
        let names: Vec<_> = ACCESS.iter().map(|access| (access.group, access.resource)).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(ACCESS.iter().all(|access| access.verbs.is_sorted()));
    }

    #[test]
    fn nothing_is_asked_for_that_reaches_beyond_the_operators_task() {
        for access in ACCESS {
            assert!(!access.verbs.contains(&"*") && access.resource != "*" && access.group != "*", "{access:?}");
            assert!(!["deletecollection", "bind", "escalate", "impersonate"].iter().any(|v| access.verbs.contains(v)));
            assert_ne!(access.group, "rbac.authorization.k8s.io");
        }
    }
}
