//! What can go wrong while a `GoHub` is reconciled, and what that means: who can mend it, and when it is worth trying again.

use std::time::Duration;

use crate::api::conditions::Reason;

/// A reconcile that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not do what was asked.
    #[error("cannot {action}: {source}")]
    Api {
        /// What was tried, such as `list secrets`.
        action: String,
        /// What it said.
        #[source]
        source: Box<kube::Error>,
    },
    /// An object with the name of ours is somebody else's.
    #[error("{kind} {name:?} is somebody else's ({whose}): it is left alone, so rename it or this GoHub")]
    NameTaken {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// Who seems to own it.
        whose: String,
    },
    /// An object is of an older `GoHub` of the same name, and Kubernetes is about to collect it.
    #[error("{kind} {name:?} is of an older GoHub of this name, and not collected yet")]
    Leftover {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// Another writer keeps setting a field of ours.
    #[error("{managers} keeps writing fields of {kind} {name:?} that are the operator's: {fields}")]
    Contested {
        /// The object's kind.
        kind: String,
        /// Its name.
        name: String,
        /// Who, as field managers.
        managers: String,
        /// Which fields.
        fields: String,
    },
    /// An object has no JSON form, or the API server gave one that is not of its kind.
    #[error("cannot {action}: {source}")]
    Json {
        /// What was tried.
        action: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The `GoHub` is not what its definition says, as one of an older definition may be.
    #[error("the spec cannot be read: {0}")]
    Unreadable(String),
    /// The system gave no random numbers for a new key.
    #[error("the system gave no random numbers for a key")]
    Random,
    /// A certificate could not be made.
    #[error("cannot make the certificates of etcd: {0}")]
    Certificates(String),
    /// The managed etcd cluster could not be looked at or changed.
    #[error("etcd: {message}")]
    Etcd {
        /// What was tried and what happened.
        message: String,
        /// What kind of failure it is.
        class: Class,
    },
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Likely gone soon by itself: the API server is busy, away or restarting.
    Transient,
    /// The API server refused the request itself, by a rule, a quota, a policy or a missing right. Somebody must change something.
    Refused,
    /// Somebody else writes the same.
    Conflict,
    /// The namespace is going away: nothing more will be made in it.
    Terminating,
    /// What was to be changed is gone.
    Gone,
}

impl Class {
    /// The class as a label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::Terminating => "terminating",
            Self::Gone => "gone",
        }
    }

    /// First and longest pause before the next try.
    #[must_use]
    pub fn pauses(self) -> (Duration, Duration) {
        let (first, longest) = match self {
            Self::Transient | Self::Gone => (500, 60_000),
            Self::Conflict => (1_000, 60_000),
            Self::Refused => (2_000, 120_000),
            Self::Terminating => (30_000, 300_000),
        };
        (Duration::from_millis(first), Duration::from_millis(longest))
    }
}

impl Error {
    /// An answer of the API server.
    pub fn api(action: impl Into<String>, source: kube::Error) -> Self {
        Self::Api { action: action.into(), source: Box::new(source) }
    }

    /// What it means.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Api { source, .. } => class_of(source),
            Self::NameTaken { .. } | Self::Contested { .. } => Class::Conflict,
            Self::Json { .. } | Self::Unreadable(_) | Self::Certificates(_) => Class::Refused,
            Self::Random | Self::Leftover { .. } => Class::Transient,
            Self::Etcd { class, .. } => *class,
        }
    }

    /// The reason under which a user is told, and `None` while it is not worth telling.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::NameTaken { .. } => Some(Reason::NameTaken),
            Self::Unreadable(_) => Some(Reason::InvalidSpec),
            Self::Contested { .. } => Some(Reason::FieldConflict),
            other => match other.class() {
                Class::Refused => Some(Reason::Refused),
                Class::Conflict => Some(Reason::FieldConflict),
                Class::Transient | Class::Terminating | Class::Gone => None,
            },
        }
    }
}

/// What an answer of the API server means.
#[must_use]
pub fn class_of(error: &kube::Error) -> Class {
    let kube::Error::Api(status) = error else { return Class::Transient };
    let terminating = || {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes.clone().any(|cause| cause.reason == "NamespaceTerminating")
            || status.message.contains("being terminated")
    };
    match status.code {
        403 | 409 if terminating() => Class::Terminating,
        409 => Class::Conflict,
        404 => Class::Gone,
        408 | 410 | 429 => Class::Transient,
        400..=499 => Class::Refused,
        _ => Class::Transient,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn answers_fall_into_the_class_that_says_who_mends_them() {
        let answer = |code, message: &str| kube::Error::Api(Status::failure(message, "").with_code(code).boxed());
        for (code, message, class) in [
            (429, "slow down", Class::Transient),
            (410, "too old resource version", Class::Transient),
            (500, "etcdserver: leader changed", Class::Transient),
            (503, "", Class::Transient),
            (404, "namespaces \"a\" not found", Class::Gone),
            (409, "conflict with \"helm\"", Class::Conflict),
            (403, "exceeded quota", Class::Refused),
            (422, "spec.selector: field is immutable", Class::Refused),
            (403, "unable to create new content in namespace a because it is being terminated", Class::Terminating),
        ] {
            assert_eq!(class_of(&answer(code, message)), class, "{code} {message}");
        }
    }
}
