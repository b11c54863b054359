//! An API server in memory, for the few kinds that the etcd part reads and writes, with what matters there: uids, resource versions,
//! preconditions, conflicts, and deletion that waits for kubelet.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use kube::client::Body;
use serde_json::{Value, json};

/// A write, as a test reads it: `POST pods/chat-etcd-0`.
pub(crate) type Write = String;

#[derive(Clone, Default)]
pub(crate) struct ApiServer {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    /// By plural and name.
    objects: BTreeMap<(String, String), Value>,
    version: u64,
    pub(crate) writes: Vec<Write>,
    /// The last `DeleteOptions` that came with a deletion.
    pub(crate) preconditions: Vec<Value>,
    /// What the server says to whoever wants a volume to grow; it grows without.
    pub(crate) no_growth: Option<String>,
    /// Changes an object right before the next deletion of it is judged, as somebody else may.
    pub(crate) touch_before_deletion: bool,
}

impl ApiServer {
    pub(crate) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let server = server.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        kube::Client::new(service, "demo")
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts an object there as it is, without anybody having asked.
    pub(crate) fn put(&self, plural: &str, object: &impl serde::Serialize) {
        let object = serde_json::to_value(object).unwrap();
        let mut state = self.state();
        let key = (plural.to_owned(), object["metadata"]["name"].as_str().unwrap().to_owned());
        let uid = state.objects.get(&key).map(|old| old["metadata"]["uid"].clone());
        state.store(key, object, uid);
    }

    /// Takes an object away at once, as if it had never been.
    pub(crate) fn remove(&self, plural: &str, name: &str) {
        self.state().objects.remove(&(plural.to_owned(), name.to_owned()));
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.state().objects.get(&(plural.to_owned(), name.to_owned())).cloned()
    }

    pub(crate) fn list(&self, plural: &str) -> Vec<Value> {
        let state = self.state();
        state.objects.iter().filter(|((kind, _), _)| kind == plural).map(|(_, object)| object.clone()).collect()
    }

    async fn answer(&self, request: http::Request<Body>) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let url = reqwest::Url::parse(&format!("http://api{}", parts.uri)).unwrap();
        let path: Vec<&str> = url.path().trim_start_matches("/api/v1/namespaces/demo/").split('/').collect();
        let selector = url.query_pairs().find(|(key, _)| key == "labelSelector").map(|(_, value)| value.into_owned());
        let mut state = self.state();
        let (code, answer) = match (parts.method.as_str(), path.as_slice()) {
            ("GET", [plural]) => (200, state.list(plural, &selector.unwrap_or_default())),
            ("GET", [plural, name]) => state.get(plural, name),
            ("POST", [plural]) => state.create(plural, body),
            ("PATCH", ["persistentvolumeclaims", name]) => state.patch_volume(name, &body),
            ("DELETE", [plural, name]) => state.delete(plural, name, &body),
            ("POST", ["pods", name, "eviction"]) => {
                assert_eq!((&body["kind"], &body["metadata"]["name"]), (&"Eviction".into(), &(*name).into()));
                state.delete("pods", name, &body["deleteOptions"])
            }
            (method, path) => panic!("the server knows nothing of {method} {path:?}"),
        };
        let answer = serde_json::to_vec(&answer).unwrap();
        http::Response::builder().status(code).body(Body::from(answer)).unwrap()
    }
}

impl State {
    fn store(&mut self, key: (String, String), mut object: Value, uid: Option<Value>) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        object["metadata"]["uid"] = uid.unwrap_or_else(|| format!("uid-of-{}", self.version).into());
        self.objects.insert(key, object.clone());
        object
    }

    fn list(&self, plural: &str, selector: &str) -> Value {
        let wanted: Vec<(&str, &str)> = selector.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let matches = |object: &Value| wanted.iter().all(|(k, v)| object["metadata"]["labels"][*k] == *v);
        let kept = self.objects.iter().filter(|((kind, _), object)| kind == plural && matches(object));
        let items: Vec<&Value> = kept.map(|(_, object)| object).collect();
        json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": self.version.to_string() }, "items": items })
    }

    fn get(&self, plural: &str, name: &str) -> (u16, Value) {
        match self.objects.get(&(plural.to_owned(), name.to_owned())) {
            Some(object) => (200, object.clone()),
            None => refusal(404, "NotFound"),
        }
    }

    fn create(&mut self, plural: &str, object: Value) -> (u16, Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.writes.push(format!("POST {plural}/{name}"));
        let key = (plural.to_owned(), name);
        if self.objects.contains_key(&key) {
            return refusal(409, "AlreadyExists");
        }
        (201, self.store(key, object, None))
    }

    /// A volume's size, its owners and labels are all of it that is ever changed.
    fn patch_volume(&mut self, name: &str, patch: &Value) -> (u16, Value) {
        self.writes.push(format!("PATCH persistentvolumeclaims/{name}"));
        let grows = !patch["spec"].is_null();
        if let Some(words) = self.no_growth.as_ref().filter(|_| grows) {
            let mut refused = refusal(403, "Forbidden");
            refused.1["message"] = words.as_str().into();
            return refused;
        }
        let key = ("persistentvolumeclaims".to_owned(), name.to_owned());
        let Some(mut object) = self.objects.get(&key).cloned() else { return refusal(404, "NotFound") };
        assert_eq!(patch["metadata"]["uid"], object["metadata"]["uid"]);
        if grows {
            object["spec"]["resources"] = patch["spec"]["resources"].clone();
        } else {
            object["metadata"]["ownerReferences"] = patch["metadata"]["ownerReferences"].clone();
            for (key, value) in patch["metadata"]["labels"].as_object().unwrap() {
                object["metadata"]["labels"][key] = value.clone();
            }
        }
        let uid = object["metadata"]["uid"].clone();
        (200, self.store(key, object, Some(uid)))
    }

    /// A pod is marked and goes when kubelet has ended it; a volume goes at once.
    fn delete(&mut self, plural: &str, name: &str, options: &Value) -> (u16, Value) {
        self.writes.push(format!("DELETE {plural}/{name}"));
        self.preconditions.push(options["preconditions"].clone());
        let key = (plural.to_owned(), name.to_owned());
        let Some(mut object) = self.objects.get(&key).cloned() else { return refusal(404, "NotFound") };
        if std::mem::take(&mut self.touch_before_deletion) {
            object = self.store(key.clone(), object.clone(), Some(object["metadata"]["uid"].clone()));
        }
        for field in ["uid", "resourceVersion"] {
            let expected = &options["preconditions"][field];
            if !expected.is_null() && *expected != object["metadata"][field] {
                return refusal(409, "Conflict");
            }
        }
        if plural == "pods" {
            object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            let uid = object["metadata"]["uid"].clone();
            (200, self.store(key, object, Some(uid)))
        } else {
            self.objects.remove(&key);
            (200, object)
        }
    }
}

fn refusal(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": reason, "reason": reason, "code": code
    });
    (code, status)
}
