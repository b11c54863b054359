//! What the API server refuses, and specs that slipped in.

use serde_json::json;

use crate::api_server::status;
use crate::scene::Scene;

#[tokio::test]
async fn o8_a_spec_that_slipped_in_touches_nothing_that_runs() {
    let scene = Scene::settled().await;
    let before: Vec<_> = scene.server.versions().into_iter().filter(|(path, _)| !path.contains("gohubs")).collect();
    for change in [
        json!({ "replicas": -3 }),
        json!({ "replicas": 3 }),
        json!({ "image": "" }),
        json!({ "autoscaling": { "minReplicas": 9, "maxReplicas": 2, "targetCpuPercent": 80 } }),
    ] {
        scene.spec(|spec| {
            for (key, value) in change.as_object().unwrap() {
                spec["hub"][key] = value.clone();
            }
        });
        scene.look().await.unwrap();
        assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "InvalidSpec".to_owned()), "{change}");
    }
    let after: Vec<_> = scene
        .server
        .versions()
        .into_iter()
        .filter(|(path, _)| !path.contains("gohubs") && !path.contains("events"))
        .collect();
    assert_eq!(after, before.into_iter().filter(|(path, _)| !path.contains("events")).collect::<Vec<_>>());
}

#[tokio::test]
async fn o8_one_that_cannot_even_be_read_is_told_of() {
    let scene = Scene::settled().await;
    scene.spec(|spec| spec["etcd"]["mode"] = json!("Sometimes"));
    scene.look().await.unwrap_err();
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "InvalidSpec".to_owned()));
    assert!(scene.message("Degraded").contains("Sometimes"), "{}", scene.message("Degraded"));
}

#[tokio::test]
async fn o8_while_a_spec_is_refused_etcd_heals_by_the_last_good_one() {
    let scene = Scene::new();
    scene.spec(|spec| spec["etcd"]["mode"] = json!("Managed"));
    // Its first member: a volume and a pod. Nobody plays kubelet here, so it has no address and is not asked.
    let pending = || scene.server.change("pods", "chat-etcd-0", |pod| pod["status"] = json!({ "phase": "Pending" }));
    scene.look().await.unwrap();
    pending();
    let image = scene.server.at("pods", "chat-etcd-0", "/spec/containers/0/image");
    let bad: [fn(&mut serde_json::Value); 3] = [
        |spec| spec["hub"]["image"] = json!(""),
        |spec| spec["etcd"]["managed"] = json!({ "replicas": 2, "image": "" }),
        |spec| spec["service"]["type"] = json!("Sometimes"),
    ];
    for (number, change) in bad.into_iter().enumerate() {
        scene.spec(change);
        drop(scene.look().await);
        assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "InvalidSpec".to_owned()), "{number}");
        scene.server.delete("pods", "chat-etcd-0");
        scene.server.take_calls();
        drop(scene.look().await);
        let writes = scene.server.take_writes();
        assert_eq!(writes, ["POST pods"], "{number}: it comes back, and nothing else is touched");
        assert_eq!(scene.server.at("pods", "chat-etcd-0", "/spec/containers/0/image"), image, "{number}");
        pending();
    }
    scene.server.delete("pods", "chat-etcd-0");
    scene.spec(|spec| spec["paused"] = json!(true));
    drop(scene.look().await);
    assert!(scene.server.get("pods", "chat-etcd-0").is_none(), "paused is paused");
}

#[tokio::test]
async fn o9_a_field_that_cannot_change_is_a_condition_and_no_loop() {
    let scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.server.fault(|call| {
        let words = "Deployment.apps \"chat\" is invalid: spec.selector: field is immutable";
        call.short().starts_with("PATCH deployments").then(|| status(422, "Invalid", words))
    });
    let error = scene.look().await.unwrap_err();
    assert_eq!(error.class().as_str(), "refused");
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "Refused".to_owned()));
    assert_eq!(scene.condition("Ready").0, "False");
    assert!(scene.message("Degraded").contains("field is immutable"));
    scene.server.take_calls();
    scene.look().await.unwrap_err();
    assert_eq!(scene.server.take_writes(), ["PATCH deployments/chat"], "told once, tried again");
}

#[tokio::test]
async fn o10_good_then_bad_then_good_needs_no_hands() {
    let mut scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!(""));
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Ready").0, "False");
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.settle().await;
    assert_eq!(scene.condition("Ready").0, "True");
    assert_eq!(scene.condition("Degraded").0, "False");
    assert_eq!(scene.events(), ["Ready", "NotReady", "InvalidSpec", "Recovered"]);
    let ready = scene.server.all("events").into_iter().find(|event| event["reason"] == "Ready").unwrap();
    assert_eq!(ready["series"]["count"], 2, "the same again is counted");
}

#[tokio::test]
async fn o39_what_a_quota_forbids_is_told_in_its_words_and_heals_when_it_is_lifted() {
    let mut scene = Scene::new();
    scene.server.fault(|call| {
        let words = "services \"chat\" is forbidden: exceeded quota: small, requested: services=1";
        call.short().starts_with("PATCH services/").then(|| status(403, "Forbidden", words))
    });
    scene.look().await.unwrap_err();
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "Refused".to_owned()));
    assert!(scene.message("Ready").contains("exceeded quota"));
    scene.server.mend();
    scene.settle().await;
    assert_eq!(scene.condition("Ready").0, "True");
}

#[tokio::test]
async fn o24_a_rollout_that_is_stuck_names_the_pod_and_why() {
    let scene = Scene::settled().await;
    scene.server.change("deployments", "chat", |deployment| {
        deployment["status"]["conditions"] = json!([{
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out progressing",
        }]);
    });
    scene.server.change("pods", "chat-pod-0", |pod| {
        pod["status"]["containerStatuses"][0]["state"] =
            json!({ "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } });
    });
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "RolloutStuck".to_owned()));
    let message = scene.message("Degraded");
    assert!(message.contains("chat-pod-0") && message.contains("ImagePullBackOff"), "{message}");
}

#[tokio::test]
async fn o25_a_hub_that_never_becomes_ready_is_waited_for_until_the_deadline_and_then_named() {
    let mut scene = Scene::settled().await;
    scene.spec(|spec| spec["hub"]["image"] = json!("gohub:next"));
    scene.look().await.unwrap();
    let generation = scene.server.at("deployments", "chat", "/metadata/generation");
    // The new pod beside the old one, which serves on.
    let mut pod = scene.server.get("pods", "chat-pod-0").unwrap();
    pod["metadata"]["name"] = json!("chat-pod-new");
    pod["status"]["podIP"] = json!("10.0.0.9");
    pod["status"]["conditions"] =
        json!([{ "type": "Ready", "status": "False", "message": "containers with unready status: [hub]" }]);
    scene.server.put("/api/v1/namespaces/demo/pods/chat-pod-new", pod);
    scene.server.change("deployments", "chat", |deployment| {
        deployment["status"] = json!({
            "observedGeneration": generation, "replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        });
    });
    scene.look().await.unwrap();
    assert_eq!(scene.condition("Ready"), ("False".to_owned(), "RollingOut".to_owned()));
    assert_eq!(scene.condition("Degraded").0, "False", "until the deadline it may be slow and nothing else");
    scene.server.change("deployments", "chat", |deployment| {
        deployment["status"]["conditions"] = json!([{
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "has timed out progressing",
        }]);
    });
    scene.server.take_calls();
    scene.look().await.unwrap();
    assert_eq!(
        scene.server.take_writes(),
        ["PATCH gohubs/chat/status"],
        "the old pods serve on: nothing is taken back"
    );
    assert_eq!(scene.condition("Degraded"), ("True".to_owned(), "RolloutStuck".to_owned()));
    assert!(scene.message("Degraded").contains("chat-pod-new: not ready"), "{}", scene.message("Degraded"));
    scene.server.delete("pods", "chat-pod-new");
    scene.settle().await;
    assert_eq!((scene.condition("Ready").0, scene.condition("Degraded").0), ("True".to_owned(), "False".to_owned()));
}
