//! Why a `GoHub` is not ready, as `kubectl wait` and `kubectl describe` show it.

use gohub_operator::api::v1alpha1::GoHub;

use super::namespace::Bed;
use super::wait::eventually;

impl Bed {
    /// Waits until Ready is false for this reason, of the spec as it is now, with all the words in its message, and returns the message.
    pub async fn until_ready_says(&self, name: &str, reason: &str, words: &[&str]) -> String {
        let look = async || {
            let gohub = self.api::<GoHub>().get(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            let generation = gohub.metadata.generation;
            let conditions = gohub.status.unwrap_or_default().conditions.into_iter();
            let ready =
                conditions.into_iter().find(|one| one.type_ == "Ready" && one.observed_generation == generation);
            ready.map(|one| (one.status, one.reason, one.message)).unwrap_or_default()
        };
        let says = |(status, why, message): &(String, String, String)| {
            status == "False" && why == reason && words.iter().all(|word| message.contains(word))
        };
        let what = format!("{name}: Ready is false because of {reason}, with {words:?}");
        eventually(&what, look, says).await.2
    }
}
