//! The crowd as a pod: its clients reach the hubs through the cluster's own network and the real Service.

use gohub_crowd::report::Report;
use gohub_crowd::{Event, Progress};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::namespace::Bed;
use super::own_pod;
use super::wait::eventually;

const NAME: &str = "crowd";

/// A running crowd.
#[derive(Debug)]
pub struct CrowdPod<'a> {
    bed: &'a Bed,
}

impl Bed {
    /// Starts a crowd of `clients` at the Service of a `GoHub`, which publishes `rate` a second, and waits until all are there.
    pub async fn crowd(&self, gohub: &str, clients: usize, rate: u32) -> CrowdPod<'_> {
        let url = format!("ws://{gohub}.{}.svc", self.namespace);
        let (clients, rate) = (clients.to_string(), rate.to_string());
        let arguments = ["gather", "--url", &url, "--clients", &clients, "--rate", &rate];
        let more =
            json!({ "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } } });
        let security = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
        });
        self.apply(&own_pod::manifest(NAME, &arguments, &more, &security)).await;
        let crowd = CrowdPod { bed: self };
        let began = |events: &Vec<Event>| events.iter().any(|event| matches!(event, Event::Gathered { .. }));
        eventually("the crowd has gathered", async || crowd.events().await, began).await;
        crowd
    }
}

impl CrowdPod<'_> {
    /// What it has told so far; empty while it does not run.
    async fn events(&self) -> Vec<Event> {
        let log = self.bed.api::<Pod>().logs(NAME, &kube::api::LogParams::default()).await.unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How it goes.
    pub async fn progress(&self) -> Progress {
        self.history().await.pop().unwrap_or_default()
    }

    /// How it went, second by second.
    pub async fn history(&self) -> Vec<Progress> {
        let events = self.events().await.into_iter();
        let progress = |event| match event {
            Event::Progress(progress) => Some(progress),
            _ => None,
        };
        events.filter_map(progress).collect()
    }

    /// Waits until that many more publications are acked.
    pub async fn until_acked(&self, more: u64) {
        let wanted = self.progress().await.acked + more;
        eventually(
            &format!("{wanted} publications are acked"),
            async || self.progress().await,
            |progress| progress.acked >= wanted,
        )
        .await;
    }

    /// Ends it and returns its report.
    ///
    /// # Panics
    /// When none comes.
    pub async fn finish(self) -> Report {
        self.bed.exec(NAME, &["/usr/local/bin/crowd", "finish"]).await;
        let report = async || {
            self.events().await.into_iter().find_map(|event| match event {
                Event::Report(report) => Some(*report),
                _ => None,
            })
        };
        let report = eventually("the crowd's report", report, Option::is_some).await;
        report.expect("it was waited for")
    }
}
