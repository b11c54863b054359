//! When nothing happens, nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use gohub_e2e::bed::{self, Bed};
use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use kube::{Resource, ResourceExt};

const GOHUBS: &str = r"
apiVersion: gohub.io/v1alpha1
kind: GoHub
metadata: { name: chat }
spec:
  hub: { replicas: 2 }
  etcd: { managed: { replicas: 3, storage: { size: 512Mi } } }
";

/// After a start, Kubernetes itself has things to write for a while.
const CALM: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(5 * 60);

#[tokio::test]
async fn o41_nothing_is_written_for_five_minutes_in_which_nothing_happens() {
    bed::test("steady-state", async |bed| {
        bed.apply(GOHUBS).await;
        bed.until_members("chat", 3).await;
        bed.until_condition("chat", "Ready").await;
        let before = tokio::time::timeout(bed::DEADLINE, calm(bed)).await.expect("nothing changes any more");
        bed::throughout(QUIET, "nothing is written", async || difference(&before, &versions(bed).await), Vec::is_empty)
            .await;
        assert!(before.len() > 15, "{before:#?}");
    })
    .await;
}

/// Waits until nothing was written for a while, and returns how it is then.
async fn calm(bed: &Bed) -> BTreeMap<String, String> {
    let mut before = versions(bed).await;
    loop {
        tokio::time::sleep(CALM).await;
        let now = versions(bed).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The version of every object that follows from the `GoHub`, of itself, and of what is told of it.
async fn versions(bed: &Bed) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for (name, object) in bed.objects("chat").await {
        versions.insert(name, object.resource_version().unwrap_or_default());
    }
    let gohub = bed.api::<GoHub>().get("chat").await.expect("it is there");
    versions.insert("GoHub chat".to_owned(), gohub.resource_version().unwrap_or_default());
    let events = bed.api::<Event>().list(&ListParams::default()).await.expect("events are listed");
    let by_us =
        events.iter().filter(|event| event.reporting_controller.as_deref().is_some_and(|by| by.contains("gohub")));
    for event in by_us {
        let said = format!("Event {} {}", event.reason.as_deref().unwrap_or_default(), event.name_any());
        versions.insert(said, event.meta().resource_version.clone().unwrap_or_default());
    }
    versions
}

fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let version =
        |of: &BTreeMap<String, String>, name: &String| of.get(name).cloned().unwrap_or_else(|| "none".to_owned());
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    changed.map(|name| format!("{name}: {} became {}", version(before, name), version(after, name))).collect()
}
