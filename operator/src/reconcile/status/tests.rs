//! Each part is broken in turn, and Ready must say so.

use super::*;
use crate::api::conditions::ConditionType;
use crate::etcd::plan::{Home, Observation, Pod};
use crate::reconcile::observed::{Deployment, Keys, Report};
use crate::reconcile::validate::validate;

fn gohub() -> GoHub {
    let text = "
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat, namespace: demo, uid: 0f0e, generation: 7 }
spec: { hub: { replicas: 2 } }
";
    let mut gohub: GoHub = serde_yaml::from_str(text).unwrap();
    // It ran well before: a spec that is refused now leaves the file of then in force.
    let config = ConfigStatus { hash: hash(), summary: String::new() };
    gohub.status = Some(GoHubStatus { config, ..GoHubStatus::default() });
    gohub
}

fn hash() -> String {
    gohub_settings::Settings::default().hash()
}

/// A cluster in which everything is as it was asked for.
fn healthy() -> Observed {
    let report = Report { config: hash(), refusal: None, delivering: true, connections: 5 };
    let pod = |name: &str| HubPod { name: name.to_owned(), ready: true, report: Some(report.clone()) };
    let home = Home { pod: Some(Pod { template: "t".to_owned(), ..Pod::default() }), volume: true, ..Home::default() };
    let member = Member { id: 255, name: "0".to_owned(), leader: true, healthy: true, ..Member::default() };
    Observed {
        keys: Keys { peer: "peer-key-for-the-tests".to_owned(), admin: "admin-key-for-the-tests".to_owned() },
        service_monitors: true,
        prometheus_rules: true,
        deployment: Some(Deployment { current: true, replicas: 2, updated: 2, available: 2, ..Deployment::default() }),
        pods: vec![pod("chat-a"), pod("chat-b")],
        etcd: Observation {
            wanted: 1,
            template: "t".to_owned(),
            bootstrapped: true,
            members: Some(vec![member]),
            homes: [("0".to_owned(), home)].into(),
            ..Observation::default()
        },
        ..Observed::default()
    }
}

fn at(second: i64) -> Time {
    serde_json::from_value(serde_json::json!(format!("2026-01-01T00:00:{second:02}Z"))).unwrap()
}

fn status(gohub: &GoHub, observed: &Observed) -> GoHubStatus {
    derive(gohub, observed, validate(gohub, observed).as_ref(), &at(1))
}

/// `Ready=False HubsNotReady` and so on.
fn shown(status: &GoHubStatus, kind: ConditionType) -> String {
    let condition = status.conditions.iter().find(|condition| condition.type_ == kind.to_string()).unwrap();
    format!("{} {}", condition.status, condition.reason)
}

#[test]
fn all_is_well() {
    let status = status(&gohub(), &healthy());
    let all: Vec<_> = ConditionType::ALL.iter().map(|kind| shown(&status, *kind)).collect();
    let good = "True AsSpecified";
    assert_eq!(all, [good, good, good, good, "False AsSpecified", "False AsSpecified", good], "{status:#?}");
    assert_eq!((status.hub.summary.as_str(), status.hub.connections), ("2/2", 10));
    assert_eq!((status.etcd.summary.as_str(), status.config.summary.as_str()), ("1/1", "2/2"));
    assert_eq!(status.etcd.members[0].id, "ff");
    assert_eq!(status.hub.selector.split(',').count(), 3, "autoscalers select the hubs of this GoHub alone");
    assert_eq!(status.observed_generation, 7);
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(7)));
}

#[test]
fn every_part_that_breaks_takes_ready_away() {
    type Break = fn(&mut GoHub, &mut Observed);
    let table: &[(&str, &str, &str, Break)] = &[
        ("False InvalidSpec", "False AsSpecified", "True InvalidSpec", |g, _| g.spec.etcd.managed.replicas = 2),
        ("False ReferenceMissing", "False AsSpecified", "True ReferenceMissing", |g, _| {
            g.spec.config_from = serde_yaml::from_str("name: mine").unwrap();
        }),
        ("False HubsNotReady", "True HubsNotReady", "False AsSpecified", |_, o| o.deployment = None),
        ("False RollingOut", "True RollingOut", "False AsSpecified", |_, o| {
            o.deployment.as_mut().unwrap().current = false;
        }),
        ("False RollingOut", "True RollingOut", "False AsSpecified", |g, _| g.spec.hub.replicas = 3),
        ("False RollingOut", "True RollingOut", "False AsSpecified", |_, o| {
            o.deployment.as_mut().unwrap().replicas = 3;
        }),
        ("False HubsNotReady", "True HubsNotReady", "False AsSpecified", |_, o| {
            o.deployment.as_mut().unwrap().available = 1;
        }),
        ("False RolloutStuck", "False AsSpecified", "True RolloutStuck", |_, o| {
            o.deployment.as_mut().unwrap().stuck = Some("image not found".to_owned());
        }),
        ("False QuorumLost", "False AsSpecified", "True QuorumLost", |_, o| o.etcd.members = None),
        ("False EtcdChanging", "True EtcdChanging", "False AsSpecified", |_, o| {
            o.etcd.members = None;
            o.etcd.bootstrapped = false;
        }),
        ("False QuorumLost", "False AsSpecified", "True QuorumLost", |_, o| {
            o.etcd.members.as_mut().unwrap()[0].healthy = false;
        }),
        ("False EtcdAlarm", "False AsSpecified", "True EtcdAlarm", |_, o| o.etcd.alarm = Some("NOSPACE".to_owned())),
        ("False EtcdChanging", "True EtcdChanging", "False AsSpecified", |_, o| o.etcd.wanted = 3),
        ("False ConfigPending", "True ConfigPending", "False AsSpecified", |_, o| {
            o.pods[1].report.as_mut().unwrap().config = "another".to_owned();
        }),
        ("False ConfigRefused", "False AsSpecified", "True ConfigRefused", |_, o| {
            let report = o.pods[1].report.as_mut().unwrap();
            (report.config, report.refusal) = ("another".to_owned(), Some("server.path: must not be".to_owned()));
        }),
        ("False NotDelivering", "False AsSpecified", "True NotDelivering", |_, o| {
            o.pods[0].report.as_mut().unwrap().delivering = false;
        }),
        ("False ConfigPending", "True ConfigPending", "False AsSpecified", |_, o| o.pods[0].report = None),
        ("False ScaledToZero", "False AsSpecified", "False AsSpecified", |g, o| {
            g.spec.hub.replicas = 0;
            o.pods.clear();
            o.deployment = Some(Deployment { current: true, ..Deployment::default() });
        }),
    ];
    for (number, (ready, progressing, degraded, break_)) in table.iter().enumerate() {
        let (mut gohub, mut observed) = (gohub(), healthy());
        break_(&mut gohub, &mut observed);
        let status = status(&gohub, &observed);
        let found =
            [ConditionType::Ready, ConditionType::Progressing, ConditionType::Degraded].map(|k| shown(&status, k));
        assert_eq!(found, [*ready, *progressing, *degraded], "row {number}: {status:#?}");
    }
}

#[test]
fn the_hubs_own_words_are_shown() {
    let mut observed = healthy();
    let report = observed.pods[1].report.as_mut().unwrap();
    (report.config, report.refusal) =
        ("old".to_owned(), Some("limits.max_rooms: must be at least 1, got 0".to_owned()));
    let status = status(&gohub(), &observed);
    assert_eq!(status.conditions[2].message, "chat-b refused it: limits.max_rooms: must be at least 1, got 0");
    assert_eq!(status.pods[1].refusal, "limits.max_rooms: must be at least 1, got 0");
    assert_eq!(status.config.summary, "refused");
}

#[test]
fn a_hub_that_says_nothing_is_not_counted_as_one_that_runs_the_configuration() {
    let mut observed = healthy();
    observed.pods[1].report = None;
    assert_eq!(status(&gohub(), &observed).config.summary, "1/2");
}

#[test]
fn a_configuration_that_is_refused_before_it_is_written_is_not_converged() {
    let (mut gohub, mut observed) = (gohub(), healthy());
    // As it is without a plan.
    (observed.etcd.wanted, observed.etcd.template) = (0, String::new());
    gohub.spec.config = Some(serde_yaml::from_str("drain: { settle: 11m }").unwrap());
    let refused = status(&gohub, &observed);
    assert_eq!(shown(&refused, ConditionType::ConfigConverged), "False ConfigRefused");
    assert!(refused.conditions[2].message.contains("spec.config.drain.settle"), "{}", refused.conditions[2].message);
    assert_eq!(shown(&refused, ConditionType::Ready), "False InvalidSpec");
    assert_eq!(shown(&refused, ConditionType::EtcdReady), "True AsSpecified", "nothing is wrong with etcd");
    assert_eq!(
        refused.config.summary, "refused",
        "all run the last good one, and `kubectl get` must not call that converged"
    );
}

#[test]
fn a_pod_that_does_not_run_is_named_while_the_rollout_goes_on() {
    let mut observed = healthy();
    let deployment = observed.deployment.as_mut().unwrap();
    (deployment.updated, deployment.replicas) = (1, 3);
    deployment.trouble = Some("chat-c: ErrImagePull: no such image".to_owned());
    deployment.waits_for.clone_from(&deployment.trouble);
    let status = status(&gohub(), &observed);
    let message = "1 of 2 hubs run the newest template; chat-c: ErrImagePull: no such image";
    assert_eq!(status.conditions[0].message, message);
    assert_eq!(status.hub.waiting_for, "chat-c: ErrImagePull: no such image");
}

#[test]
fn a_condition_keeps_its_time_until_it_turns_and_the_same_input_gives_the_same_status() {
    let (mut gohub, mut observed) = (gohub(), healthy());
    gohub.status = Some(status(&gohub, &observed));
    let again = derive(&gohub, &observed, validate(&gohub, &observed).as_ref(), &at(30));
    assert_eq!(Some(&again), gohub.status.as_ref(), "a status that changes by itself is written for ever");
    observed.deployment.as_mut().unwrap().available = 1;
    let turned = derive(&gohub, &observed, validate(&gohub, &observed).as_ref(), &at(30));
    assert_eq!(turned.conditions[0].last_transition_time, at(30));
    assert_eq!(turned.conditions[1].last_transition_time, at(1));
}

#[test]
fn monitoring_that_nobody_knows_is_said_and_costs_no_readiness() {
    let (mut gohub, mut observed) = (gohub(), healthy());
    (observed.service_monitors, observed.prometheus_rules) = (false, false);
    let without = status(&gohub, &observed);
    assert_eq!(shown(&without, ConditionType::Monitored), "False KindMissing");
    assert!(without.conditions[6].message.contains("ServiceMonitor and PrometheusRule"), "{without:#?}");
    assert_eq!(shown(&without, ConditionType::Ready), "True AsSpecified");
    assert_eq!(shown(&without, ConditionType::Degraded), "False AsSpecified");
    (gohub.spec.monitoring.service_monitor, gohub.spec.monitoring.rules) = (false, false);
    assert_eq!(shown(&status(&gohub, &observed), ConditionType::Monitored), "True AsSpecified");
}

#[test]
fn paused_is_said_and_what_runs_is_still_judged() {
    let mut gohub = gohub();
    gohub.spec.paused = true;
    let status = status(&gohub, &healthy());
    assert_eq!(shown(&status, ConditionType::Progressing), "False Paused");
    assert_eq!(shown(&status, ConditionType::Ready), "True AsSpecified");
}
