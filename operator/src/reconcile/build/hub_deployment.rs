//! The hub pods. What is loaded while running is mounted, never `subPath`: kubelet does not update those.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, Container, ContainerPort, HTTPGetAction, KeyToPath, PodSpec, PodTemplateSpec, Probe,
    SecretVolumeSource, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::hub_environment::{self, ADMIN_PORT, ETCD_DIRECTORY, PEER_PORT, PUBLIC_PORT, TLS_DIRECTORY};
use super::meta::{self, Component};
use super::{config_file, restrictions};
use crate::reconcile::plan::{Plan, Source};

const CONFIG_DIRECTORY: &str = "/etc/gohub/config";
/// Seconds between the longest drain and the kill: time to write the last close frames and log lines.
const GRACE: u64 = 15;

/// The Deployment.
#[must_use]
pub fn build(plan: &Plan) -> Deployment {
    let strategy = RollingUpdateDeployment {
        max_surge: Some(IntOrString::Int(plan.rollout.max_surge)),
        max_unavailable: Some(IntOrString::Int(0)),
    };
    Deployment {
        metadata: meta::owned(&plan.owner, "", Component::Hub),
        spec: Some(DeploymentSpec {
            replicas: Some(plan.hub.replicas),
            selector: meta::label_selector(&plan.owner, Component::Hub),
            min_ready_seconds: Some(plan.rollout.min_ready_seconds),
            progress_deadline_seconds: Some(plan.rollout.progress_deadline_seconds),
            revision_history_limit: Some(3),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(strategy),
            }),
            template: template(plan),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn template(plan: &Plan) -> PodTemplateSpec {
    let mut annotations = plan.hub.pod_annotations.clone();
    // The one setting that is not hot: a pod that has it otherwise is an old pod.
    annotations.insert(meta::RESTART.to_owned(), format!("server.shards={}", plan.config.settings.server.shards));
    let drain = plan.config.settings.drain.longest().as_millis().div_ceil(1000) + GRACE;
    let spec = PodSpec {
        containers: vec![container(plan)],
        volumes: Some(volumes(plan).into_iter().map(|(volume, _)| volume).collect()),
        service_account_name: Some(plan.owner.name.clone()),
        automount_service_account_token: Some(false),
        // Else every Service of the namespace would become a variable, and some begin with GOHUB_.
        enable_service_links: Some(false),
        termination_grace_period_seconds: i64::try_from(drain).ok(),
        security_context: Some(restrictions::pod()),
        affinity: Some(restrictions::apart(&plan.owner, Component::Hub)),
        topology_spread_constraints: Some(restrictions::spread(&plan.owner, Component::Hub)),
        node_selector: Some(plan.hub.node_selector.clone()).filter(|map| !map.is_empty()),
        tolerations: Some(plan.hub.tolerations.clone()).filter(|list| !list.is_empty()),
        image_pull_secrets: Some(plan.hub.image_pull_secrets.clone()).filter(|list| !list.is_empty()),
        priority_class_name: plan.hub.priority_class_name.clone(),
        ..PodSpec::default()
    };
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(meta::labels(&plan.owner, Component::Hub)),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(spec),
    }
}

fn container(plan: &Plan) -> Container {
    let mut ports = vec![port("public", PUBLIC_PORT), port("admin", ADMIN_PORT)];
    if plan.etcd.is_enabled() {
        ports.push(port("peer", PEER_PORT));
    }
    Container {
        name: "hub".to_owned(),
        image: Some(plan.hub.image.clone()),
        args: Some(vec!["--config".to_owned(), format!("{CONFIG_DIRECTORY}/{}", config_file::FILE)]),
        env: Some(hub_environment::build(plan)),
        ports: Some(ports),
        resources: Some(plan.hub.resources.clone()),
        volume_mounts: Some(volumes(plan).into_iter().map(|(_, mount)| mount).collect()),
        security_context: Some(restrictions::container()),
        // A hub that is cut from etcd is not ready and is left alive: a restart would only drop its clients.
        readiness_probe: Some(probe("/readyz", 5, 2)),
        liveness_probe: Some(probe("/livez", 10, 6)),
        startup_probe: Some(probe("/livez", 1, 60)),
        ..Container::default()
    }
}

fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort { name: Some(name.to_owned()), container_port: number, ..ContainerPort::default() }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("admin".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

/// Each volume with its place.
fn volumes(plan: &Plan) -> Vec<(Volume, VolumeMount)> {
    let at = |name: &str, path: &str| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    };
    let secret = |name: &str, secret: String| Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret),
            default_mode: Some(0o440),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    };
    let ours = meta::name(&plan.owner, config_file::SUFFIX);
    let config = match &plan.config.source {
        Source::Secret(_) => secret("config", ours),
        Source::Plain(_) => config_map(ours, config_file::FILE),
        Source::Theirs { name, key } => config_map(name.clone(), key),
    };
    let mut all = vec![(config, at("config", CONFIG_DIRECTORY))];
    if let Some(name) = &plan.hub.tls_secret {
        all.push((secret("tls", name.clone()), at("tls", TLS_DIRECTORY)));
    }
    if let Some(name) = hub_environment::tls_secret(&plan.owner, &plan.etcd) {
        all.push((secret("etcd", name), at("etcd", ETCD_DIRECTORY)));
    }
    all
}

fn config_map(name: String, key: &str) -> Volume {
    let item = KeyToPath { key: key.to_owned(), path: config_file::FILE.to_owned(), mode: None };
    Volume {
        name: "config".to_owned(),
        config_map: Some(ConfigMapVolumeSource { name, items: Some(vec![item]), ..ConfigMapVolumeSource::default() }),
        ..Volume::default()
    }
}
