//! The `GoHub` under test: its conditions, and its scale.

use gohub_operator::api::v1alpha1::{GoHub, GoHubStatus};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::namespace::Bed;
use super::wait::eventually;

impl Bed {
    /// The status of a `GoHub`; empty while the operator has not spoken.
    ///
    /// # Panics
    /// When there is no such `GoHub`.
    pub async fn status(&self, name: &str) -> GoHubStatus {
        let gohub = self.api::<GoHub>().get(name).await;
        gohub.unwrap_or_else(|error| panic!("{name}: {error}")).status.unwrap_or_default()
    }

    /// Waits until a condition is true, and was judged of the spec as it is now: what `kubectl wait` does.
    pub async fn until_condition(&self, name: &str, condition: &str) -> GoHubStatus {
        self.until_condition_is(name, condition, "True").await
    }

    /// The same for `False` and `Unknown`.
    pub async fn until_condition_is(&self, name: &str, condition: &str, status: &str) -> GoHubStatus {
        let look = async || {
            let gohub = self.api::<GoHub>().get(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            (gohub.metadata.generation.unwrap_or_default(), gohub.status.unwrap_or_default())
        };
        let is = |(generation, seen): &(i64, GoHubStatus)| {
            seen.conditions.iter().any(|one| {
                one.type_ == condition && one.status == status && one.observed_generation == Some(*generation)
            })
        };
        eventually(&format!("{name}: {condition} is {status}"), look, is).await.1
    }

    /// Scales as `kubectl scale` does: through the scale subresource.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn scale(&self, name: &str, replicas: i32) {
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        let scaled = self.api::<GoHub>().patch_scale(name, &PatchParams::default(), &patch).await;
        scaled.unwrap_or_else(|error| panic!("scale {name} to {replicas}: {error}"));
    }
}
