//! What no pod of ours may do: the `restricted` Pod Security Standard, and a little more.

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, PodAffinityTerm, PodAntiAffinity, PodSecurityContext, SeccompProfile, SecurityContext,
    TopologySpreadConstraint, WeightedPodAffinityTerm,
};

use super::meta::{self, Component};
use crate::reconcile::plan::Owner;

/// The user and group of our images, which is nobody's on any system.
const NOBODY: i64 = 65532;

/// Of a pod.
#[must_use]
pub fn pod() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(NOBODY),
        run_as_group: Some(NOBODY),
        fs_group: Some(NOBODY),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

/// Of a container.
#[must_use]
pub fn container() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// Pods of a component on different nodes, as far as there are some. Zones are in [`apart`]: the scheduler would leave a node without a zone's
/// label out of all constraints, and where no node has one nothing would be spread.
#[must_use]
pub fn spread(owner: &Owner, component: Component) -> Vec<TopologySpreadConstraint> {
    vec![TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(meta::label_selector(owner, component)),
        ..TopologySpreadConstraint::default()
    }]
}

/// Pods of a component in different zones, as far as there are some.
#[must_use]
pub fn apart(owner: &Owner, component: Component) -> Affinity {
    let term = WeightedPodAffinityTerm {
        weight: 100,
        pod_affinity_term: PodAffinityTerm {
            topology_key: "topology.kubernetes.io/zone".to_owned(),
            label_selector: Some(meta::label_selector(owner, component)),
            ..PodAffinityTerm::default()
        },
    };
    let anti = PodAntiAffinity {
        preferred_during_scheduling_ignored_during_execution: Some(vec![term]),
        ..PodAntiAffinity::default()
    };
    Affinity { pod_anti_affinity: Some(anti), ..Affinity::default() }
}
