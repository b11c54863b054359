//! Hands in what is the operator's: users, other controllers, and the status itself.

use serde_json::{Value, json};

use crate::scene::Scene;

#[tokio::test]
async fn o11_a_hand_edit_is_taken_back_and_what_was_added_stays() {
    let mut scene = Scene::settled().await;
    let config = scene.server.at("configmaps", "chat-config", "/data");
    scene.server.edit("configmaps", "chat-config", "kubectl-edit", "/data/config.yaml", json!("by hand"));
    scene.server.edit("services", "chat", "kubectl-edit", "/spec/ports/0/port", json!(81));
    scene.server.edit("services", "chat", "kubectl-edit", "/metadata/labels/team", json!("blue"));
    scene.look().await.unwrap();
    assert_eq!(scene.server.at("configmaps", "chat-config", "/data"), config);
    assert_eq!(scene.server.at("services", "chat", "/spec/ports/0/port"), 80);
    assert_eq!(
        scene.server.at("services", "chat", "/metadata/labels/team"),
        "blue",
        "a label that is not ours is left"
    );
    assert_eq!(scene.events().iter().filter(|reason| *reason == "Reverted").count(), 2);
    scene.settle().await;
    scene.server.take_calls();
    scene.look().await.unwrap();
    assert_eq!(scene.server.take_writes(), [""; 0]);
}

#[tokio::test]
async fn o12_an_object_that_was_deleted_by_hand_is_made_again() {
    let mut scene = Scene::settled().await;
    for (kind, name) in
        [("services", "chat"), ("configmaps", "chat-config"), ("deployments", "chat"), ("networkpolicies", "chat")]
    {
        scene.server.delete(kind, name);
        scene.settle().await;
        assert!(scene.server.get(kind, name).is_some(), "{kind}");
    }
}

#[tokio::test]
async fn o13_whoever_keeps_writing_our_fields_is_named_and_not_fought() {
    let scene = Scene::settled().await;
    let mut taken_back = 0;
    for port in 81..91 {
        scene.server.edit("services", "chat", "meddler", "/spec/ports", json!([{ "name": "public", "port": port }]));
        match scene.look().await {
            Ok(_) => taken_back += 1,
            Err(error) => assert!(error.to_string().contains("meddler"), "{error}"),
        }
    }
    assert_eq!(taken_back, 3, "the first few times it may have been a mistake");
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "FieldConflict".to_owned()));
    assert!(scene.message("Degraded").contains("meddler") && scene.message("Degraded").contains(".spec.ports"));
    assert_eq!(scene.server.at("services", "chat", "/spec/ports/0/port"), 90, "the war is over");
}

/// An autoscaler of somebody else's that steers our Deployment.
fn put_their_autoscaler(scene: &Scene) {
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "theirs", "namespace": "demo" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "chat" }, "maxReplicas": 9 },
    });
    scene.server.put("/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers/theirs", autoscaler);
}

#[tokio::test]
async fn o13_an_autoscaler_of_somebody_elses_keeps_its_number_of_pods() {
    let scene = Scene::settled().await;
    put_their_autoscaler(&scene);
    scene.look().await.unwrap();
    assert_eq!(
        scene.server.at("deployments", "chat", "/spec/replicas"),
        1,
        "leaving it out too early would make it one"
    );
    scene.server.edit("deployments", "chat", "kube-controller-manager", "/spec/replicas", json!(4));
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.look().await.unwrap();
    assert_eq!(scene.server.at("deployments", "chat", "/spec/replicas"), 4);
    assert_eq!(scene.server.at("deployments", "chat", "/spec/template/spec/containers/0/image"), "gohub:next");
    assert!(scene.server.get("horizontalpodautoscalers", "theirs").is_some(), "it is not ours to prune");
}

#[tokio::test]
async fn o14_a_label_or_an_owner_that_was_taken_away_is_put_back() {
    let mut scene = Scene::settled().await;
    let keys = scene.server.at("secrets", "chat-keys", "/data");
    let owner = scene.server.at("secrets", "chat-keys", "/metadata/ownerReferences");
    for (kind, name) in [("secrets", "chat-keys"), ("deployments", "chat"), ("services", "chat")] {
        scene.server.change(kind, name, |object| {
            object["metadata"]["labels"] = json!({});
            object["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        });
    }
    scene.settle().await;
    for (kind, name) in [("secrets", "chat-keys"), ("deployments", "chat"), ("services", "chat")] {
        assert_eq!(scene.server.at(kind, name, "/metadata/ownerReferences"), owner, "{kind}");
        assert_eq!(scene.server.at(kind, name, "/metadata/labels/app.kubernetes.io~1instance"), "chat", "{kind}");
    }
    assert_eq!(scene.server.at("secrets", "chat-keys", "/data"), keys, "hubs that run have these keys");
}

#[tokio::test]
async fn an_object_of_our_name_that_is_somebody_elses_is_left_alone() {
    let scene = Scene::new();
    let theirs = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "chat", "namespace": "demo", "labels": { "app": "another" } },
        "spec": { "ports": [{ "port": 1 }] },
    });
    scene.server.put("/api/v1/namespaces/demo/services/chat", theirs);
    let before = scene.server.get("services", "chat");
    scene.look().await.unwrap_err();
    assert_eq!(scene.server.get("services", "chat"), before);
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "NameTaken".to_owned()));
}

#[tokio::test]
async fn o44_a_status_that_was_edited_by_hand_is_what_it_was() {
    let scene = Scene::settled().await;
    let status = scene.status();
    scene.server.change("gohubs", "chat", |gohub| {
        gohub["status"]["observedGeneration"] = json!(99);
        gohub["status"]["hub"]["ready"] = json!(7);
        gohub["status"]["conditions"] = json!([]);
    });
    scene.look().await.unwrap();
    let timeless = |mut status: Value| {
        for condition in status["conditions"].as_array_mut().unwrap() {
            condition["lastTransitionTime"] = json!("");
        }
        status
    };
    assert_eq!(timeless(scene.status()), timeless(status));
}

#[tokio::test]
async fn keys_that_were_emptied_by_hand_are_made_anew_and_the_others_kept() {
    let mut scene = Scene::settled().await;
    let peer = scene.server.at("secrets", "chat-keys", "/data/peer-key");
    scene.server.change("secrets", "chat-keys", |secret| secret["data"]["admin-key"] = json!(""));
    scene.settle().await;
    assert_eq!(scene.server.at("secrets", "chat-keys", "/data/peer-key"), peer);
    assert!(!scene.server.at("secrets", "chat-keys", "/data/admin-key").as_str().unwrap().is_empty());
}

#[tokio::test]
async fn o13_as_many_pods_as_an_autoscaler_of_somebody_elses_wants_are_ready() {
    let scene = Scene::settled().await;
    put_their_autoscaler(&scene);
    scene.server.edit("deployments", "chat", "kube-controller-manager", "/spec/replicas", json!(4));
    for _ in 0..10 {
        scene.server.play_deployment("chat");
        scene.hubs.run(scene.status()["config"]["hash"].as_str().unwrap());
        scene.look().await.unwrap();
    }
    assert_eq!(scene.condition("Ready"), ("True".to_owned(), "AsSpecified".to_owned()), "{}", scene.message("Ready"));
}

#[tokio::test]
async fn what_was_seen_is_told_although_a_write_failed() {
    let scene = Scene::settled().await;
    assert_eq!(scene.condition("Ready").0, "True");
    // All hubs fall silent, and the API server does not take a write of ours (a webhook that is down: 500).
    for index in 1..=9 {
        scene.hubs.say(&format!("10.0.0.{index}"), gohub_operator::reconcile::observed::Report::default());
    }
    scene.server.edit("services", "chat", "kubectl-edit", "/spec/ports/0/port", json!(81));
    scene.server.fault(|call| {
        (call.method == http::Method::PATCH && call.path.ends_with("/services/chat"))
            .then(|| crate::api_server::status(500, "InternalError", "failed calling webhook"))
    });
    let mut looks = 0;
    while scene.condition("Ready").0 == "True" && looks < 20 {
        let _failed = scene.look().await;
        looks += 1;
    }
    assert_eq!(looks, 1, "so many looks failed before Ready went False");
}
