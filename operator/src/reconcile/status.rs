//! What is told the user: derived from what was asked for and what was seen, and from nothing that is merely hoped.
//!
//! A condition is `True` only when the pods really are so: the hubs' own answers decide, not what was written last.

mod conditions;
mod trouble;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::build::etcd_member;
use super::build::meta::{self, Component};
use super::observed::{HubPod, Observed};
use super::plan::{Owner, Plan};
use super::validate::Invalid;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::v1alpha1::{ConfigStatus, EtcdMember, EtcdMode, EtcdStatus, GoHub, GoHubStatus, HubStatus, PodStatus};
use crate::etcd::plan::Member;
use conditions::Finding;
pub use trouble::{Trouble, troubled};

/// The status. `now` is only used for conditions that turned.
#[must_use]
pub fn derive(gohub: &GoHub, observed: &Observed, verdict: Result<&Plan, &Invalid>, now: &Time) -> GoHubStatus {
    let before = gohub.status.clone().unwrap_or_default();
    // While the spec is refused, the file that was written last is still the one to run.
    let hash = verdict.map_or(before.config.hash.clone(), |plan| plan.config.hash.clone());
    let generation = gohub.metadata.generation.unwrap_or_default();
    let findings = conditions::find(gohub, observed, verdict.err(), &hash);
    GoHubStatus {
        observed_generation: generation,
        conditions: findings
            .iter()
            .map(|finding| {
                let generation = judged(observed, finding.kind, generation, &before.conditions);
                condition(finding, generation, &before.conditions, now)
            })
            .collect(),
        hub: hub(gohub, observed),
        etcd: etcd(gohub, observed),
        config: config(observed, &findings, hash),
        pods: observed.pods.iter().map(pod).collect(),
    }
}

/// The generation that a finding is about. While a pause holds something back, all but `Progressing` is about the one that was applied last:
/// `kubectl wait` does not take it for news of the spec as it is.
fn judged(observed: &Observed, kind: ConditionType, generation: i64, before: &[Condition]) -> i64 {
    if !observed.held_back || kind == ConditionType::Progressing {
        return generation;
    }
    let last = before.iter().find(|condition| condition.type_ == kind.to_string());
    last.and_then(|condition| condition.observed_generation).unwrap_or(generation)
}

/// A condition whose time is that of its last turn.
fn condition(finding: &Finding, generation: i64, before: &[Condition], now: &Time) -> Condition {
    let (kind, status) = (finding.kind.to_string(), if finding.holds { "True" } else { "False" }.to_owned());
    let same = before.iter().find(|condition| condition.type_ == kind && condition.status == status);
    Condition {
        last_transition_time: same.map_or(now, |condition| &condition.last_transition_time).clone(),
        message: finding.message.clone(),
        observed_generation: Some(generation),
        reason: finding.reason.to_string(),
        status,
        type_: kind,
    }
}

fn hub(gohub: &GoHub, observed: &Observed) -> HubStatus {
    let seen = observed.deployment.clone().unwrap_or_default();
    let connections = observed.pods.iter().filter_map(|pod| pod.report.as_ref()).map(|report| report.connections).sum();
    HubStatus {
        replicas: seen.replicas,
        updated: seen.updated,
        ready: seen.available,
        connections,
        selector: meta::selector_text(&owner(gohub), Component::Hub),
        summary: format!(
            "{}/{}",
            seen.updated.min(seen.available),
            seen.wanted_by_other.unwrap_or(gohub.spec.hub.replicas)
        ),
        waiting_for: seen.waits_for.unwrap_or_default(),
    }
}

fn owner(gohub: &GoHub) -> Owner {
    Owner {
        name: gohub.metadata.name.clone().unwrap_or_default(),
        namespace: gohub.metadata.namespace.clone().unwrap_or_default(),
        uid: gohub.metadata.uid.clone().unwrap_or_default(),
    }
}

fn etcd(gohub: &GoHub, observed: &Observed) -> EtcdStatus {
    let members = match gohub.spec.etcd.mode {
        EtcdMode::Managed => observed.etcd.members.as_deref().unwrap_or_default(),
        EtcdMode::Disabled => return EtcdStatus { summary: "none".to_owned(), ..EtcdStatus::default() },
        EtcdMode::External => return EtcdStatus { summary: "external".to_owned(), ..EtcdStatus::default() },
    };
    let ready = members.iter().filter(|member| member.healthy && !member.learner).count();
    let owner = owner(gohub);
    let mut listed: Vec<EtcdMember> = members.iter().map(|one| member(&owner, one)).collect();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    EtcdStatus {
        ready: i32::try_from(ready).unwrap_or(i32::MAX),
        members: listed,
        alarms: observed.etcd.alarm.iter().cloned().collect(),
        summary: format!("{ready}/{}", gohub.spec.etcd.managed.replicas),
    }
}

fn member(owner: &Owner, member: &Member) -> EtcdMember {
    let role = match (member.learner, member.leader) {
        (true, _) => "learner",
        (false, true) => "leader",
        (false, false) => "voter",
    };
    EtcdMember {
        name: etcd_member::name(owner, &member.name),
        id: format!("{:x}", member.id),
        role: role.to_owned(),
        healthy: member.healthy,
    }
}

fn config(observed: &Observed, findings: &[Finding], hash: String) -> ConfigStatus {
    // All hubs may well run the last good one: that is not what was asked for.
    let refused = findings.iter().any(|finding| finding.reason == Reason::ConfigRefused);
    let is_converged = |pod: &&HubPod| pod.report.as_ref().is_some_and(|report| report.config == hash);
    let converged = observed.pods.iter().filter(is_converged).count();
    let summary = if refused { "refused".to_owned() } else { format!("{converged}/{}", observed.pods.len()) };
    ConfigStatus { hash, summary }
}

fn pod(pod: &HubPod) -> PodStatus {
    let report = pod.report.clone().unwrap_or_default();
    PodStatus {
        name: pod.name.clone(),
        ready: pod.ready,
        config: report.config,
        refusal: report.refusal.unwrap_or_default(),
        connections: report.connections,
    }
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
