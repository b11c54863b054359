//! What is kept of a failed test: the objects of its namespace and the logs of its pods.

use std::path::Path;

use gohub_operator::api::v1alpha1::GoHub;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ListParams, LogParams};

use super::namespace::Bed;

/// Writes them into `directory/<namespace>/`. What cannot be read is left out: the test's own failure must be seen, not this one's.
pub(super) async fn dump(bed: &Bed, directory: &Path) {
    let directory = directory.join(&bed.namespace);
    if std::fs::create_dir_all(&directory).is_err() {
        return;
    }
    let write = |name: &str, text: String| drop(std::fs::write(directory.join(name), text));
    if let Ok(gohubs) = bed.api::<GoHub>().list(&ListParams::default()).await {
        write("gohubs.yaml", serde_yaml::to_string(&gohubs.items).unwrap_or_default());
    }
    if let Ok(events) = bed.api::<Event>().list(&ListParams::default()).await {
        let mut text = String::new();
        for event in events {
            let object = event.involved_object;
            let (kind, name) = (object.kind.unwrap_or_default(), object.name.unwrap_or_default());
            let (reason, message) = (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
            let at = event.last_timestamp.map(|at| format!("{:?}", at.0)).unwrap_or_default();
            text += &format!("{at} {kind}/{name} {reason}: {message}\n");
        }
        write("events.txt", text);
    }
    let Ok(pods) = bed.api::<Pod>().list(&ListParams::default()).await else { return };
    write("pods.yaml", serde_yaml::to_string(&pods.items).unwrap_or_default());
    for pod in pods {
        let name = pod.metadata.name.unwrap_or_default();
        for previous in [false, true] {
            let parameters = LogParams { previous, ..LogParams::default() };
            if let Ok(log) = bed.api::<Pod>().logs(&name, &parameters).await {
                write(&format!("{name}{}.log", if previous { ".previous" } else { "" }), log);
            }
        }
    }
}
