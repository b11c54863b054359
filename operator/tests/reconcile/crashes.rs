//! An operator that is killed, and objects that go away under its hands.

use gohub_operator::reconcile::Next;
use serde_json::{Value, json};

use crate::api_server::{Answer, status};
use crate::scene::{GOHUB, Scene, gohub};

/// The kinds of what follows from the `GoHub` of these tests.
const OWNED: [&str; 7] =
    ["serviceaccounts", "secrets", "configmaps", "services", "networkpolicies", "poddisruptionbudgets", "deployments"];

/// What is there in the end, without what differs from run to run.
fn end_state(scene: &Scene) -> Vec<Value> {
    let mut all: Vec<Value> = OWNED.iter().flat_map(|kind| scene.server.all(kind)).collect();
    for object in &mut all {
        for field in ["uid", "resourceVersion", "generation"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        if object["kind"] == "Secret" {
            object["data"].as_object_mut().unwrap().values_mut().for_each(|key| *key = json!("a key"));
        }
        object.as_object_mut().unwrap().remove("status");
    }
    all
}

#[tokio::test]
async fn o1_killed_after_any_write_it_comes_to_the_same_end() {
    let mut undisturbed = Scene::new();
    undisturbed.settle().await;
    let writes = undisturbed.server.take_writes().len();
    assert!(writes >= 8);
    for survives in 0..writes {
        let mut scene = Scene::new();
        scene.server.kill_after(survives);
        // Until it is gone; before its last write it may take several looks.
        for _ in 0..writes {
            scene.server.play_deployment("chat");
            if scene.look().await.is_err() {
                break;
            }
        }
        let keys = scene.server.at("secrets", "chat-keys", "/data");
        scene.restart();
        scene.settle().await;
        assert_eq!(end_state(&scene), end_state(&undisturbed), "killed after {survives} writes");
        let now = scene.server.at("secrets", "chat-keys", "/data");
        assert!(keys.is_null() || keys == now, "keys that hubs may have are never made anew");
        assert_eq!(scene.condition("Ready").0, "True");
    }
}

#[tokio::test]
async fn o5_one_that_is_being_deleted_gets_nothing_more() {
    let scene = Scene::settled().await;
    scene.server.change("gohubs", "chat", |gohub| {
        gohub["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        gohub["metadata"]["finalizers"] = json!(["somebody/else"]);
    });
    scene.server.delete("services", "chat");
    assert_eq!(scene.look().await.unwrap(), Next::Never);
    assert_eq!(scene.server.take_writes(), [""; 0]);
    scene.server.delete("gohubs", "chat");
    assert_eq!(scene.look().await.unwrap(), Next::Never);
}

#[tokio::test]
async fn it_holds_up_no_deletion_by_a_finalizer() {
    let scene = Scene::settled().await;
    for kind in ["gohubs", "deployments", "services", "secrets"] {
        for object in scene.server.all(kind) {
            assert!(object["metadata"]["finalizers"].is_null(), "{object}");
        }
    }
}

#[tokio::test]
async fn o6_in_a_namespace_that_goes_away_nothing_is_tried_in_a_hot_loop() {
    let scene = Scene::new();
    scene.server.fault(|call| {
        let words = "unable to create new content in namespace demo because it is being terminated";
        (call.method == "PATCH" && !call.path.ends_with("/status")).then(|| status(403, "Forbidden", words))
    });
    let error = scene.look().await.unwrap_err();
    assert_eq!(error.class().as_str(), "terminating");
    assert!(error.class().pauses().0.as_secs() >= 30);
    assert_eq!(scene.server.take_writes(), ["PATCH serviceaccounts/chat"], "neither a second object nor a status");
    // Each object that Kubernetes collects there is heard of and makes another look.
    for _ in 0..9 {
        assert_eq!(scene.look().await.unwrap(), Next::Later);
    }
    assert_eq!(scene.server.take_writes(), [""; 0]);
}

#[tokio::test]
async fn deleted_while_it_is_worked_on_it_is_no_error() {
    let scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    let mut gone = false;
    scene.server.fault(move |call| {
        gone |= call.path.ends_with("deployments/chat");
        (gone && call.path.contains("/gohubs/")).then(|| status(404, "NotFound", "gohubs \"chat\" not found"))
    });
    scene.look().await.unwrap();
}

#[tokio::test]
async fn o7_a_namesakes_objects_are_neither_taken_over_nor_deleted() {
    let mut scene = Scene::settled().await;
    let old_keys = scene.server.at("secrets", "chat-keys", "/data");
    scene.server.delete("gohubs", "chat");
    let mut again = gohub();
    again["metadata"]["uid"] = json!("uid-of-the-second");
    again["spec"]["networkPolicy"]["enabled"] = json!(false);
    scene.server.put(GOHUB, again);
    scene.restart();
    scene.server.take_calls();
    let error = scene.look().await.unwrap_err();
    assert_eq!(error.class().as_str(), "transient", "{error}");
    let writes = scene.server.take_writes();
    assert_eq!(writes, ["PATCH gohubs/chat/status"], "what is about to be collected is left to Kubernetes");
    // Kubernetes collects what the first one owned.
    for kind in OWNED {
        let names: Vec<Value> =
            scene.server.all(kind).iter().map(|object| object["metadata"]["name"].clone()).collect();
        names.iter().for_each(|name| scene.server.delete(kind, name.as_str().unwrap()));
    }
    scene.settle().await;
    assert_eq!(scene.server.at("deployments", "chat", "/metadata/ownerReferences/0/uid"), "uid-of-the-second");
    assert_ne!(scene.server.at("secrets", "chat-keys", "/data"), old_keys);
}

#[tokio::test]
async fn o7_what_bears_our_label_and_another_owner_is_not_pruned() {
    let mut scene = Scene::settled().await;
    let foreign = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "chat-old", "namespace": "demo",
            "labels": {
                "app.kubernetes.io/name": "gohub", "app.kubernetes.io/instance": "chat",
                "app.kubernetes.io/managed-by": "gohub-operator",
            },
            "ownerReferences": [{
                "apiVersion": "gohub.io/v1alpha1", "kind": "GoHub", "name": "chat", "uid": "uid-of-another", "controller": true,
            }],
        },
    });
    scene.server.put("/api/v1/namespaces/demo/configmaps/chat-old", foreign);
    scene.settle().await;
    assert!(scene.server.get("configmaps", "chat-old").is_some());
}

#[tokio::test]
async fn o29_an_api_server_that_is_busy_or_away_is_asked_again_and_nothing_is_told() {
    for answer in [
        status(429, "TooManyRequests", "slow down"),
        status(500, "InternalError", "etcdserver: leader changed"),
        status(503, "ServiceUnavailable", "apiserver is shutting down"),
        status(410, "Expired", "too old"),
        Answer::Broken,
    ] {
        for method in ["GET", "PATCH"] {
            let mut scene = Scene::settled().await;
            scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
            let said = answer.clone();
            scene.server.fault(move |call| {
                let services = format!("{}/", call.path).contains("/services/");
                (call.method == method && services || call.path.contains("deployments/chat")).then(|| said.clone())
            });
            let error = scene.look().await.unwrap_err();
            assert_eq!(error.class().as_str(), "transient", "{error}");
            assert_eq!(scene.condition("Degraded").0, "False", "what heals by itself is not told");
            scene.server.mend();
            scene.settle().await;
            assert_eq!(scene.server.at("deployments", "chat", "/spec/template/spec/containers/0/image"), "gohub:next");
        }
    }
}

#[tokio::test]
async fn what_fails_again_and_again_is_told_in_the_end() {
    let scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.server.fault(|call| {
        call.short()
            .starts_with("PATCH deployments")
            .then(|| status(500, "InternalError", "webhook: deadline exceeded"))
    });
    for _ in 0..6 {
        scene.look().await.unwrap_err();
    }
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "Failing".to_owned()));
    assert!(scene.message("Degraded").contains("webhook: deadline exceeded"));
    scene.server.take_calls();
    scene.look().await.unwrap_err();
    let writes = scene.server.take_writes();
    assert!(!writes.contains(&"PATCH gohubs/chat/status".to_owned()), "the same trouble is told once: {writes:?}");
}
