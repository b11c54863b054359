//! Kubernetes events: one for what turned, under a reason that stays, and none for what merely goes on.
//!
//! An event is a courtesy. One that cannot be written is logged and never fails a reconcile.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use crate::api::conditions::ConditionType;
use crate::api::v1alpha1::GoHubStatus;
use crate::api::{GROUP, KIND, VERSION};
use crate::reconcile::apply::{Change, Changed};
use crate::reconcile::build::meta;
use crate::reconcile::plan::Owner;

/// Longest note that an API server takes.
const LONGEST_NOTE: usize = 1000;

/// Writes events in the operator's name.
#[derive(Clone)]
pub struct Events(Recorder);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// Events of this operator; `instance` is its pod.
    #[must_use]
    pub fn new(client: kube::Client, instance: Option<String>) -> Self {
        Self(Recorder::new(client, Reporter { controller: meta::OPERATOR.to_owned(), instance }))
    }

    /// Tells which conditions turned.
    pub async fn turned(&self, owner: &Owner, before: Option<&GoHubStatus>, after: &GoHubStatus) {
        for event in turns(before, after) {
            self.write(owner, event).await;
        }
    }

    /// Tells what was taken back from somebody who had changed it.
    pub async fn reverted(&self, owner: &Owner, changes: &[Changed]) {
        for changed in changes.iter().filter(|changed| changed.change == Change::Reverted) {
            let note =
                format!("{} {:?} had been changed or removed by hand and is as specified", changed.kind, changed.name);
            let object = ObjectReference {
                kind: Some(changed.kind.clone()),
                name: Some(changed.name.clone()),
                namespace: Some(owner.namespace.clone()),
                ..ObjectReference::default()
            };
            let event = event(EventType::Warning, "Reverted", "Apply", note);
            // Named beside the GoHub, or the second object would only count as the first one once more.
            self.write(owner, Event { secondary: Some(object), ..event }).await;
        }
    }

    /// Tells of a step of the managed etcd cluster.
    pub async fn stepped(&self, owner: &Owner, reason: &str, note: String) {
        self.write(owner, event(EventType::Normal, reason, "EtcdStep", note)).await;
    }

    async fn write(&self, owner: &Owner, event: Event) {
        if let Err(error) = self.0.publish(&event, &reference(owner)).await {
            tracing::warn!(%error, reason = event.reason, "the event could not be written");
        }
    }
}

fn reference(owner: &Owner) -> ObjectReference {
    ObjectReference {
        api_version: Some(format!("{GROUP}/{VERSION}")),
        kind: Some(KIND.to_owned()),
        name: Some(owner.name.clone()),
        namespace: Some(owner.namespace.clone()),
        uid: Some(owner.uid.clone()),
        ..ObjectReference::default()
    }
}

fn event(type_: EventType, reason: &str, action: &str, note: String) -> Event {
    let note = match note.char_indices().nth(LONGEST_NOTE) {
        Some((end, _)) => note[..end].to_owned(),
        None => note,
    };
    Event { type_, reason: reason.to_owned(), note: Some(note), action: action.to_owned(), secondary: None }
}

/// Ready and Degraded together say everything that turns; of Degraded also another reason counts, because it is another trouble.
fn turns(before: Option<&GoHubStatus>, after: &GoHubStatus) -> Vec<Event> {
    let find = |status: &GoHubStatus, kind: ConditionType| {
        status.conditions.iter().find(|condition| condition.type_ == kind.to_string()).cloned()
    };
    let was = |kind| before.and_then(|status| find(status, kind));
    let mut events = Vec::new();
    let is_degraded = find(after, ConditionType::Degraded).is_some_and(|condition| condition.status == "True");
    // A rollout that was asked for is no reason for concern.
    let concern = if is_degraded { EventType::Warning } else { EventType::Normal };
    if let Some(ready) = find(after, ConditionType::Ready) {
        let before = was(ConditionType::Ready).is_some_and(|condition| condition.status == "True");
        match ready.status == "True" {
            true if !before => events.push(event(EventType::Normal, "Ready", "Reconcile", ready.message)),
            false if before => events.push(event(concern, "NotReady", "Reconcile", ready.message)),
            _ => {}
        }
    }
    if let Some(degraded) = find(after, ConditionType::Degraded) {
        let before = was(ConditionType::Degraded).filter(|condition| condition.status == "True");
        match (degraded.status == "True", before) {
            (true, before) if before.as_ref().is_none_or(|before| before.reason != degraded.reason) => {
                events.push(event(EventType::Warning, &degraded.reason, "Reconcile", degraded.message));
            }
            (false, Some(before)) => {
                events.push(event(EventType::Normal, "Recovered", "Reconcile", format!("{} is over", before.reason)));
            }
            _ => {}
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn status(ready: bool, degraded: Option<&str>) -> GoHubStatus {
        let condition = |kind: ConditionType, holds: bool, reason: &str| Condition {
            type_: kind.to_string(),
            status: if holds { "True" } else { "False" }.to_owned(),
            reason: reason.to_owned(),
            message: "words".to_owned(),
            observed_generation: None,
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
        };
        let conditions = vec![
            condition(ConditionType::Ready, ready, "AsSpecified"),
            condition(ConditionType::Degraded, degraded.is_some(), degraded.unwrap_or("AsSpecified")),
        ];
        GoHubStatus { conditions, ..GoHubStatus::default() }
    }

    fn reasons(before: Option<&GoHubStatus>, after: &GoHubStatus) -> Vec<String> {
        turns(before, after).into_iter().map(|event| event.reason).collect()
    }

    #[test]
    fn an_event_is_for_what_turned_and_nothing_else() {
        assert!(reasons(None, &status(false, None)).is_empty(), "what begins is not ready, and nobody need be told");
        assert_eq!(reasons(Some(&status(false, None)), &status(true, None)), ["Ready"]);
        assert!(reasons(Some(&status(true, None)), &status(true, None)).is_empty());
        assert_eq!(reasons(Some(&status(true, None)), &status(false, Some("QuorumLost"))), ["NotReady", "QuorumLost"]);
        let (one, other) = (status(false, Some("QuorumLost")), status(false, Some("EtcdAlarm")));
        assert!(reasons(Some(&one), &one).is_empty());
        assert_eq!(reasons(Some(&one), &other), ["EtcdAlarm"]);
        assert_eq!(reasons(Some(&other), &status(true, None)), ["Ready", "Recovered"]);
    }
}
