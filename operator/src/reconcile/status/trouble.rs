//! A reconcile that failed, in the words of the status: what is known stays, and the failure is told beside it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::api::conditions::{ConditionType, Reason};
use crate::api::v1alpha1::{GoHub, GoHubStatus};
use crate::reconcile::error::Error;

/// What keeps a reconcile from its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Why, of the closed set.
    pub reason: Reason,
    /// In words, the API server's own where it spoke.
    pub message: String,
}

impl Trouble {
    /// What an error means for a user; `None` for what likely heals by itself, unless it `lasts`.
    #[must_use]
    pub fn of(error: &Error, lasts: bool) -> Option<Self> {
        let reason = error.reason().or_else(|| lasts.then_some(Reason::Failing))?;
        Some(Self { reason, message: error.to_string() })
    }
}

/// The status with the trouble in it: degraded, and not ready, because not everything that was asked for could be done.
#[must_use]
pub fn troubled(gohub: &GoHub, mut status: GoHubStatus, trouble: &Trouble, now: &Time) -> GoHubStatus {
    let generation = gohub.metadata.generation.unwrap_or_default();
    let published = || gohub.status.iter().flat_map(|status| &status.conditions);
    status.observed_generation = generation;
    for (kind, value) in [(ConditionType::Ready, "False"), (ConditionType::Degraded, "True")] {
        let kind = kind.to_string();
        // Against what is published: `status` was derived without the trouble and may say that the condition has just turned.
        let same = published().find(|condition| condition.type_ == kind && condition.status == value);
        let condition = Condition {
            last_transition_time: same.map_or(now, |condition| &condition.last_transition_time).clone(),
            message: trouble.message.clone(),
            observed_generation: Some(generation),
            reason: trouble.reason.to_string(),
            status: value.to_owned(),
            type_: kind.clone(),
        };
        match status.conditions.iter_mut().find(|condition| condition.type_ == kind) {
            Some(old) => *old = condition,
            None => status.conditions.push(condition),
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    #[test]
    fn trouble_is_told_once_and_keeps_its_time() {
        let (first, later) = (Time(Timestamp::UNIX_EPOCH), Time(Timestamp::now()));
        let trouble = Trouble { reason: Reason::Refused, message: "exceeded quota".to_owned() };
        let mut gohub = GoHub::default();
        let once = troubled(&gohub, GoHubStatus::default(), &trouble, &first);
        gohub.status = Some(once.clone());
        let healthy = GoHubStatus::default();
        assert_eq!(once, troubled(&gohub, healthy, &trouble, &later), "a trouble that lasts is no news");
        assert_eq!(once.conditions.len(), 2);
        assert!(once.conditions.iter().all(|condition| condition.message == "exceeded quota"));
    }
}
