//! `(GoHub, Observed)` to a [`Plan`], or to the field that is wrong and how to mend it.
//!
//! The API server has refused most of this by schema and CEL already. What slips in all the same (an older definition, a server without
//! CEL, a rule that needs the hub's own code) must not touch what runs, so it is judged again here, before anything is built.

mod config;
mod etcd_version;
mod scheduling;

pub use scheduling::{is_object_name, quantity};

use crate::api::v1alpha1::{Etcd as EtcdSpec, EtcdMode, GoHub, GoHubSpec};

use super::observed::{Missing, Observed};
use super::plan::{Etcd, Owner, Plan};

/// Longest name: the longest suffix we add, and the hash that a Deployment's pods get, must still fit into 63 characters.
const LONGEST_NAME: usize = 40;

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The spec is wrong.
    #[error("{field}: {message}")]
    Field {
        /// Where, from the top of the object.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// What the spec names does not exist.
    #[error("{field}: {message}")]
    Missing {
        /// Where it is named.
        field: String,
        /// What is missing.
        message: String,
    },
}

fn refuse<T>(field: impl Into<String>, message: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid::Field { field: field.into(), message: message.into() })
}

/// What is to be.
///
/// # Errors
/// The first field that is wrong, or names what does not exist.
pub fn validate(gohub: &GoHub, observed: &Observed) -> Result<Plan, Invalid> {
    let owner = owner(gohub)?;
    let spec = &gohub.spec;
    hub(spec)?;
    let etcd = etcd(spec, observed)?;
    let config = config::resolve(spec, observed, &owner, &etcd)?;
    if let Some(Missing { field, message }) = observed.missing.first() {
        return Err(Invalid::Missing { field: (*field).to_owned(), message: message.clone() });
    }
    let mut monitoring = spec.monitoring.clone();
    between("spec.monitoring.intervalSeconds", monitoring.interval_seconds, 1, 3600)?;
    scheduling::labels("spec.monitoring.labels", &monitoring.labels)?;
    scheduling::labels("spec.networkPolicy.monitoringNamespaces", &spec.network_policy.monitoring_namespaces)?;
    monitoring.service_monitor &= observed.service_monitors;
    monitoring.rules &= observed.prometheus_rules;
    // Where nobody scrapes, a dashboard has nothing to show.
    monitoring.dashboard &= observed.service_monitors;
    Ok(Plan {
        owner,
        family: observed.family,
        hub: spec.hub.clone(),
        autoscaling: spec.hub.autoscaling.clone(),
        config,
        service: spec.service.clone(),
        rollout: spec.rollout.clone(),
        etcd,
        monitoring,
        network_policy: spec.network_policy.clone(),
        keys: observed.keys.clone(),
    })
}

fn owner(gohub: &GoHub) -> Result<Owner, Invalid> {
    let meta = &gohub.metadata;
    let name = meta.name.clone().unwrap_or_default();
    if !scheduling::is_label(&name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return refuse(
            "metadata.name",
            format!(
                "must begin with a letter and have only a-z, 0-9 and '-', because Services are named after it, got {name:?}"
            ),
        );
    }
    if name.len() > LONGEST_NAME {
        return refuse("metadata.name", format!("must have at most {LONGEST_NAME} characters, got {}", name.len()));
    }
    match (&meta.namespace, &meta.uid) {
        (Some(namespace), Some(uid)) => Ok(Owner { name, namespace: namespace.clone(), uid: uid.clone() }),
        _ => refuse("metadata", "has no namespace or uid: it does not come from an API server"),
    }
}

fn between(field: &str, given: i32, least: i32, most: i32) -> Result<(), Invalid> {
    if (least..=most).contains(&given) {
        return Ok(());
    }
    refuse(field, format!("must be from {least} to {most}, got {given}"))
}

fn image(field: &str, image: &str) -> Result<(), Invalid> {
    if image.is_empty() || image.contains(char::is_whitespace) {
        return refuse(field, format!("must be the name of an image, got {image:?}"));
    }
    Ok(())
}

fn hub(spec: &GoHubSpec) -> Result<(), Invalid> {
    let hub = &spec.hub;
    image("spec.hub.image", &hub.image)?;
    between("spec.hub.replicas", hub.replicas, 0, 1000)?;
    let disabled = spec.etcd.mode == EtcdMode::Disabled;
    if disabled && hub.replicas > 1 {
        return refuse(
            "spec.hub.replicas",
            "more than one hub needs etcd to exchange messages: set etcd.mode to Managed or External",
        );
    }
    if let Some(bounds) = &hub.autoscaling {
        if disabled {
            return refuse("spec.hub.autoscaling", "needs etcd: set etcd.mode to Managed or External");
        }
        between("spec.hub.autoscaling.minReplicas", bounds.min_replicas, 1, 1000)?;
        between("spec.hub.autoscaling.maxReplicas", bounds.max_replicas, 1, 1000)?;
        between("spec.hub.autoscaling.targetCpuPercent", bounds.target_cpu_percent, 1, 100)?;
        if bounds.min_replicas > bounds.max_replicas {
            let (least, most) = (bounds.min_replicas, bounds.max_replicas);
            return refuse(
                "spec.hub.autoscaling.minReplicas",
                format!("must not be above maxReplicas ({most}), got {least}"),
            );
        }
        let requests = hub.resources.requests.as_ref();
        if !requests.is_some_and(|requests| requests.contains_key("cpu")) {
            return refuse("spec.hub.autoscaling", "needs hub.resources.requests.cpu: the aim is a share of it");
        }
    }
    scheduling::resources("spec.hub.resources", &hub.resources)?;
    scheduling::labels("spec.hub.nodeSelector", &hub.node_selector)?;
    scheduling::annotations("spec.hub.podAnnotations", &hub.pod_annotations)?;
    scheduling::annotations("spec.service.annotations", &spec.service.annotations)?;
    if let Some(secret) = &hub.tls_secret {
        scheduling::object_name("spec.hub.tlsSecret", secret)?;
    }
    between("spec.service.port", spec.service.port, 1, 65535)?;
    if let Some(ingress) = &spec.service.ingress {
        scheduling::ingress("spec.service.ingress", ingress)?;
    }
    between("spec.rollout.maxSurge", spec.rollout.max_surge, 1, 100)?;
    between("spec.rollout.minReadySeconds", spec.rollout.min_ready_seconds, 0, 3600)?;
    between("spec.rollout.progressDeadlineSeconds", spec.rollout.progress_deadline_seconds, 60, 86400)?;
    if spec.rollout.progress_deadline_seconds <= spec.rollout.min_ready_seconds {
        return refuse(
            "spec.rollout.progressDeadlineSeconds",
            "must be above minReadySeconds, or no rollout ever succeeds",
        );
    }
    Ok(())
}

fn etcd(spec: &GoHubSpec, observed: &Observed) -> Result<Etcd, Invalid> {
    let EtcdSpec { mode, managed, external } = &spec.etcd;
    if external.is_some() && *mode != EtcdMode::External {
        return refuse("spec.etcd.external", "is only for mode External: remove it, or change mode");
    }
    match mode {
        EtcdMode::Disabled => Ok(Etcd::Disabled),
        EtcdMode::Managed => {
            if !matches!(managed.replicas, 1 | 3 | 5) {
                return refuse("spec.etcd.managed.replicas", format!("must be 1, 3 or 5, got {}", managed.replicas));
            }
            image("spec.etcd.managed.image", &managed.image)?;
            etcd_version::judge("spec.etcd.managed.image", &managed.image, observed.etcd.members.as_deref())?;
            scheduling::volume_size("spec.etcd.managed.storage.size", &managed.storage.size)?;
            if let Some(class) = &managed.storage.class_name {
                scheduling::object_name("spec.etcd.managed.storage.className", class)?;
            }
            scheduling::resources("spec.etcd.managed.resources", &managed.resources)?;
            scheduling::labels("spec.etcd.managed.nodeSelector", &managed.node_selector)?;
            let voters = observed.etcd.members.iter().flatten().filter(|member| !member.learner).count();
            Ok(Etcd::Managed {
                spec: Box::new(managed.clone()),
                certificates: Box::new(observed.certificates.clone()),
                voters,
                // Members that answer are a cluster: from then on an operator that finds nothing knows that something was lost.
                bootstrapped: observed.etcd.bootstrapped || observed.etcd.members.is_some(),
            })
        }
        EtcdMode::External => {
            let Some(external) = external else {
                return refuse("spec.etcd.external", "must name the endpoints when mode is External");
            };
            if external.endpoints.is_empty() {
                return refuse("spec.etcd.external.endpoints", "must name at least one member");
            }
            for (i, endpoint) in external.endpoints.iter().enumerate() {
                let field = format!("spec.etcd.external.endpoints[{i}]");
                if endpoint.contains(',') {
                    return refuse(field, "is one endpoint: write the next one as its own entry");
                }
                if external.tls_secret.is_some() && !endpoint.starts_with("https://") {
                    return refuse(
                        field,
                        "must begin with https:// with tlsSecret: a hub never falls back to plain text",
                    );
                }
            }
            if let Some(secret) = &external.tls_secret {
                scheduling::object_name("spec.etcd.external.tlsSecret", secret)?;
            }
            Ok(Etcd::External(external.clone()))
        }
    }
}
