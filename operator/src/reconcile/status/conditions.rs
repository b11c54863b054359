//! Which conditions hold, and why: each part is judged by itself, and Ready is all of them together.

use crate::api::conditions::{ConditionType, Reason};
use crate::api::v1alpha1::{EtcdMode, GoHub};
use crate::etcd::plan::{self, Observation, Step};
use crate::reconcile::kinds;
use crate::reconcile::observed::Observed;
use crate::reconcile::validate::Invalid;

/// A condition before it has a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub kind: ConditionType,
    pub holds: bool,
    pub reason: Reason,
    pub message: String,
}

/// What a hub's complaint of its certificate begins with.
const CERTIFICATE: &str = "server.tls";

/// Whether a part is as it should be, and why not.
type Part = Result<(Reason, String), (Reason, String)>;

fn good(reason: Reason, message: impl Into<String>) -> Part {
    Ok((reason, message.into()))
}

fn bad(reason: Reason, message: impl Into<String>) -> Part {
    Err((reason, message.into()))
}

/// All conditions, in the order of [`ConditionType::ALL`].
pub(super) fn find(gohub: &GoHub, observed: &Observed, invalid: Option<&Invalid>, hash: &str) -> Vec<Finding> {
    let spec = spec(invalid);
    let hubs = hubs(gohub, observed);
    let etcd = etcd(gohub, observed, invalid);
    let config = config(gohub, observed, invalid, hash);
    let delivery = delivery(gohub, observed);
    let parts = [&spec, &hubs, &etcd, &config, &delivery];
    let ready = parts.into_iter().find(|part| part.is_err()).unwrap_or(&hubs).clone();
    // Hubs cannot deliver before the etcd that is being made for them is there: that is progress and no trouble.
    let waits_for_etcd = matches!(&etcd, Err((Reason::EtcdChanging, _)));
    let troubles: Vec<&Part> = parts.iter().copied().filter(|part| !waits_for_etcd || !is_silent(part)).collect();
    let (progressing, degraded) = (progressing(gohub, &parts), degraded(&troubles));
    let finding = |kind, part: Part| {
        let holds = part.is_ok();
        let (reason, message) = part.unwrap_or_else(|why| why);
        Finding { kind, holds, reason, message }
    };
    vec![
        finding(ConditionType::Ready, ready),
        finding(ConditionType::EtcdReady, etcd),
        finding(ConditionType::ConfigConverged, config),
        finding(ConditionType::DeliveryHealthy, delivery),
        finding(ConditionType::Progressing, progressing),
        finding(ConditionType::Degraded, degraded),
        finding(ConditionType::Monitored, monitored(gohub, observed)),
    ]
}

fn is_silent(part: &Part) -> bool {
    matches!(part, Err((Reason::NotDelivering, _)))
}

fn spec(invalid: Option<&Invalid>) -> Part {
    match invalid {
        None => good(Reason::AsSpecified, "the spec is valid"),
        Some(invalid @ Invalid::Field { .. }) => bad(Reason::InvalidSpec, invalid.to_string()),
        Some(invalid @ Invalid::Missing { .. }) => bad(Reason::ReferenceMissing, invalid.to_string()),
    }
}

fn hubs(gohub: &GoHub, observed: &Observed) -> Part {
    let Some(seen) = &observed.deployment else {
        return bad(Reason::HubsNotReady, "the Deployment does not exist yet");
    };
    let wanted = seen.wanted_by_other.unwrap_or(gohub.spec.hub.replicas);
    if let Some(why) = &seen.stuck {
        return bad(Reason::RolloutStuck, why.clone());
    }
    let and_why = |message: String| match &seen.trouble {
        Some(trouble) => format!("{message}; {trouble}"),
        None => message,
    };
    if !seen.current || seen.updated < wanted || seen.replicas != wanted {
        let message = format!("{} of {wanted} hubs run the newest template", seen.updated);
        return bad(Reason::RollingOut, and_why(message));
    }
    if seen.available < wanted {
        return bad(Reason::HubsNotReady, and_why(format!("{} of {wanted} hubs are ready", seen.available)));
    }
    if wanted == 0 {
        return bad(Reason::ScaledToZero, "no hub was asked for: set spec.hub.replicas");
    }
    good(Reason::AsSpecified, format!("{wanted} of {wanted} hubs are ready"))
}

fn etcd(gohub: &GoHub, observed: &Observed, invalid: Option<&Invalid>) -> Part {
    match gohub.spec.etcd.mode {
        EtcdMode::Disabled => return good(Reason::EtcdDisabled, "one hub by itself needs no etcd"),
        EtcdMode::External => {
            return good(Reason::EtcdExternal, "not the operator's: DeliveryHealthy tells whether the hubs can use it");
        }
        EtcdMode::Managed => {}
    }
    let seen = &observed.etcd;
    match &seen.members {
        None if seen.bootstrapped => return bad(Reason::QuorumLost, "no member answers"),
        None => return bad(Reason::EtcdChanging, "the first member has not answered yet"),
        Some(members) if !plan::has_quorum(members) => {
            let silent = silent(seen).join(", ");
            return bad(Reason::QuorumLost, format!("more than half of the members do not answer: {silent}"));
        }
        Some(_) => {}
    }
    if let Some(alarm) = &seen.alarm {
        return bad(Reason::EtcdAlarm, format!("etcd raised the alarm {alarm}"));
    }
    let silent = silent(seen);
    if !silent.is_empty() {
        return bad(Reason::EtcdMemberDown, format!("does not answer: {}", silent.join(", ")));
    }
    if invalid.is_some() {
        // Without a valid spec there is nothing that it could be on its way to.
        return good(Reason::AsSpecified, "every member answers");
    }
    match plan::plan(seen) {
        Step::Done => good(Reason::AsSpecified, format!("{0} of {0} members answer", seen.wanted)),
        step => bad(Reason::EtcdChanging, format!("next: {step}")),
    }
}

/// Names of the voters that do not answer.
fn silent(seen: &Observation) -> Vec<String> {
    let voters = seen.members.iter().flatten().filter(|member| !member.learner && !member.healthy);
    voters.map(|member| member.name.clone()).collect()
}

fn config(gohub: &GoHub, observed: &Observed, invalid: Option<&Invalid>, hash: &str) -> Part {
    if gohub.spec.hub.replicas == 0 && observed.pods.is_empty() {
        return good(Reason::ScaledToZero, "no hub runs");
    }
    // What was asked for is judged by the hubs' own code here as well, and then `hash` is that of the last good one.
    let refused = match invalid {
        Some(Invalid::Field { field, .. }) => invalid.filter(|_| field.starts_with("spec.config")),
        _ => None,
    };
    for pod in &observed.pods {
        let refusal = pod.report.as_ref().and_then(|report| {
            // A hub that has gone back to the wanted file has nothing refused any more. Its certificate is no part of the file.
            let counts =
                |refusal: &&String| refused.is_some() || report.config != hash || refusal.starts_with(CERTIFICATE);
            report.refusal.as_ref().filter(counts)
        });
        if let Some(refusal) = refusal {
            return bad(Reason::ConfigRefused, format!("{} refused it: {refusal}", pod.name));
        }
    }
    if let Some(refused) = refused {
        return bad(Reason::ConfigRefused, refused.to_string());
    }
    let converged = |pod: &&_| is_converged(pod, hash);
    let count = observed.pods.iter().filter(converged).count();
    if observed.pods.is_empty() || count < observed.pods.len() {
        return bad(Reason::ConfigPending, format!("{count} of {} hubs run configuration {hash}", observed.pods.len()));
    }
    good(Reason::AsSpecified, format!("{count} of {count} hubs run configuration {hash}"))
}

fn is_converged(pod: &crate::reconcile::observed::HubPod, hash: &str) -> bool {
    pod.report.as_ref().is_some_and(|report| report.config == hash)
}

fn delivery(gohub: &GoHub, observed: &Observed) -> Part {
    if gohub.spec.hub.replicas == 0 && observed.pods.is_empty() {
        return bad(Reason::ScaledToZero, "no hub runs");
    }
    let healthy =
        |pod: &&crate::reconcile::observed::HubPod| pod.report.as_ref().is_some_and(|report| report.delivering);
    match observed.pods.iter().find(|pod| !healthy(pod)) {
        Some(pod) if pod.report.is_none() => bad(Reason::HubsNotReady, format!("{} does not answer", pod.name)),
        Some(pod) => bad(Reason::NotDelivering, format!("the delivery canary of {} does not come back", pod.name)),
        None if observed.pods.is_empty() => bad(Reason::HubsNotReady, "no hub runs yet"),
        None => good(Reason::AsSpecified, "every hub's delivery canary comes back"),
    }
}

fn monitored(gohub: &GoHub, observed: &Observed) -> Part {
    let asked = &gohub.spec.monitoring;
    let kinds = [
        (kinds::SERVICE_MONITOR, asked.service_monitor, observed.service_monitors),
        (kinds::PROMETHEUS_RULE, asked.rules, observed.prometheus_rules),
    ];
    let unknown: Vec<&str> =
        kinds.iter().filter(|(_, asked, there)| *asked && !there).map(|(kind, ..)| *kind).collect();
    if !unknown.is_empty() {
        let message = format!("the API server does not know {}: nothing watches the hubs yet", unknown.join(" and "));
        return bad(Reason::KindMissing, message);
    }
    let made: Vec<&str> = kinds.iter().filter(|(_, asked, _)| *asked).map(|(kind, ..)| *kind).collect();
    good(Reason::AsSpecified, if made.is_empty() { "nothing was asked for".to_owned() } else { made.join(" and ") })
}

/// The first part that is on its way.
fn progressing(gohub: &GoHub, parts: &[&Part]) -> Part {
    if gohub.spec.paused {
        return bad(Reason::Paused, "spec.paused is set: nothing is changed");
    }
    let on_the_way = [Reason::RollingOut, Reason::HubsNotReady, Reason::ConfigPending, Reason::EtcdChanging];
    let found = parts.iter().filter_map(|part| part.as_ref().err()).find(|(reason, _)| on_the_way.contains(reason));
    match found {
        Some((reason, message)) => good(*reason, message.clone()),
        None => bad(Reason::AsSpecified, "nothing is on its way"),
    }
}

/// The first part that needs somebody.
fn degraded(parts: &[&Part]) -> Part {
    let needs_somebody = [
        Reason::InvalidSpec,
        Reason::ReferenceMissing,
        Reason::RolloutStuck,
        Reason::ConfigRefused,
        Reason::QuorumLost,
        Reason::EtcdAlarm,
        Reason::EtcdMemberDown,
        Reason::NotDelivering,
    ];
    let found = parts.iter().filter_map(|part| part.as_ref().err()).find(|(reason, _)| needs_somebody.contains(reason));
    match found {
        Some((reason, message)) => good(*reason, message.clone()),
        None => bad(Reason::AsSpecified, "nothing needs anybody"),
    }
}
