//! The hubs' configuration: judged by the hub's own code, together with the variables that the operator gives every pod.

use gohub_settings::{Settings, SettingsError, diff};
use serde_yaml::Value;

use super::{Invalid, refuse};
use crate::api::v1alpha1::GoHubSpec;
use crate::reconcile::build::hub_environment;
use crate::reconcile::observed::Observed;
use crate::reconcile::plan::{Config, Etcd, Owner, Source};

/// What the operator sets by the pods' environment, and where a user sets it instead. In the file it would have no effect, and a
/// setting that silently has none is worse than one that is refused.
const OURS: &[(&str, &str)] = &[
    ("server.addr", "spec.service.port is the port that clients reach"),
    ("server.tls", "spec.hub.tlsSecret names the certificate"),
    ("admin.api_keys", "it makes a key, in the Secret with the suffix -keys"),
    ("admin.addr", "probes and Prometheus must find it"),
    ("cluster.enabled", "spec.etcd.mode decides it"),
    ("cluster.node", "it is the pod's name"),
    ("cluster.grpc_addr", "hubs find each other by it"),
    ("cluster.advertise", "it is the pod's address"),
    ("cluster.peer_key", "the operator makes one"),
    ("cluster.etcd.endpoints", "spec.etcd decides them"),
    ("cluster.etcd.tls", "spec.etcd decides it"),
];

/// The configuration of the spec, or of the ConfigMap that it names.
pub(super) fn resolve(spec: &GoHubSpec, observed: &Observed, owner: &Owner, etcd: &Etcd) -> Result<Config, Invalid> {
    if spec.config.is_some() && spec.config_from.is_some() {
        return refuse("spec.configFrom", "config and configFrom exclude each other: keep one of them");
    }
    let (text, source) = match &spec.config_from {
        Some(from) => {
            super::scheduling::object_name("spec.configFrom.name", &from.name)?;
            let Some(text) = observed.config_from.clone() else {
                return Err(Invalid::Missing {
                    field: "spec.configFrom".to_owned(),
                    message: format!("ConfigMap {:?} with the key {:?} does not exist", from.name, from.key),
                });
            };
            (text, Source::Theirs { name: from.name.clone(), key: from.key.clone() })
        }
        None => {
            let settings = spec.config.clone().unwrap_or_default();
            let text = settings.to_yaml_with_secrets();
            // What is struck out in the text for people is a secret; a text of stars by accident does no harm in a Secret.
            let secret = settings.to_yaml().contains("***");
            (text.clone(), if secret { Source::Secret(text) } else { Source::Plain(text) })
        }
    };
    let field = if spec.config_from.is_some() { "spec.configFrom" } else { "spec.config" };
    let at = |error: &SettingsError| refused(field, error);
    // The rules across fields are judged with the pods' environment, where half of the cluster's settings are.
    let environment = hub_environment::values(owner, observed.family, &observed.keys, &spec.hub, etcd);
    let settings = Settings::from_yaml(&text, environment.into_iter()).map_err(|error| at(&error))?;
    refuse_ours(field, &text)?;
    let hash = Settings::hash_of_text(&text).map_err(|error| at(&error))?;
    Ok(Config { source, hash, settings })
}

/// The hub's words, at the place in the spec that they are about.
fn refused(field: &str, error: &SettingsError) -> Invalid {
    let (field, message) = match error {
        SettingsError::Field { path, message } => match path.strip_prefix("cluster.etcd.endpoints") {
            // The only setting of ours whose value is a user's all the same.
            Some(index) => {
                let message = message.split(" (from GOHUB_").next().unwrap_or(message);
                (format!("spec.etcd.external.endpoints{index}"), message.to_owned())
            }
            None => (format!("{field}.{path}"), message.clone()),
        },
        SettingsError::Yaml(_) | SettingsError::Environment { .. } => (field.to_owned(), error.to_string()),
    };
    Invalid::Field { field, message }
}

fn refuse_ours(field: &str, text: &str) -> Result<(), Invalid> {
    // The text was read once already, so it can be read again.
    let Ok(written) = alone(text) else { return Ok(()) };
    let changed = diff(&Settings::default(), &written);
    match OURS.iter().find(|(path, _)| changed.touches(path)) {
        Some((path, instead)) => {
            refuse(format!("{field}.{path}"), format!("is set by the operator: leave it out ({instead})"))
        }
        None => Ok(()),
    }
}

/// The settings of the text without judging fields against each other.
fn alone(text: &str) -> Result<Settings, serde_yaml::Error> {
    let mut value: Value = serde_yaml::from_str(text)?;
    remove_nulls(&mut value);
    if value.is_null() { Ok(Settings::default()) } else { serde_yaml::from_value(value) }
}

/// Takes out what is set to nothing, as the hub does when it reads the file.
fn remove_nulls(value: &mut Value) {
    if let Value::Mapping(mapping) = value {
        mapping.retain(|_, value| !value.is_null());
        mapping.values_mut().for_each(remove_nulls);
    }
}
