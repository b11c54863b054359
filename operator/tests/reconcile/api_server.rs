//! An API server in memory: enough of Kubernetes for the operator's real client, with every call on record and every answer at hand.
//!
//! It keeps what matters for the promises: resource versions that only a change moves, generations that only a change of the spec moves,
//! field managers of server-side apply with their conflicts, preconditions of deletes, and watches that can be cut or fall behind.

mod answer;
mod objects;
mod watch;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

pub(crate) use answer::{Answer, status};
use objects::Objects;

use crate::rights;

/// A call of the operator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
}

impl Call {
    /// Whether it could change something of the `GoHub`. Questions about rights, the lease and events could not.
    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::GET
            && !["selfsubjectaccessreviews", "leases", "events"].iter().any(|kind| self.path.contains(kind))
    }

    /// `PATCH deployments/chat`.
    pub(crate) fn short(&self) -> String {
        let parts: Vec<&str> = self.path.split('/').collect();
        let from = parts.iter().position(|part| *part == "namespaces").map_or(parts.len() - 1, |place| place + 2);
        format!("{} {}", self.method, parts[from..].join("/"))
    }
}

type Fault = Box<dyn FnMut(&Call) -> Option<Answer> + Send>;

/// The server; clones are the same one.
#[derive(Clone)]
pub(crate) struct ApiServer {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

struct State {
    objects: Objects,
    calls: Vec<Call>,
    faults: Vec<Fault>,
    /// Kinds that are not served, by plural.
    unknown: BTreeSet<String>,
    /// Writes until the operator's process is gone; no call is answered after that.
    lives_for: Option<usize>,
    /// Watches that began before this number are cut.
    watch_epoch: u64,
}

impl ApiServer {
    pub(crate) fn new() -> Self {
        let unknown = ["servicemonitors", "prometheusrules"].map(str::to_owned).into();
        let state = State {
            objects: Objects::default(),
            calls: Vec::new(),
            faults: Vec::new(),
            unknown,
            lives_for: None,
            watch_epoch: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    /// A real client of this server.
    pub(crate) fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "demo")
    }

    /// What the client speaks to, to be put behind a layer.
    pub(crate) fn service(
        &self,
    ) -> tower::util::BoxCloneService<Request<kube::client::Body>, Response<answer::Body>, tower::BoxError> {
        let server = self.clone();
        tower::util::BoxCloneService::new(tower::service_fn(move |request| {
            let server = server.clone();
            async move { server.answer(request).await }
        }))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let done = work(&mut self.state.lock().unwrap());
        self.changed.notify_waiters();
        done
    }

    async fn answer(&self, request: Request<kube::client::Body>) -> Result<Response<answer::Body>, tower::BoxError> {
        let (head, body) = request.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let call = Call {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        };
        let patch = head.headers.get("content-type").map(|kind| kind.to_str().unwrap_or_default().to_owned());
        let answer = self.with(|state| {
            if state.lives_for == Some(0) {
                return Err("the process is gone".into());
            }
            state.calls.push(call.clone());
            let fault = state.faults.iter_mut().find_map(|fault| fault(&call));
            let forbidden = || {
                let right = rights::needed(&call.method, &call.path, &call.query)?;
                let message = format!("the operator's roles do not allow {right:?}");
                (!rights::is_granted(&right)).then(|| status(403, "Forbidden", &message))
            };
            let answer = fault.or_else(forbidden);
            let answer = answer.unwrap_or_else(|| state.route(&call, patch.as_deref().unwrap_or_default()));
            if let Some(left) = state.lives_for.as_mut().filter(|_| call.is_write()) {
                *left -= 1;
            }
            Ok::<_, tower::BoxError>(answer)
        })?;
        match answer {
            Answer::Json(code, value) => Ok(answer::json(code, &value)),
            Answer::Broken => Err("connection reset by peer".into()),
            Answer::Watch { collection, from } => Ok(answer::stream(watch::stream(self.clone(), collection, from))),
        }
    }

    // What a test sees.

    /// Calls since the last look.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        self.with(|state| std::mem::take(&mut state.calls))
    }

    /// Writes since the last look, in short.
    pub(crate) fn take_writes(&self) -> Vec<String> {
        self.take_calls().iter().filter(|call| call.is_write()).map(Call::short).collect()
    }

    /// An object by its plural and name.
    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.with(|state| state.objects.find(plural, name).cloned())
    }

    /// All objects of a kind.
    pub(crate) fn all(&self, plural: &str) -> Vec<Value> {
        self.with(|state| state.objects.of(plural).cloned().collect())
    }

    /// The value at a place of an object.
    pub(crate) fn at(&self, plural: &str, name: &str, pointer: &str) -> Value {
        self.get(plural, name).and_then(|object| object.pointer(pointer).cloned()).unwrap_or_default()
    }

    /// Resource versions by path.
    pub(crate) fn versions(&self) -> Vec<(String, Value)> {
        self.with(|state| state.objects.versions())
    }

    // What a test does.

    /// Puts an object there as somebody else.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.with(|state| state.objects.put(path, object));
    }

    /// Changes a field as somebody else, who owns it from then on.
    pub(crate) fn edit(&self, plural: &str, name: &str, manager: &str, pointer: &str, value: Value) {
        self.with(|state| state.objects.edit(plural, name, manager, pointer, value));
    }

    /// Changes an object in any way, as Kubernetes' own controllers do.
    pub(crate) fn change(&self, plural: &str, name: &str, work: impl FnOnce(&mut Value)) {
        self.with(|state| state.objects.change(plural, name, work));
    }

    /// Deletes an object as somebody else.
    pub(crate) fn delete(&self, plural: &str, name: &str) {
        self.with(|state| state.objects.remove(plural, name));
    }

    /// Answers calls otherwise, for as long as the closure says so.
    pub(crate) fn fault(&self, fault: impl FnMut(&Call) -> Option<Answer> + Send + 'static) {
        self.with(|state| state.faults.push(Box::new(fault)));
    }

    /// Everything is answered as usual again.
    pub(crate) fn mend(&self) {
        self.with(|state| {
            state.faults.clear();
            state.lives_for = None;
        });
    }

    /// After so many writes the operator's process is gone.
    pub(crate) fn kill_after(&self, writes: usize) {
        self.with(|state| state.lives_for = Some(writes));
    }

    /// Serves a kind, or no more.
    pub(crate) fn serve(&self, plural: &str, is_served: bool) {
        self.with(
            |state| {
                if is_served { state.unknown.remove(plural) } else { state.unknown.insert(plural.to_owned()) }
            },
        );
    }

    /// Ends every watch, as a server does that restarts. With `forget` their versions are too old from now on.
    pub(crate) fn cut_watches(&self, forget: bool) {
        self.with(|state| {
            state.watch_epoch += 1;
            if forget {
                state.objects.compact();
            }
        });
    }

    /// What Kubernetes does to a Deployment of `replicas` pods: they run, and its status says so.
    pub(crate) fn play_deployment(&self, name: &str) {
        let Some(deployment) = self.get("deployments", name) else { return };
        let replicas = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
        let template = &deployment["spec"]["template"];
        for index in 0..replicas {
            let pod = format!("{name}-pod-{index}");
            if self.get("pods", &pod).is_none() {
                self.put(
                    &format!("/api/v1/namespaces/demo/pods/{pod}"),
                    json!({
                        "apiVersion": "v1", "kind": "Pod",
                        "metadata": { "name": pod, "namespace": "demo", "labels": template["metadata"]["labels"] },
                        "spec": template["spec"],
                        "status": {
                            "phase": "Running", "podIP": format!("10.0.0.{}", index + 1),
                            "conditions": [{ "type": "Ready", "status": "True" }],
                            "containerStatuses": [{
                                "name": "hub", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                                "state": { "running": {} },
                            }],
                        },
                    }),
                );
            }
        }
        let status = json!({
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
        });
        if deployment["status"] != status {
            self.change("deployments", name, |deployment| deployment["status"] = status);
        }
    }
}
