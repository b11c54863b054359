//! A `GoHub` in an API server, hubs that answer, and an operator that can be killed and begun anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use gohub_operator::api::v1alpha1::{EtcdMode, GoHub, GoHubSpec};
use gohub_operator::events::Events;
use gohub_operator::fence::Fence;
use gohub_operator::metrics::Metrics;
use gohub_operator::reconcile::context::{Apis, Context};
use gohub_operator::reconcile::error::Error;
use gohub_operator::reconcile::memory::Memory;
use gohub_operator::reconcile::observe::Hubs;
use gohub_operator::reconcile::observed::{Family, Report};
use gohub_operator::reconcile::references::References;
use gohub_operator::reconcile::{Next, reconcile};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api_server::ApiServer;

pub(crate) const GOHUB: &str = "/apis/gohub.io/v1alpha1/namespaces/demo/gohubs/chat";

/// Hubs that answer, by address.
#[derive(Clone, Default)]
pub(crate) struct FakeHubs(Arc<Mutex<BTreeMap<String, Report>>>);

impl FakeHubs {
    /// The hub at an address says this from now on.
    pub(crate) fn say(&self, address: &str, report: Report) {
        self.0.lock().unwrap().insert(address.to_owned(), report);
    }

    /// Every hub runs the configuration of a hash.
    pub(crate) fn run(&self, hash: &str) {
        for index in 1..=9 {
            let report = Report { config: hash.to_owned(), delivering: true, connections: 2, refusal: None };
            self.say(&format!("10.0.0.{index}"), report);
        }
    }
}

impl Hubs for FakeHubs {
    fn report<'a>(&'a self, address: &'a str, _key: &'a str) -> BoxFuture<'a, Option<Report>> {
        Box::pin(std::future::ready(self.0.lock().unwrap().get(address).cloned()))
    }
}

/// All of it.
pub(crate) struct Scene {
    pub(crate) server: ApiServer,
    pub(crate) hubs: FakeHubs,
    pub(crate) apis: watch::Sender<Apis>,
    pub(crate) context: Arc<Context>,
}

/// The context of a process that has just begun.
pub(crate) fn context(
    client: kube::Client,
    hubs: &(impl Hubs + Clone + 'static),
    apis: &watch::Sender<Apis>,
) -> Arc<Context> {
    Arc::new(Context {
        events: Events::new(client.clone(), Some("operator-1".to_owned())),
        client,
        fence: Fence::open(),
        hubs: Arc::new(hubs.clone()),
        apis: apis.subscribe(),
        family: Family::V4,
        memory: Memory::default(),
        references: References::default(),
        metrics: Metrics::new().unwrap(),
    })
}

/// A `GoHub` without etcd, as an API server has it.
pub(crate) fn gohub() -> Value {
    let mut spec = GoHubSpec::default();
    spec.etcd.mode = EtcdMode::Disabled;
    let mut value = serde_json::to_value(GoHub::new("chat", spec)).unwrap();
    value["metadata"]["namespace"] = json!("demo");
    value["metadata"]["uid"] = json!("uid-of-chat");
    value
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (server, hubs, apis) = (ApiServer::new(), FakeHubs::default(), watch::Sender::new(Apis::default()));
        server.put(GOHUB, gohub());
        let context = context(server.client(), &hubs, &apis);
        Self { server, hubs, apis, context }
    }

    /// One that has come to rest.
    pub(crate) async fn settled() -> Self {
        let mut scene = Self::new();
        scene.settle().await;
        scene.server.take_calls();
        scene
    }

    /// The process is begun anew and knows nothing.
    pub(crate) fn restart(&mut self) {
        self.server.mend();
        self.context = context(self.server.client(), &self.hubs, &self.apis);
    }

    pub(crate) async fn look(&self) -> Result<Next, Error> {
        reconcile(&self.context, "demo", "chat").await
    }

    /// Looks, with Kubernetes and the hubs doing their part, until nothing is to be done.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..30 {
            self.server.play_deployment("chat");
            let hash = self.status()["config"]["hash"].as_str().unwrap_or_default().to_owned();
            self.hubs.run(&hash);
            if self.look().await.unwrap() == Next::Later {
                return;
            }
        }
        panic!("it does not come to rest: {:#}", self.status());
    }

    pub(crate) fn spec(&self, work: impl FnOnce(&mut Value)) {
        self.server.change("gohubs", "chat", |gohub| work(&mut gohub["spec"]));
    }

    pub(crate) fn status(&self) -> Value {
        self.server.at("gohubs", "chat", "/status")
    }

    /// Status and reason of a condition.
    pub(crate) fn condition(&self, kind: &str) -> (String, String) {
        let status = self.status();
        let found = status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
        let text = |field: &str| found.map(|found| found[field].as_str().unwrap().to_owned()).unwrap_or_default();
        (text("status"), text("reason"))
    }

    pub(crate) fn message(&self, kind: &str) -> String {
        let status = self.status();
        let found = status["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
        found.map(|found| found["message"].as_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Reasons of the events so far.
    pub(crate) fn events(&self) -> Vec<String> {
        self.server.all("events").iter().map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }
}
