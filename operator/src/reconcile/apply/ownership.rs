//! Whose an object is, and whose a field is.

use std::collections::BTreeSet;

use kube::ResourceExt;
use kube::api::DynamicObject;

use super::FIELD_MANAGER;
use crate::api::KIND;
use crate::reconcile::error::Error;
use crate::reconcile::plan::Owner;

/// Whether the object is ours to write. One whose label or owner reference was taken away by hand is still known by our field manager.
///
/// # Errors
/// If it is somebody else's, or of an older `GoHub` of the same name and about to be collected.
pub(super) fn check(owner: &Owner, live: &DynamicObject) -> Result<(), Error> {
    let taken = |whose: String| Error::NameTaken { kind: kind(live), name: live.name_any(), whose };
    let owners = live.owner_references();
    if owners.iter().any(|reference| reference.uid == owner.uid) {
        return Ok(());
    }
    match owners.iter().find(|reference| reference.controller == Some(true)) {
        Some(other) if other.kind == KIND && other.name == owner.name => {
            Err(Error::Leftover { kind: kind(live), name: live.name_any() })
        }
        Some(other) => Err(taken(format!("{} {:?} owns it", other.kind, other.name))),
        None if is_managed(live) => Ok(()),
        None => Err(taken("it was not made by the operator".to_owned())),
    }
}

fn is_managed(live: &DynamicObject) -> bool {
    live.managed_fields().iter().any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER))
}

fn kind(live: &DynamicObject) -> String {
    live.types.as_ref().map(|types| types.kind.clone()).unwrap_or_default()
}

/// What an API server says when others own fields that were applied with another value.
#[derive(Debug, Default)]
pub(super) struct Conflict {
    managers: BTreeSet<String>,
    /// Paths such as `.spec.replicas`.
    pub fields: BTreeSet<String>,
    /// Whether one of them writes through the scale subresource, as autoscalers do.
    pub by_scale: bool,
}

impl Conflict {
    /// The conflict of an answer; `None` if it is about something else than fields.
    pub(super) fn of(error: &kube::Error) -> Option<Self> {
        let kube::Error::Api(status) = error else { return None };
        let mut conflict = Self::default();
        let causes = status.details.iter().flat_map(|details| &details.causes);
        for cause in causes.filter(|cause| cause.reason == "FieldManagerConflict") {
            // conflict with "kubectl-edit" with subresource "scale" using apps/v1
            conflict.managers.extend(cause.message.split('"').nth(1).map(str::to_owned));
            conflict.by_scale |= cause.message.contains("subresource \"scale\"");
            conflict.fields.insert(cause.field.clone());
        }
        Some(conflict).filter(|conflict| !conflict.fields.is_empty())
    }

    pub(super) fn managers(&self) -> String {
        self.managers.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    pub(super) fn fields(&self) -> String {
        self.fields.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    pub(super) fn into_error(self, kind: &str, name: &str) -> Error {
        Error::Contested {
            kind: kind.to_owned(),
            name: name.to_owned(),
            managers: self.managers(),
            fields: self.fields(),
        }
    }
}
