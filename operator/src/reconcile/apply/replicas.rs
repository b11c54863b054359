//! The number of hub pods when an autoscaler of somebody else's steers our Deployment: two that write one number would fight for ever.

use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::Value;

use super::{FIELD_MANAGER, Wanted};

/// Leaves the number to the autoscaler. It is left out only once somebody else is known to own it: an applied field that nobody else owns
/// falls back to its default when it is left out, and one pod would be left of many.
pub(super) fn leave_to_autoscaler(wanted: &mut Wanted, live: Option<&DynamicObject>, scaled_by_other: bool) {
    if !scaled_by_other || wanted.resource.kind != "Deployment" {
        return;
    }
    let Some(live) = live else { return };
    let Some(spec) = wanted.body.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if is_owned_by_other(live) {
        spec.remove("replicas");
    } else if let Some(now) = live.data.pointer("/spec/replicas") {
        spec.insert("replicas".to_owned(), now.clone());
    }
}

fn is_owned_by_other(live: &DynamicObject) -> bool {
    let mut others = live.managed_fields().iter().filter(|entry| {
        entry.manager.as_deref() != Some(FIELD_MANAGER) || entry.subresource.as_deref() == Some("scale")
    });
    others.any(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some()))
}
