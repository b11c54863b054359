//! The conditions of a `GoHub` and the reasons they have: a closed set, because scripts and alerts compare them.

use std::fmt;

/// What is said about a `GoHub` as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// Everything that was asked for runs and delivers: what `kubectl wait --for=condition=Ready` waits for.
    Ready,
    /// The etcd cluster takes writes and has all its members.
    EtcdReady,
    /// Every hub runs the configuration that was written last.
    ConfigConverged,
    /// Every hub's delivery canary comes back.
    DeliveryHealthy,
    /// Something is on its way to what was asked for.
    Progressing,
    /// Something is wrong that does not heal by waiting.
    Degraded,
    /// Prometheus has been given what was asked for. Ready does not depend on it: hubs serve without being watched.
    Monitored,
}

impl ConditionType {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::EtcdReady,
        Self::ConfigConverged,
        Self::DeliveryHealthy,
        Self::Progressing,
        Self::Degraded,
        Self::Monitored,
    ];
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a condition is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is missing.
    AsSpecified,
    /// The spec contradicts itself or the cluster; the message names the field. What runs is left alone.
    InvalidSpec,
    /// `spec.paused` is set: nothing is changed.
    Paused,
    /// No hub was asked for.
    ScaledToZero,
    /// Hub pods are missing, or not ready yet.
    HubsNotReady,
    /// Hub pods of an older template still run.
    RollingOut,
    /// The Deployment gave up on a rollout; the older pods go on serving.
    RolloutStuck,
    /// Not every hub has loaded the newest configuration yet.
    ConfigPending,
    /// A hub refused the configuration; the message is the hub's own. The hubs keep the last good one.
    ConfigRefused,
    /// The ConfigMap or Secret that the spec names is not there.
    ReferenceMissing,
    /// This `GoHub` has no etcd.
    EtcdDisabled,
    /// The etcd cluster is somebody else's; the hubs' canaries prove that it works.
    EtcdExternal,
    /// Members are being created, added, removed or restarted, one at a time.
    EtcdChanging,
    /// A member does not answer; the cluster still takes writes.
    EtcdMemberDown,
    /// More than half of the members are gone: nothing is changed until they are back or somebody restores a snapshot.
    QuorumLost,
    /// etcd raised an alarm (no space, corruption).
    EtcdAlarm,
    /// A hub's delivery canary does not come back.
    NotDelivering,
    /// The API server does not know a kind that was asked for. It is made as soon as somebody installs its definition.
    KindMissing,
    /// The API server refused an object, by a rule, a quota, a policy or a missing right; the message is its own.
    Refused,
    /// An object with the name of one of ours is somebody else's.
    NameTaken,
    /// Somebody else keeps writing fields that are the operator's.
    FieldConflict,
    /// The same action fails again and again; the message says which.
    Failing,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_api_conventions_allow() {
        for condition in ConditionType::ALL {
            assert!(condition.to_string().chars().all(char::is_alphanumeric));
        }
        assert_eq!(Reason::QuorumLost.to_string(), "QuorumLost");
    }
}
