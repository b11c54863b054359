//! Applying YAML, as `kubectl apply --server-side` does.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::discovery;
use serde::Deserialize;

use super::namespace::Bed;

impl Bed {
    /// Applies every document. A field that an earlier call set and this one leaves out is taken back.
    ///
    /// # Panics
    /// When the API server refuses one.
    pub async fn apply(&self, yaml: &str) {
        if let Err(error) = self.try_apply(yaml).await {
            panic!("apply: {}\n{yaml}", words(&error));
        }
    }

    /// The same for what may be refused.
    ///
    /// # Errors
    /// What the API server says.
    ///
    /// # Panics
    /// When it is not YAML of objects, or their kind is not known.
    pub async fn try_apply(&self, yaml: &str) -> Result<(), kube::Error> {
        for document in serde_yaml::Deserializer::from_str(yaml) {
            let object = DynamicObject::deserialize(document).expect("an object");
            let types = object.types.clone().expect("apiVersion and kind");
            let kind = kube::core::GroupVersionKind::try_from(&types).expect("a kind");
            let (resource, _) = discovery::pinned_kind(&self.client, &kind).await?;
            let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
            let name = object.metadata.name.clone().expect("a name");
            api.patch(&name, &PatchParams::apply("e2e").force(), &Patch::Apply(&object)).await?;
        }
        Ok(())
    }
}

/// What an API server says, without the same again in its parts.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
