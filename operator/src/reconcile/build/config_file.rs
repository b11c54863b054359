//! The hubs' configuration file: a ConfigMap, or a Secret as soon as there is a secret in it.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use super::meta::{self, Component};
use crate::reconcile::plan::{Plan, Source};

/// Suffix of its name.
pub const SUFFIX: &str = "config";
/// The file's name in the pod, and its key in our own objects.
pub const FILE: &str = "config.yaml";

/// The object that holds the file.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigFile {
    /// Anybody who may see ConfigMaps may read it.
    Plain(ConfigMap),
    /// There is a secret in it.
    Secret(Secret),
}

/// The object; none if the file is in the user's own ConfigMap.
#[must_use]
pub fn build(plan: &Plan) -> Option<ConfigFile> {
    let metadata = meta::owned(&plan.owner, SUFFIX, Component::Hub);
    let file = FILE.to_owned();
    match &plan.config.source {
        Source::Plain(text) => Some(ConfigFile::Plain(ConfigMap {
            metadata,
            data: Some([(file, text.clone())].into()),
            ..ConfigMap::default()
        })),
        Source::Secret(text) => Some(ConfigFile::Secret(Secret {
            metadata,
            data: Some([(file, ByteString(text.clone().into_bytes()))].into()),
            ..Secret::default()
        })),
        Source::Theirs { .. } => None,
    }
}
